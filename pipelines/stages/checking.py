"""lint and policy: is it sound, and is it allowed here. Independent checks run side by side, and their findings get the
Environment's modes.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import date

from pipelines.apps import Environment
from pipelines.end_of_life import on_day
from pipelines.errors import CheckCrashed
from pipelines.findings import Finding, Mode, blocking
from pipelines.ports import Check, CheckSubject
from pipelines.waivers import Waiver, waived


@dataclass(frozen=True, slots=True)
class Answers:
    """What checks found; `crash` is what the first of those that gave no answer ended by."""

    findings: tuple[Finding, ...]
    crash: BaseException | None = None


def together(*answers: Answers) -> tuple[Finding, ...]:
    """The findings of all `answers`. Raises the first crash, unless a finding blocks, whichever of them found it.

    An object that one check refuses can be what another one stumbles over: then its findings say enough.
    """
    found = tuple(finding for one in answers for finding in one.findings)
    crash = next((one.crash for one in answers if one.crash is not None), None)
    if crash is not None and not blocking(found):
        raise crash
    return found


def run_side_by_side(
    subject: CheckSubject,
    checks: tuple[Check, ...],
    environment: Environment,
    waivers: tuple[Waiver, ...] = (),
    *,
    timeout_seconds: float,
) -> Answers:
    """All findings of all checks, in the order of the checks; those that `waivers`, which are in force, are for are so
    marked. A check that has no answer after `timeout_seconds` counts as crashed.

    Raises `CheckCrashed` when there is no check, and when there is nothing to look at.
    """
    if not subject.objects:
        raise CheckCrashed(
            "nothing was rendered: there is no object to check",
            "Report it: whoever renders says so when there is none",
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

    marked = tuple(waived(judged(finding, environment), waivers) for finding in found)
    return Answers(marked, crashes[0] if crashes else None)


def _late(name: str, timeout_seconds: float) -> CheckCrashed:
    return CheckCrashed(
        f"the check {name} has no answer after {timeout_seconds:g} s",
        "Release again. The platform sets the time: limits.check_timeout_seconds in gateway.yaml",
    )


def judged(finding: Finding, environment: Environment) -> Finding:
    """`finding`, which has the mode of its check, with what the Environment makes of it."""
    mode = environment.mode_of(finding.rule, finding.mode)
    first = _first_day(finding, environment) if mode is Mode.WARN else None
    return replace(finding, mode=mode, own_mode=finding.mode.value, enforce_from=first.isoformat() if first else "")


def _first_day(finding: Finding, environment: Environment) -> date | None:
    """The first day on which `finding`, which warns, blocks; None: none is known."""
    first = environment.enforce_from_of(finding.rule, finding.mode)
    end = date.fromisoformat(finding.end_of_life) if finding.end_of_life else None
    if end is None or (first is not None and first < end):
        return first
    there, then = environment.as_of(end), on_day(finding, end)
    return end if there.mode_of(then.rule, then.mode) is Mode.ENFORCE else there.enforce_from_of(then.rule, then.mode)
