"""What can go wrong on this side, told as what, where and what to do."""

from __future__ import annotations

from typing import Any

from deployctl.exits import Exit, exit_of_answer
from pipelines.errors import GatewayError


class CommandFailed(Exception):
    """Ends the command with `exit_code`, and with a text that says what, where, and what to do."""

    def __init__(
        self,
        title: str,
        reason: str,
        solution: str,
        exit_code: Exit,
        faults: tuple[str, ...] = (),
        status: int | None = None,
    ) -> None:
        """`status` is the gateway's HTTP status, where it answered with a problem."""
        super().__init__(reason)
        self.status = status
        self.title = title
        self.reason = reason
        self.solution = solution
        self.exit_code = exit_code
        self.faults = faults


def from_problem(status: int, document: dict[str, Any]) -> CommandFailed:
    """The gateway's problem document (RFC 9457) as a failure of the command."""
    where = document.get("where")
    detail = str(document.get("detail") or document.get("title") or f"HTTP {status}")
    faults = tuple(f"{one.get('where', '')}: {one.get('reason', '')}" for one in document.get("errors") or [])
    return CommandFailed(
        str(document.get("title") or f"The gateway answered {status}"),
        f"{where}: {detail}" if where else detail,
        str(document.get("solution") or ""),
        exit_of_answer(status, document.get("code")),
        faults,
        status,
    )


def from_error(error: GatewayError) -> CommandFailed:
    """An error of the pipeline, on this machine, as a failure of the command."""
    # One fault alone says what the error itself does.
    faults = tuple(str(fault) for fault in error.errors) if len(error.errors) > 1 else ()
    reason = f"{error.where}: {error.reason}" if error.where else error.reason
    return CommandFailed(error.title, reason, error.solution, Exit(error.exit_code), faults)


def not_the_gateway(url: str, status: int) -> CommandFailed:
    """Something answered that is not the gateway: a proxy's page, half an answer."""
    return CommandFailed(
        "That was not the gateway's answer",
        f"{url} answered {status} with something that is not the gateway's JSON",
        "Check DEPLOYCTL_URL; a proxy in between may have answered",
        Exit.NOT_REACHABLE,
    )


def not_reachable(url: str, kind: str) -> CommandFailed:
    """Nobody answered."""
    return CommandFailed(
        "The gateway can't be reached",
        f"{url} does not answer ({kind})",
        "Check DEPLOYCTL_URL and the network. What was accepted before is not lost",
        Exit.NOT_REACHABLE,
    )
