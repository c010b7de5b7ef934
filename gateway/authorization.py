"""What a caller may do. Another team's Apps and Releases do not exist for it: both answers are the same."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType

from configuration.identity import Place, Role, listed
from configuration.settings import Settings
from gateway.authentication import Principal
from pipelines.apps import App, ClusterName
from pipelines.errors import Forbidden, NotFound, OwnRelease
from store import Reach, Release


class Permission(StrEnum):
    """What can be done with a team's Apps, with clusters and with rules. Refusals name it."""

    READ = "read"
    RELEASE = "release"
    CANCEL = "cancel"
    ROLLBACK = "rollback"
    APPROVE = "approve"
    FREEZE = "freeze"
    WAIVE = "waive"
    MEASURE = "measure"
    ACCEPT_BASELINE = "accept-baseline"


_WORDS: MappingProxyType[Permission, str] = MappingProxyType(
    {
        Permission.ROLLBACK: "roll back",
        Permission.APPROVE: "approve or reject",
        Permission.FREEZE: "make or end a Freeze",
        Permission.WAIVE: "make or end a waiver",
        Permission.MEASURE: "hand in what kube-bench measured",
        Permission.ACCEPT_BASELINE: "accept a baseline",
    }
)
_DEVELOPER = frozenset({Permission.READ, Permission.RELEASE, Permission.CANCEL, Permission.ROLLBACK})
# Developers may roll back what they may release: a way back that is harder to get than the way forward
# only lengthens outages.
PERMISSIONS: MappingProxyType[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.VIEWER: frozenset({Permission.READ}),
        Role.DEVELOPER: _DEVELOPER,
        Role.APPROVER: frozenset({Permission.READ, Permission.APPROVE}),
        Role.ON_CALL: _DEVELOPER | {Permission.APPROVE, Permission.FREEZE},
        Role.PLATFORM_ADMIN: frozenset(Permission),
        Role.MEASURER: frozenset({Permission.READ, Permission.MEASURE}),
    }
)


def holders_of(permission: Permission) -> tuple[Role, ...]:
    """The roles that have `permission`, in the order in which they rise."""
    return tuple(role for role in Role if permission in PERMISSIONS[role])


def reach_of(principal: Principal) -> tuple[Reach, ...] | None:
    """Whose Releases `principal` sees; None: all."""
    reaches = tuple(Reach(one.team, one.apps) for one in principal.grants if one.role is not Role.MEASURER)
    return None if Reach("") in reaches else reaches


def sees(principal: Principal, team: str, app: str) -> bool:
    """Whether the App `app` of `team` exists for `principal`."""
    return any(grant.sees(team, app) for grant in principal.grants)


def visible_apps(settings: Settings, principal: Principal) -> frozenset[str] | None:
    """The Apps that exist for `principal`; None: all, also those that are registered no more."""
    if reach_of(principal) is None:
        return None
    return frozenset(name for name, app in settings.apps.items() if sees(principal, app.team, name))


def visible_app(settings: Settings, principal: Principal, name: str) -> App:
    """The App called `name`. Raises `NotFound`, the same whether there is none or it is another team's."""
    app = settings.apps.get(name)
    if app is None or not sees(principal, app.team, name):
        raise NotFound(
            f"there is no App {name!r}, or you may not see it",
            "Mind the spelling: `deployctl status` lists your Apps. The platform registers new ones, in gateway.yaml",
            where="app",
        )
    return app


def place_of(app: App, environment: str | None = None) -> Place:
    """`app` in `environment`; None: in all of them."""
    return Place(app.team, app.name, None if environment is None else frozenset({environment}))


def place_of_cluster(settings: Settings, cluster: ClusterName) -> Place:
    """All that is in `cluster`, whose Apps ever."""
    return Place(environments=frozenset(one.name for one in settings.environments_of(cluster)))


def may(principal: Principal, permission: Permission, place: Place) -> bool:
    """Whether one of the roles of `principal` has `permission`, and reaches `place`."""
    return any(permission in PERMISSIONS[grant.role] and grant.covers(place) for grant in principal.grants)


def require(settings: Settings, principal: Principal, permission: Permission, place: Place) -> None:
    """Raises `Forbidden`, with what is missing and who can give it, unless it may. Visibility is checked before."""
    if may(principal, permission, place):
        return
    what = _WORDS.get(permission, permission.value)
    held = "; ".join(map(str, principal.grants)) or "none"
    holders = holders_of(permission)
    team = "" if not place.team else f" for team {place.team}"
    raise Forbidden(
        f"{principal.name} may not {what}{_where(place)}: it needs the permission `{permission}` there, and the roles "
        f"of {principal.name} are: {held}",
        f"{listed(frozenset(holders), 'or').capitalize()}{team} may. Such a role is granted by "
        f"{settings.platform}, in gateway.yaml",
        permission=permission,
        roles=holders,
    )


def insist_on_four_eyes(principal: Principal, release: Release) -> None:
    """Raises `OwnRelease` where `principal` asked for `release`: under the same name, or by another token."""
    asked, decides = {release.requested_by, release.person} - {""}, {principal.name, principal.person}
    if asked & decides:
        raise OwnRelease(
            f"{principal.name} asked for this Release, and so can't approve it",
            "Ask a colleague who may approve; you may still cancel it",
        )


def _where(place: Place) -> str:
    app = f" {place.app}" if place.app else ""
    if place.environments is None:
        return f"{app} in all Environments" if app else ""
    return f"{app} in {listed(place.environments)}" if place.environments else app
