"""The states of a Release and of its stages, and which state may follow which."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType


class ReleaseState(StrEnum):
    """Where a Release stands. The eight final states are never left again.

    `rejected` is kept for Releases that somebody has to approve; nothing ends so yet.
    """

    ACCEPTED = "accepted"
    CHECKING = "checking"
    READY = "ready"
    DEPLOYING = "deploying"
    DEPLOYED = "deployed"
    PLANNED = "planned"
    BLOCKED = "blocked"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    REJECTED = "rejected"

    @property
    def is_final(self) -> bool:
        return not TRANSITIONS[self]


_S = ReleaseState
TRANSITIONS: MappingProxyType[ReleaseState, frozenset[ReleaseState]] = MappingProxyType(
    {
        _S.ACCEPTED: frozenset({_S.CHECKING, _S.READY, _S.SUPERSEDED, _S.CANCELLED, _S.REJECTED, _S.FAILED}),
        _S.CHECKING: frozenset({_S.READY, _S.BLOCKED, _S.FAILED, _S.SUPERSEDED, _S.CANCELLED}),
        _S.READY: frozenset({_S.DEPLOYING, _S.SUPERSEDED, _S.CANCELLED, _S.REJECTED, _S.FAILED}),
        _S.DEPLOYING: frozenset({_S.DEPLOYED, _S.PLANNED, _S.BLOCKED, _S.FAILED, _S.ROLLED_BACK, _S.CANCELLED}),
        _S.DEPLOYED: frozenset(),
        _S.PLANNED: frozenset(),
        _S.BLOCKED: frozenset(),
        _S.FAILED: frozenset(),
        _S.ROLLED_BACK: frozenset(),
        _S.SUPERSEDED: frozenset(),
        _S.CANCELLED: frozenset(),
        _S.REJECTED: frozenset(),
    }
)

FINAL_STATES: frozenset[ReleaseState] = frozenset(state for state in ReleaseState if state.is_final)
NOT_YET_ROLLING_OUT: frozenset[ReleaseState] = frozenset({_S.ACCEPTED, _S.CHECKING, _S.READY})


class ReleaseCode(StrEnum):
    """What a Release ends by where that is no error: the code that it has then. `ENDINGS` has the rest."""

    BLOCKED_BY_POLICY = "blocked-by-policy"
    SUPERSEDED = "superseded"
    WORKERS_DIED = "workers-died"


ENDINGS: MappingProxyType[ReleaseCode, tuple[ReleaseState, str]] = MappingProxyType(
    {
        ReleaseCode.BLOCKED_BY_POLICY: (_S.BLOCKED, "A check has something to say that blocks: see the findings."),
        ReleaseCode.SUPERSEDED: (_S.SUPERSEDED, "A newer Release of the same App took its place before it began."),
        ReleaseCode.WORKERS_DIED: (_S.FAILED, "Its workers died again and again: it may be what kills them."),
    }
)
"""The state that goes with each, and what it means."""


class ReleaseKind(StrEnum):
    """What a Release was asked to do: put a commit, or put back an earlier Bundle."""

    RELEASE = "release"
    ROLLBACK = "rollback"


class StageName(StrEnum):
    """The ordered steps of a Pipeline. Those before preflight run in the check zone, the rest in the deploy zone."""

    CHECKOUT = "checkout"
    RESOLVE = "resolve"
    RENDER = "render"
    LINT = "lint"
    POLICY = "policy"
    PREFLIGHT = "preflight"
    ROLLOUT = "rollout"
    VERIFY = "verify"


class StageState(StrEnum):
    """How one stage went."""

    RUNNING = "running"
    PASSED = "passed"
    BLOCKED = "blocked"
    FAILED = "failed"
