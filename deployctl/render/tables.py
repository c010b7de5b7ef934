"""Tables for people: whole in a pipe, and on a terminal cut in the last column only."""

from __future__ import annotations

import sys
from collections.abc import Iterable

_UNBOUNDED = 10_000


def print_table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Prints `rows` as they are, brackets too; the last column is the one that may be long."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from deployctl.render.text import safe

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings[:-1]:
        table.add_column(heading, no_wrap=True, overflow="fold")
    table.add_column(headings[-1], no_wrap=True, overflow="ellipsis", ratio=1)
    for row in rows:
        table.add_row(*(Text(safe(cell)) for cell in row))
    Console(highlight=False, width=None if sys.stdout.isatty() else _UNBOUNDED).print(table)
