"""`deployctl cancel`."""

from __future__ import annotations

import click

from deployctl import options


@click.command()
@click.argument("release_id", metavar="RELEASE")
@options.output
@options.url
def cancel(release_id: str, form: str, url: str | None) -> None:
    """Stop a Release: at once while it waits, at its next stage while it runs, not any more once it is rolled out.

    \b
    deployctl cancel 01m86r1f2k3v9w8y7x6z5a4b3c
    """
    from deployctl.client import Client
    from deployctl.config import load_config
    from deployctl.render.documents import print_document

    release = Client(load_config(url)).post(f"/api/v1/releases/{release_id}/cancel", {})
    if form != "text":
        print_document(release, form)
    elif release["final"]:
        click.echo(f"{release['state']}: release {release_id}")
    else:
        click.echo(f"asked to stop; it is {release['state']} now. Watch it: deployctl logs {release_id} --follow")
