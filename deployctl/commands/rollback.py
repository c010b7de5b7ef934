"""`deployctl rollback`."""

from __future__ import annotations

import sys
import uuid
from typing import Any

import click

from deployctl import options
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
    _say_from_what_to_what(client.get(f"/api/v1/apps/{app}/environments/{environment}"), revision)
    if not yes and sys.stdin.isatty() and not click.confirm("Roll back?", err=True):
        click.echo("Nothing was changed.", err=True)
        return
    body: dict[str, Any] = {"reason": reason}
    if revision is not None:
        body["revision"] = revision
    accepted = client.post(f"/api/v1/apps/{app}/environments/{environment}/rollback", body, key=str(uuid.uuid4()))
    after_acceptance(client, accepted, form, wait=wait, timeout_seconds=timeout_seconds)


def _say_from_what_to_what(place: dict[str, Any], revision: int | None) -> None:
    running = place["running"]
    nothing = f"nothing: no Release of this App runs in {place['name']}"
    click.echo(f"from  {nothing if running is None else _told(running)}", err=True)
    target = place["rollback_to"] if revision is None else _of_revision(place["history"], revision)
    if target is not None:
        click.echo(f"to    {_told(target)}", err=True)
    elif revision is not None:
        click.echo(f"to    revision {revision}", err=True)


def _of_revision(history: list[dict[str, Any]], revision: int) -> dict[str, Any] | None:
    """The Release that made `revision`, where it is among the newest."""
    return next((one for one in history if one["revision"] == revision and one["state"] == "deployed"), None)


def _told(release: dict[str, Any]) -> str:
    commit, subject = (release["commit"] or "")[:8], safe(release["commit_subject"])
    return f"revision {release['revision']}, commit {commit} {subject} ({ago(release['finished_at'])})"
