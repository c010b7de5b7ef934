"""What a check on this machine has to say: a verdict for each App, and a report of all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from deployctl.exits import Exit
from pipelines.errors import Fault
from pipelines.findings import Finding, blocking

STAND_IN_ENVIRONMENT = "local"
"""Where things are checked for, if nobody says where they go."""

STANDARD_INPUT = "stdin"
"""Where manifests come from that are in no file."""


class VerdictState(StrEnum):
    """How the check of one App ended. Only `passed` is a pass."""

    PASSED = "passed"
    BLOCKED = "blocked"
    INVALID = "invalid"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class Suggested:
    """Values that end findings: with all of them together `gone` findings end, and `stay` remain, some of which block.

    `where` is what of a deploy.yaml they belong below; `leaves_out` is what the chart then renders no more.
    """

    values: Mapping[str, Any]
    gone: int
    stay: int
    stay_blocking: int
    leaves_out: tuple[str, ...] = ()
    where: str = "values"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One App in one Environment.

    `file` is its deploy.yaml, relative to the working directory, as are the places in findings and faults.
    `faults` say why it could not be checked, `code` the kind of that error; `overlays` names Environments
    that the file has other values for, which were not looked at. `counted` is what was looked at in place of an
    App: `12 objects`. `suggested` are values for a third-party chart.
    """

    file: str
    app: str
    environment: str
    state: VerdictState
    commit: str = ""
    findings: tuple[Finding, ...] = ()
    faults: tuple[Fault, ...] = ()
    code: str = ""
    objects: int = 0
    overlays: tuple[str, ...] = ()
    seconds: float = 0.0
    counted: str = ""
    suggested: Suggested | None = None

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """The findings that would stop a Release."""
        return blocking(self.findings)

    @property
    def waived(self) -> tuple[Finding, ...]:
        """The findings that the platform made an exception for."""
        return tuple(one for one in self.findings if one.waiver)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The other findings, which would not."""
        return tuple(one for one in self.findings if not one.blocks and not one.waiver)


@dataclass(frozen=True, slots=True)
class NotChecked:
    """Something that only the gateway can check, or that was not asked for: `why`, and `how` to have it checked."""

    what: str
    why: str
    how: str = ""

    def __str__(self) -> str:
        return f"{self.what} ({self.why}{f'; {self.how}' if self.how else ''})"

    @property
    def brief(self) -> str:
        """For people, who want to know what to do about it."""
        return f"{self.what} ({self.how})" if self.how else self.what


@dataclass(frozen=True, slots=True)
class Report:
    """All verdicts of one call, in the order that was asked for; `seconds` is what the whole call took."""

    verdicts: tuple[Verdict, ...]
    not_checked: tuple[NotChecked, ...]
    seconds: float

    def of(self, state: VerdictState) -> tuple[Verdict, ...]:
        """The verdicts that ended in `state`."""
        return tuple(one for one in self.verdicts if one.state is state)

    @property
    def exit(self) -> Exit:
        """Crashed before invalid before blocked: what is least known counts most. No verdict is no pass."""
        if not self.verdicts or self.of(VerdictState.CRASHED):
            return Exit.FAILED
        if self.of(VerdictState.INVALID):
            return Exit.WRONG_USAGE
        return Exit.BLOCKED if self.of(VerdictState.BLOCKED) else Exit.DONE


def waivers_left_out(verdicts: Iterable[Verdict]) -> tuple[NotChecked, ...]:
    """That the gateway may let through what blocks here: waivers are the platform's, and not known offline."""
    if not any(one.state is VerdictState.BLOCKED for one in verdicts):
        return ()
    return (NotChecked("waivers", "the gateway alone knows them", "--waivers"),)


def overlays_left_out(verdicts: Iterable[Verdict]) -> tuple[NotChecked, ...]:
    """What the files say for Environments that nobody asked about."""
    names = sorted({name for one in verdicts for name in one.overlays})
    if not names:
        return ()
    shown = ", ".join(names)
    return (NotChecked(f"what differs in {shown}", "another Environment was asked for", f"--env {names[0]}"),)
