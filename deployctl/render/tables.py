"""Tables for people: whole in a pipe; on a terminal the last column is cut, and what matters least is left out."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import click

_UNBOUNDED = 10_000
_LAST_AT_LEAST = 12


def print_table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]], *, may_go: tuple[str, ...] = ()) -> None:
    """Prints `rows` as they are, brackets too. The last column is the one that may be long.

    `may_go` are headings of columns that a narrow terminal goes without, the first of them first.
    """
    from deployctl.render.text import safe

    lines = [headings, *(tuple(safe(cell) for cell in row) for row in rows)]
    if not sys.stdout.isatty():
        click.echo("\n".join(line.rstrip() for line in _drawn(lines, _UNBOUNDED).splitlines()))
        return
    from rich.console import Console

    width = Console().width
    for heading in may_go:
        if _width_wanted(lines) <= width:
            break
        at = lines[0].index(heading)
        lines = [(*line[:at], *line[at + 1 :]) for line in lines]
    click.echo(_drawn(lines, width), nl=False)


def _width_wanted(lines: list[tuple[str, ...]]) -> int:
    """Columns of a terminal that hold all but the last column whole, and the beginning of that one."""
    from rich.cells import cell_len

    widths = [max(cell_len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return sum(widths[:-1]) + 2 * (len(widths) - 1) + min(widths[-1], _LAST_AT_LEAST)


def _drawn(lines: list[tuple[str, ...]], width: int) -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in lines[0][:-1]:
        table.add_column(heading, no_wrap=True, overflow="fold")
    # Rich narrows the columns that may wrap: only this one, whose cells are cut instead.
    table.add_column(lines[0][-1])
    for *cells, last in lines[1:]:
        table.add_row(*(Text(cell) for cell in cells), Text(last, no_wrap=True, overflow="ellipsis"))
    console = Console(highlight=False, width=width)
    with console.capture() as captured:
        console.print(table)
    return captured.get()
