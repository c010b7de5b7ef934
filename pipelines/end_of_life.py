"""What a warning of an end of life becomes on its day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from pipelines.catalogue.images import BASE_END_OF_LIFE
from pipelines.findings import Finding


def on_day(finding: Finding, day: date) -> Finding:
    """`finding` as a check has it on `day` (UTC), before any Environment and waiver.

    From its end of life on, another rule says it: of that one are the modes, days and waivers that count then.
    """
    if not finding.end_of_life or day.isoformat() < finding.end_of_life:
        return finding
    entry = BASE_END_OF_LIFE
    return replace(
        finding,
        rule=entry.id,
        severity=entry.severity,
        mode=entry.mode,
        why=entry.why,
        link=entry.link,
        waiver="",
        enforce_from="",
        end_of_life="",
        own_mode="",
    )
