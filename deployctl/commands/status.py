"""`deployctl status`."""

from __future__ import annotations

from typing import Any

import click

from deployctl import options


@click.command()
@click.argument("app", required=False)
@click.option("--env", "environment", default=None, metavar="ENV", help="Only this Environment.")
@options.output
@options.url
def status(app: str | None, environment: str | None, form: str, url: str | None) -> None:
    """What runs where, and what will block its next Release: of one App, or of all that you may see.

    \b
    deployctl status
    deployctl status checkout --env production -o json
    """
    from deployctl.client import Client
    from deployctl.config import load_config
    from deployctl.render.documents import print_document

    client = Client(load_config(url))
    apps = [client.get(f"/api/v1/apps/{app}")] if app else _all(client)
    if environment is not None:
        apps = [{**one, "environments": [e for e in one["environments"] if e["name"] == environment]} for one in apps]
        if app and not apps[0]["environments"]:
            # Its answer names those that there are.
            client.get(f"/api/v1/apps/{app}/environments/{environment}")
    if form == "text":
        _print_table(apps)
        _print_ahead(apps)
    else:
        print_document(apps[0] if app else {"items": apps}, form)


def _all(client: Any) -> list[dict[str, Any]]:
    apps: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = client.get("/api/v1/apps", cursor=cursor)
        apps += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return apps


def _print_table(apps: list[dict[str, Any]]) -> None:
    from deployctl.render.tables import print_table
    from deployctl.render.text import ago

    def row(app: dict[str, Any], place: dict[str, Any]) -> tuple[str, ...]:
        running, latest = place["running"], place["latest"]
        return (
            app["name"],
            place["name"],
            f"revision {running['revision']}" if running else "nothing",
            running.get("chart") or "" if running else "",
            ago(running["finished_at"]) if running else "",
            f"{latest['state']} {ago(latest['updated_at'])}" if latest else "none",
            f"{running['commit'][:8]} {running['commit_subject']}" if running and running["commit"] else "",
        )

    print_table(
        ("APP", "ENVIRONMENT", "RUNS", "CHART", "SINCE", "LATEST RELEASE", "COMMIT"),
        (row(app, place) for app in apps for place in app["environments"]),
        may_go=("CHART", "SINCE"),
    )


def _print_ahead(apps: list[dict[str, Any]]) -> None:
    """A line for each rule that blocks the next Release of something that runs, what comes first before the others."""
    from deployctl.render.standing import blocks_from
    from deployctl.render.text import safe

    # A gateway of an older version says nothing of it.
    ahead = [(one, app, place) for app in apps for place in app["environments"] for one in place.get("beginning", ())]
    for number, (one, app, place) in enumerate(sorted(ahead, key=lambda each: each[0]["day"])):
        if number == 0:
            click.secho("\nWill block, if nothing is changed", bold=True)
        when = blocks_from(one["day"]) if one["days_left"] else "blocks the next Release"
        click.secho(f"  {app['name']} → {place['name']}  {safe(one['rule'])}  {when}", fg="yellow", nl=False)
        click.echo(f"  {safe(', '.join(one['resources']))}: {safe(one['because'])}")
