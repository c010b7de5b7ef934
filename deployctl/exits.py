"""What deployctl leaves with; scripts rely on these."""

from __future__ import annotations

from enum import IntEnum

from pipelines.states import ReleaseState


class Exit(IntEnum):
    """Exit codes."""

    DONE = 0
    FAILED = 1
    WRONG_USAGE = 2
    BLOCKED = 3
    NOT_REACHABLE = 4
    GAVE_UP_WAITING = 5
    NOT_ALLOWED = 6


_OF_STATE = {
    ReleaseState.DEPLOYED: Exit.DONE,
    ReleaseState.PLANNED: Exit.DONE,
    ReleaseState.BLOCKED: Exit.BLOCKED,
}


def exit_of(state: str, code: str | None = None) -> Exit:
    """The exit code for a Release that ended in `state`; a failure by what the team wrote is wrong input."""
    if state == ReleaseState.FAILED and code in _INPUT_CODES:
        return Exit.WRONG_USAGE
    return _OF_STATE.get(ReleaseState(state), Exit.FAILED)


_INPUT_CODES = frozenset(
    {
        "invalid-input",
        "invalid-deploy-file",
        "invalid-ref",
        "ref-not-found",
        "unsafe-checkout",
        "image-not-found",
        "render-failed",
        "repository-not-found",
    }
)
