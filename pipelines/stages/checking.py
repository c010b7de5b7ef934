"""What lint and policy share: independent checks run side by side, and their findings get the Environment's modes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace

from pipelines.apps import Environment
from pipelines.errors import CheckCrashed
from pipelines.findings import Finding, Mode, blocking
from pipelines.ports import Check, CheckSubject


def run_side_by_side(
    subject: CheckSubject, checks: tuple[Check, ...], environment: Environment, *, timeout_seconds: float
) -> tuple[Finding, ...]:
    """All findings of all checks, in the order of the checks.

    Raises `CheckCrashed` for a check that did, or has no answer after `timeout_seconds`; when there is no check,
    and when there is nothing to look at.
    """
    if not subject.objects:
        raise CheckCrashed(
            "nothing was rendered: there is no object to check",
            "See that the folder of `manifests:` has files with objects in them",
        )
    if not checks:
        raise CheckCrashed("no check is configured", "This is a fault of the installation: report it to the platform")
    pool = ThreadPoolExecutor(len(checks))
    answers = {pool.submit(check.findings, subject): check.name for check in checks}
    late = wait(answers, timeout=timeout_seconds).not_done
    pool.shutdown(wait=False)  # what is late can't be ended from here, and is not waited for
    crashes: list[BaseException] = [_late(answers[answer], timeout_seconds) for answer in answers if answer in late]
    in_time = [answer for answer in answers if answer not in late]
    crashes += [crash for answer in in_time if (crash := answer.exception()) is not None]
    found = [finding for answer in in_time if answer.exception() is None for finding in answer.result()]
    judged = tuple(replace(finding, mode=_mode(finding, environment)) for finding in found)
    # An object that one check refuses can be what another one stumbles over: then its findings say enough.
    if crashes and not blocking(judged):
        raise crashes[0]
    return judged


def _late(name: str, timeout_seconds: float) -> CheckCrashed:
    return CheckCrashed(
        f"the check {name} has no answer after {timeout_seconds:g} s",
        "Release again. The platform sets the time: limits.check_timeout_seconds in gateway.yaml",
    )


def _mode(finding: Finding, environment: Environment) -> Mode:
    """A check's own warning stays one; what it would enforce is as the Environment says."""
    if finding.mode is Mode.WARN and finding.rule not in environment.rule_modes:
        return Mode.WARN
    return environment.mode_of(finding.rule)
