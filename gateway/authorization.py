"""What a caller may do. Another team's Apps and Releases do not exist for it: both answers are the same."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType

from configuration.settings import Role, Settings
from gateway.authentication import Principal
from pipelines.apps import App
from pipelines.errors import Forbidden, NotFound


class Permission(StrEnum):
    """What can be done with a team's Apps, with clusters and with rules."""

    READ = "read"
    RELEASE = "release"
    CANCEL = "cancel"
    ROLL_BACK = "roll back"
    MEASURE = "hand in what kube-bench measured"
    ACCEPT_BASELINE = "accept a baseline"
    WAIVE = "make or end a waiver"


_TEAMS = frozenset({Permission.READ, Permission.RELEASE, Permission.CANCEL, Permission.ROLL_BACK})
# Developers may roll back what they may release: a way back that is harder to get than the way forward
# only lengthens outages. So on-call differs from developer by name alone until there are freezes and
# approvals to walk past.
PERMISSIONS: MappingProxyType[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.VIEWER: frozenset({Permission.READ}),
        Role.DEVELOPER: _TEAMS,
        Role.ON_CALL: _TEAMS,
        Role.PLATFORM_ADMIN: frozenset(Permission),
        Role.MEASURER: frozenset({Permission.READ, Permission.MEASURE}),
    }
)


def teams_of(principal: Principal) -> frozenset[str] | None:
    """The teams whose Apps `principal` sees; None: all."""
    return None if principal.role is Role.PLATFORM_ADMIN else frozenset({principal.team})


def sees(principal: Principal, team: str) -> bool:
    """Whether what belongs to `team` exists for `principal`."""
    teams = teams_of(principal)
    return teams is None or team in teams


def visible_app(settings: Settings, principal: Principal, name: str) -> App:
    """The App called `name`. Raises `NotFound`, the same whether there is none or it is another team's."""
    app = settings.apps.get(name)
    if app is None or not sees(principal, app.team):
        raise NotFound(
            f"there is no App {name!r}, or you may not see it",
            "Mind the spelling: `deployctl status` lists your Apps. The platform registers new ones, in gateway.yaml",
            where="app",
        )
    return app


def require(principal: Principal, permission: Permission) -> None:
    """Raises `Forbidden` unless the role of `principal` has `permission`. Visibility is checked before."""
    if permission not in PERMISSIONS[principal.role]:
        holders = " or ".join(sorted(role for role, granted in PERMISSIONS.items() if permission in granted))
        raise Forbidden(
            f"the role {principal.role} may not {permission}",
            f"Use a token with the role {holders}",
        )
