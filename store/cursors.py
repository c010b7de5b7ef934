"""Where one page of rows ends and the next begins, as the text that a client sends back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pipelines.errors import InvalidInput


class Numbered(Protocol):
    """A row with the number that orders it."""

    @property
    def number(self) -> int: ...


def next_cursor(rows: Sequence[Numbered], limit: int) -> str | None:
    """The cursor after `limit` rows, of which one more was asked for; None where that one is not there."""
    return str(rows[limit - 1].number) if len(rows) > limit else None


def row_after(cursor: str) -> int:
    """The row that a page ended with. Raises `InvalidInput` for a cursor that is none of ours."""
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 18:
        raise InvalidInput(
            f"{cursor[:40]!r} is not a cursor",
            "Use the next_cursor of the page before, or leave it out for the first page",
            where="cursor",
        )
    return int(cursor)
