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

    page = Client(load_config(url)).get("/api/v1/releases", app=app, environment=environment, limit=limit)
    if form != "text":
        print_document(page, form)
        return
    from rich.console import Console
    from rich.table import Table

    from deployctl.render.text import ago, safe

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("RELEASE", "STATE", "REVISION", "COMMIT", "BY", "WHEN", "REASON"):
        table.add_column(heading, no_wrap=heading in ("RELEASE", "STATE"))
    for one in page["items"]:
        state = f"{one['state']} (rollback)" if one["kind"] == "rollback" else one["state"]
        table.add_row(
            one["id"],
            state,
            str(one["revision"] or ""),
            f"{(one['commit'] or '')[:8]} {safe(one['commit_subject'])}",
            safe(one["requested_by"]),
            ago(one["created_at"]),
            safe(one["reason"]),
        )
    Console(highlight=False).print(table)
