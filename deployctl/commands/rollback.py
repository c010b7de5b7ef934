"""`deployctl rollback`."""

from __future__ import annotations

import sys
import uuid
from typing import Any

import click

from deployctl import options
from deployctl.exits import Exit
from deployctl.render.text import ago, safe


@click.command()
@options.app
@options.environment
@click.option("--revision", type=click.IntRange(min=1), default=None, help="Which one; by default the last good one.")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it stands in the history.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@options.wait
@options.timeout
@options.output
@options.url
def rollback(
    app: str,
    environment: str,
    revision: int | None,
    reason: str,
    yes: bool,
    wait: bool,
    timeout_seconds: float | None,
    form: str,
    url: str | None,
) -> None:
    """Put the last good revision back, or any. Needs no Git, no registry and no checks.

    \b
    deployctl rollback --app checkout --env production --reason "Baskets lose items"
    deployctl rollback --app checkout --env production --revision 12 --reason "…" --yes
    """
    from deployctl.client import Client
    from deployctl.config import load_config
    from deployctl.following import after_acceptance

    client = Client(load_config(url))
    _say_what_runs(client.get(f"/api/v1/apps/{app}/environments/{environment}"), revision)
    if not yes and sys.stdin.isatty() and not click.confirm("Roll back?", err=True):
        raise click.exceptions.Exit(Exit.FAILED)
    body: dict[str, Any] = {"reason": reason}
    if revision is not None:
        body["revision"] = revision
    accepted = client.post(f"/api/v1/apps/{app}/environments/{environment}/rollback", body, key=str(uuid.uuid4()))
    commit = (accepted["commit"] or "")[:8]
    click.echo(f"to    commit {commit}, what release {accepted['rollback_of']} rolled out", err=True)
    after_acceptance(client, accepted, form, wait=wait, timeout_seconds=timeout_seconds)


def _say_what_runs(place: dict[str, Any], revision: int | None) -> None:
    running = place["running"]
    if running is None:
        click.echo(f"from  nothing: no Release of this App runs in {place['name']}", err=True)
        return
    commit, subject = (running["commit"] or "")[:8], safe(running["commit_subject"])
    click.echo(
        f"from  revision {running['revision']}, commit {commit} {subject} ({ago(running['finished_at'])})", err=True
    )
    if revision is not None:
        click.echo(f"to    revision {revision}", err=True)
