"""`deployctl logout`."""

from __future__ import annotations

import click

from deployctl import options


@click.command()
@options.url
def logout(url: str | None) -> None:
    """End the session, at the gateway too, and forget it here. A token is forgotten, and goes on until it is revoked.

    \b
    deployctl logout
    """
    from deployctl.client import Client
    from deployctl.config import Config, load_config, store_config
    from deployctl.problems import CommandFailed

    config = load_config(url)
    try:
        said = str(Client(config).delete("/api/v1/sign-in")["message"])
    except CommandFailed as failure:
        if failure.status != 401:
            raise
        said = "it had ended already"
    click.echo(f"Forgotten in {store_config(Config(config.url, ''))}: {said}")
