"""`deployctl plan`."""

from __future__ import annotations

import uuid
from typing import Any

import click

from deployctl import options


@click.command()
@options.app
@options.environment
@options.ref
@click.option(
    "--chart-version",
    default=None,
    metavar="VERSION",
    help="A version or channel of the standard chart, in place of the one that the platform has pinned.",
)
@options.timeout
@options.output
@options.url
def plan(
    app: str,
    environment: str,
    ref: str,
    chart_version: str | None,
    timeout_seconds: float | None,
    form: str,
    url: str | None,
) -> None:
    """Check a Git ref, and show how what runs would change. Changes nothing.

    \b
    deployctl plan --app checkout --env production --ref main
    deployctl plan --app checkout --env production --ref v1.4.2 --chart-version next
    deployctl plan --app checkout --env production --ref main -o json
    """
    from deployctl.client import Client
    from deployctl.config import load_config
    from deployctl.following import follow

    client = Client(load_config(url))
    body: dict[str, Any] = {"app": app, "environment": environment, "ref": ref, "dry_run": True}
    if chart_version is not None:
        body["chart_version"] = chart_version
    follow(client, client.post("/api/v1/releases", body, key=str(uuid.uuid4())), form, timeout_seconds)
