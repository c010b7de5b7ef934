"""The catalogue of rules, for people and for scripts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import groupby
from textwrap import wrap
from typing import Any

import click

from pipelines.catalogue import Entry
from pipelines.findings import Mode

_COLUMNS, _WIDEST_ID = 100, 40
_MODES = {
    Mode.ENFORCE: "It blocks a Release, unless the platform says otherwise.",
    Mode.WARN: "It warns, unless the platform says otherwise.",
}


def print_catalogue(entries: Iterable[Entry]) -> None:
    """A line for each, below where they hold; what doesn't fit in 100 columns goes on in the next."""
    for number, (holds, group) in enumerate(groupby(entries, key=lambda entry: entry.holds)):
        click.secho(f"{chr(10) if number else ''}{holds.value}", bold=True)
        rows = list(group)
        width = min(max(len(entry.id) for entry in rows), _WIDEST_ID)
        for entry in rows:
            click.echo("\n".join(_lines(entry, width)))


def _lines(entry: Entry, width: int) -> Iterator[str]:
    effect = "blocks" if entry.mode is Mode.ENFORCE else "warns"
    left = f"  {entry.id:<{width}}  {entry.severity.value:<9} {effect:<7} "
    blank = " " * (width + len("    critical  blocks  "))
    if len(entry.id) > width:
        yield f"  {entry.id}"
        left = f"  {'':<{width}}  {entry.severity.value:<9} {effect:<7} "
    for title in wrap(entry.title, _COLUMNS - len(blank)):
        yield f"{left}{title}"
        left = blank


def print_entry(entry: Entry) -> None:
    """One rule: what it wants, why, what to write, and where it holds."""
    click.secho(f"{entry.id}  ({entry.severity.value})", bold=True)
    click.echo(f"{entry.title}\n\n{entry.why}\n\nWrite:")
    for line in entry.how.strip().splitlines():
        click.secho(f"  {line}", fg="green")
    if entry.same_as:
        click.echo(f"\nThe same as {' and '.join(entry.same_as)}: decided there, and told once.")
    click.echo(f"\n{entry.link}\nHolds: {entry.holds.value}. {_MODES[entry.mode]}\nA rule since {entry.since}.")


def as_documents(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Each as an object with the names that the API has."""
    return [{**asdict(entry), "same_as": list(entry.same_as)} for entry in entries]
