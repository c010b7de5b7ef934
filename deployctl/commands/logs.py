"""`deployctl logs`."""

from __future__ import annotations

import click

from deployctl import options
from deployctl.exits import Exit
from deployctl.problems import CommandFailed


@click.command()
@click.argument("release_id", required=False, metavar="[RELEASE]")
@click.option("--app", default=None, metavar="APP", help="With --env: its latest Release.")
@click.option("--env", "environment", default=None, metavar="ENV")
@click.option("-f", "--follow", "follow_it", is_flag=True, help="Watch it to its end, and leave with its exit code.")
@options.timeout
@options.output
@options.url
def logs(
    release_id: str | None,
    app: str | None,
    environment: str | None,
    follow_it: bool,
    timeout_seconds: float | None,
    form: str,
    url: str | None,
) -> None:
    """What happened in a Release, step by step.

    \b
    deployctl logs 01m86r1f2k3v9w8y7x6z5a4b3c
    deployctl logs --app checkout --env staging --follow
    """
    from rich.console import Console
    from rich.text import Text

    from deployctl.client import Client
    from deployctl.config import load_config
    from deployctl.following import follow
    from deployctl.render.documents import print_document
    from deployctl.render.outcome import print_outcome
    from deployctl.render.progress import PlainProgress
    from deployctl.render.text import safe

    if release_id is None and (app is None or environment is None):
        raise click.UsageError("name a Release, or an App and its Environment: deployctl logs --app APP --env ENV")
    client = Client(load_config(url))
    if release_id is None:
        found = client.get("/api/v1/releases", app=app, environment=environment, limit=1)["items"]
        if not found:
            raise CommandFailed(
                "There is no Release yet",
                f"{app} has had no Release in {environment}",
                f"Make one: deployctl release --app {app} --env {environment} --ref REF",
                Exit.WRONG_USAGE,
            )
        release_id = found[0]["id"]
    release = client.get(f"/api/v1/releases/{release_id}")
    if follow_it:
        follow(client, release, form, timeout_seconds)
    if form != "text":
        print_document(release, form)
        return
    console = Console(highlight=False)
    progress = PlainProgress(console)
    # An unfinished Release's stream stays open: only what has happened so far is wanted here.
    if release["final"]:
        for event in client.events(str(release_id)):
            progress.show(event)
        print_outcome(console, release)
        return
    for stage in release["stages"]:
        console.print(Text(safe(f"{stage['name']}: {stage['state']}: {stage['detail']}")), soft_wrap=True)
    if release["message"]:
        click.echo(f"\n{safe(release['message'])}")
    click.echo(f"\n{release['state']}; watch it: deployctl logs {release_id} --follow")
