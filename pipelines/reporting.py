"""Runs one stage and tells how it went; between stages it is asked whether to go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pipelines.errors import GatewayError
from pipelines.ports import Reporter
from pipelines.states import StageName, StageState


class Cancelled(GatewayError):
    """Somebody asked for this Release to stop."""

    code = "cancelled"
    title = "Cancelled"

    def __init__(self) -> None:
        super().__init__("it was cancelled", "Release again when you want it")


@dataclass(slots=True)
class Outcome:
    """How a stage ended, unless it raised: set by what runs in it."""

    state: StageState = StageState.PASSED
    detail: str = ""


@contextmanager
def stage(reporter: Reporter, name: StageName, *, may_cancel: bool = True) -> Iterator[Outcome]:
    """Reports the stage as running, and then as what the yielded Outcome says; at an error as failed or blocked by it.

    Raises `Cancelled` before it begins when that was asked for.
    """
    if may_cancel and reporter.cancelled():
        raise Cancelled
    reporter.stage(name, StageState.RUNNING)
    outcome = Outcome()
    try:
        yield outcome
    except GatewayError as error:
        state = StageState.BLOCKED if error.blocks else StageState.FAILED
        reporter.stage(name, state, error.reason.splitlines()[0])
        raise
    reporter.stage(name, outcome.state, outcome.detail)
