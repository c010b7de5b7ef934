"""Why a finding does not block, where it doesn't: a waiver, or a day that is still to come."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from pipelines.days import today


def standing(finding: Mapping[str, Any]) -> str:
    """`waived by Ada, until …`, or `blocks from 31 January 2027 (in 67 days)`; empty where there is nothing to say."""
    if finding.get("waiver"):
        return f"waived by {finding['waiver']}"
    return blocks_from(str(finding["enforce_from"])) if finding.get("enforce_from") else ""


def blocks_from(day: str) -> str:
    """`blocks from 31 January 2027 (in 67 days)`, by days in UTC."""
    first = date.fromisoformat(day)
    days = (first - today()).days
    left = f"in {days} days" if days > 1 else "tomorrow" if days == 1 else "now"
    return f"blocks from {first.day} {first:%B %Y} ({left})"
