"""`deployctl release`."""

from __future__ import annotations

import uuid

import click

from deployctl import options


@click.command()
@options.app
@options.environment
@options.ref
@click.option("--dry-run", is_flag=True, help="Check everything and show what would change, as `plan` does.")
@click.option("--idempotency-key", default=None, metavar="KEY", help="The same key and request is one Release.")
@options.wait
@options.timeout
@options.output
@options.url
def release(
    app: str,
    environment: str,
    ref: str,
    dry_run: bool,
    idempotency_key: str | None,
    wait: bool,
    timeout_seconds: float | None,
    form: str,
    url: str | None,
) -> None:
    """Put a Git ref into an Environment, and watch it being checked and rolled out.

    \b
    deployctl release --app checkout --env staging --ref main
    deployctl release --app checkout --env production --ref v1.4.2 --timeout 300
    deployctl release --app checkout --env production --ref main --dry-run
    deployctl release --app checkout --env staging --ref main --no-wait -o json
    """
    from deployctl.client import Client
    from deployctl.config import load_config
    from deployctl.following import after_acceptance

    client = Client(load_config(url))
    body = {"app": app, "environment": environment, "ref": ref, "dry_run": dry_run}
    # A key of our own as well: an answer that got lost on the way makes no second Release.
    accepted = client.post("/api/v1/releases", body, key=idempotency_key or str(uuid.uuid4()))
    after_acceptance(client, accepted, form, wait=wait, timeout_seconds=timeout_seconds)
