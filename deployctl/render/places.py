"""Places as code scanning and CI read them: relative to the root of the Git working tree."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from deployctl.verdicts import STANDARD_INPUT, Report, Verdict


def parts(place: str) -> tuple[str, int | None]:
    """File and line of `k8s/a.yaml:7`; the line is None where there is none."""
    name, colon, line = place.rpartition(":")
    return (name, int(line)) if colon and line.isdigit() else (place, None)


def from_repository(report: Report) -> Report:
    """`report` with its places seen from the root of the working tree that this is in; outside of Git, as it is."""
    here = Path.cwd()
    root = next((one for one in (here, *here.parents) if (one / ".git").exists()), here)
    prefix = here.relative_to(root).as_posix()
    if prefix == ".":
        return report
    return replace(report, verdicts=tuple(_seen(one, prefix) for one in report.verdicts))


def _seen(verdict: Verdict, prefix: str) -> Verdict:
    return replace(
        verdict,
        file=_place(verdict.file, prefix),
        findings=tuple(replace(one, source=_place(one.source, prefix)) for one in verdict.findings),
        faults=tuple(replace(one, where=_place(one.where, prefix)) for one in verdict.faults),
    )


def _place(place: str, prefix: str) -> str:
    """What is no relative path to something that is there (an option, an address, standard input, several paths) and
    what is outside of the working tree stays.
    """
    name = parts(place)[0]
    if name in ("", STANDARD_INPUT) or Path(name).is_absolute() or not _is_there(Path(name)):
        return place
    seen = Path(os.path.normpath(f"{prefix}/{place}")).as_posix()
    return place if seen.startswith("../") else seen


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # several paths in one text can be longer than any name
        return False
