"""`deployctl history`."""

from __future__ import annotations

import click

from deployctl import options


@click.command()
@options.app
@options.environment
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True)
@options.output
@options.url
def history(app: str, environment: str, limit: int, form: str, url: str | None) -> None:
    """The Releases of an App in an Environment, newest first.

    \b
    deployctl history --app checkout --env production
    """
    from deployctl.client import Client
    from deployctl.config import load_config
    from deployctl.render.documents import print_document

    client = Client(load_config(url))
    page = client.get("/api/v1/releases", app=app, environment=environment, limit=limit)
    if not page["items"]:
        # Nothing was released there, or there is no such place: this answers the second.
        client.get(f"/api/v1/apps/{app}/environments/{environment}")
    if form != "text":
        print_document(page, form)
        return
    from deployctl.render.tables import print_table
    from deployctl.render.text import ago

    print_table(
        ("RELEASE", "STATE", "REVISION", "COMMIT", "CHART", "BY", "WHEN", "WHAT"),
        (
            (
                one["id"],
                one["state"],
                str(one["revision"] or ""),
                (one["commit"] or "")[:8],
                one.get("chart") or "",
                one["requested_by"],
                ago(one["created_at"]),
                f"rollback: {one['reason']}" if one["kind"] == "rollback" else one["commit_subject"],
            )
            for one in page["items"]
        ),
        may_go=("CHART", "BY", "WHEN", "COMMIT"),
    )
