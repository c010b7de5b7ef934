"""What will block on a day to come, for people."""

from __future__ import annotations

from typing import Any

import click

from deployctl.render.text import safe

_FEW = 8


def print_forecast(forecast: dict[str, Any]) -> None:
    """The Apps that would be refused, each with what and why; then how much is known, and how old it is."""
    blocked, clear, unknown = forecast["blocked"], forecast["clear"], forecast["unknown"]
    for one in blocked:
        click.secho(f"✗ {one['app']} → {one['environment']}", bold=True, nl=False)
        click.echo(f"  (checked {_age(one)})")
        for coming in one["coming"]:
            finding = coming["finding"]
            click.echo(f"  {safe(finding['rule'])}  {safe(finding['resource'])}: {safe(finding['what'])}")
            click.echo(f"    {safe(coming['because'])}")
    if blocked or clear:
        rest = f"; {_apps(len(clear))} would not" if clear else ""
        click.echo(f"{_apps(len(blocked))} would be blocked on {forecast['date']}{rest}.")
        oldest = max((*blocked, *clear), key=lambda one: one["age_days"])
        click.echo(f"By what the checks of running Releases found: the oldest, of {oldest['app']}, {_age(oldest)}.")
    else:
        click.echo("Nothing runs that a check is on record of: what would be blocked is not known.")
    if unknown:
        names = ", ".join(f"{one['app']} → {one['environment']}" for one in unknown[:_FEW])
        more = f" and {len(unknown) - _FEW} more: -o json" if len(unknown) > _FEW else ""
        click.echo(f"No data: {names}{more}")
    undated = sorted({safe(one["rule"]) for place in (*blocked, *clear) for one in place["undated"]})
    if undated:
        click.echo(f"Warnings without a day: {', '.join(undated)}")
    if forecast["days"]:
        click.echo(f"Something changes on: {', '.join(forecast['days'])}")


def _age(one: dict[str, Any]) -> str:
    days = one["age_days"]
    return "today" if days == 0 else "yesterday" if days == 1 else f"{days} days ago"


def _apps(count: int) -> str:
    return {0: "No App", 1: "1 App"}.get(count, f"{count} Apps")
