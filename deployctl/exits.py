"""What deployctl leaves with; scripts rely on these."""

from __future__ import annotations

from enum import IntEnum

from pipelines import errors
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
    """The exit code for a Release that ended in `state`; when it failed, the one of the error with that `code`."""
    if state == ReleaseState.FAILED and code in _OF_CODE:
        return _OF_CODE[code]
    return _OF_STATE.get(ReleaseState(state), Exit.FAILED)


def exit_of_answer(status: int, code: str | None = None) -> Exit:
    """The exit code for a request that the gateway answered with an error: HTTP's `status`, and its `code`."""
    if status == 429 or status >= 500:
        return Exit.NOT_REACHABLE
    if status in (401, 403):
        return Exit.NOT_ALLOWED
    return _OF_CODE.get(code, Exit.WRONG_USAGE)


# The errors of the gateway's own all have what their HTTP status says.
_OF_CODE: dict[str | None, Exit] = {
    kind.code: Exit(kind.exit_code)
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.GatewayError)
}
