"""The day that it is: by which rules begin to block, waivers end and bases reach their end of life."""

from __future__ import annotations

from datetime import UTC, date, datetime


def today() -> date:
    """The day in UTC, wherever the machine stands."""
    return datetime.now(UTC).date()
