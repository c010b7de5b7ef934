"""policy: is it allowed here. The rules of the platform, in CEL and in Python, side by side."""

from __future__ import annotations

from pipelines.apps import Environment
from pipelines.findings import Finding
from pipelines.ports import Check, CheckSubject
from pipelines.stages.checking import run_side_by_side
from pipelines.waivers import Waiver


def policy(
    subject: CheckSubject,
    checks: tuple[Check, ...],
    environment: Environment,
    waivers: tuple[Waiver, ...] = (),
    *,
    timeout_seconds: float,
) -> tuple[Finding, ...]:
    """The findings of `checks`, with the modes of `environment` and marked by `waivers`. Raises `CheckCrashed`."""
    return run_side_by_side(subject, checks, environment, waivers, timeout_seconds=timeout_seconds)
