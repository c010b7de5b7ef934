"""policy: is it allowed here. The rules of the platform, as CEL."""

from __future__ import annotations

from pipelines.apps import Environment
from pipelines.findings import Finding
from pipelines.ports import Check, CheckSubject
from pipelines.stages.checking import run_side_by_side


def policy(
    subject: CheckSubject, checks: tuple[Check, ...], environment: Environment, *, timeout_seconds: float
) -> tuple[Finding, ...]:
    """The findings of `checks`, with the modes of `environment`. Raises `CheckCrashed`."""
    return run_side_by_side(subject, checks, environment, timeout_seconds=timeout_seconds)
