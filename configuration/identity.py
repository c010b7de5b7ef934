"""Who may do what, as `gateway.yaml` says it: roles, for which Apps, and in which Environments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from configuration.references import Reference


class Role(StrEnum):
    """What somebody may do, for their team's Apps (`platform-admin`: for all).

    A `measurer` has no team: it hands in what kube-bench measured, and sees no App.
    """

    VIEWER = "viewer"
    DEVELOPER = "developer"
    APPROVER = "approver"
    ON_CALL = "on-call"
    PLATFORM_ADMIN = "platform-admin"
    MEASURER = "measurer"


TEAMLESS = frozenset({Role.PLATFORM_ADMIN, Role.MEASURER})
"""The roles that are for no team."""


@dataclass(frozen=True, slots=True)
class Place:
    """What is acted on. `team` and `app` empty, or `environments` None: all there are."""

    team: str = ""
    app: str = ""
    environments: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """A role, and how far it reaches: `team` is empty for all teams (or, with `measurer`, none); None means any.

    `environments` bounds what may be done, `apps` also what may be seen: an App is seen with all its places.
    """

    role: Role
    team: str = ""
    environments: frozenset[str] | None = None
    apps: frozenset[str] | None = None

    def sees(self, team: str, app: str) -> bool:
        """Whether the App `app` of `team` exists for whoever has this."""
        if self.role is Role.MEASURER or self.team not in ("", team):
            return False
        return self.apps is None or app in self.apps

    def covers(self, place: Place) -> bool:
        """Whether all of `place` is within its reach."""
        if self.team and self.team != place.team:
            return False
        if self.apps is not None and place.app not in self.apps:
            return False
        return self.environments is None or bool(place.environments and place.environments <= self.environments)

    def __str__(self) -> str:
        parts = [
            self.role.value,
            f"for team {self.team}" if self.team else "",
            f"for {listed(self.apps)}" if self.apps is not None else "",
            f"in {listed(self.environments)}" if self.environments is not None else "",
        ]
        return " ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token as `gateway.yaml` knows it: never the token, only its sha256 in 64 hex digits.

    `last_day` is the last day on which it is taken; None: it does not end. `owner` is whoever acts by it.
    """

    name: str
    sha256: str
    grant: Grant
    last_day: date | None = None
    owner: str = ""


def listed(names: frozenset[str], joined_by: str = "and") -> str:
    """`a, b and c`."""
    *most, last = sorted(names)
    return f"{', '.join(most)} {joined_by} {last}" if most else last


Claims = Mapping[str, Any]
"""What an identity provider says of whoever it vouches for, as the token has it."""


@dataclass(frozen=True, slots=True)
class ClaimRule:
    """Whoever has all of `claims` (name → pattern) gets `grant`."""

    claims: Mapping[str, str]
    grant: Grant


@dataclass(frozen=True, slots=True)
class Issuer:
    """An identity provider whose tokens are taken in place of ours, for `audience` alone.

    `algorithms` are the only ones that a signature may have; `person` is the claim that names who is behind a token.
    """

    name: str
    url: str
    audience: str
    algorithms: tuple[str, ...]
    rules: tuple[ClaimRule, ...]
    person: str = ""


@dataclass(frozen=True, slots=True)
class SignIn:
    """The identity provider that people sign in at, in a browser, and from a terminal as `device_client_id`, if any.

    `name` is the claim that they are called by; `label` is what the page calls the provider.
    """

    issuer: str
    client_id: str
    client_secret: Reference | None
    device_client_id: str
    algorithms: tuple[str, ...]
    scopes: tuple[str, ...]
    name: str
    label: str
    rules: tuple[ClaimRule, ...]
