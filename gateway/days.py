"""Days as requests write them: in UTC, and none that is over."""

from __future__ import annotations

from datetime import date

from pipelines.errors import InvalidInput


def day_to_come(text: str, today: date, *, where: str, instead: str) -> date:
    """The day that `text` (`2027-01-31`) is, `today` at the earliest.

    Raises `InvalidInput` about the field `where`; `instead` says what to write for a day that is over.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is no day", "Write it as 2027-01-31", where=where) from None
    if day < today:
        raise InvalidInput(f"{text} is over already", instead, where=where)
    return day
