"""`deployctl login`."""

from __future__ import annotations

import sys

import click

from deployctl import options


@click.command()
@options.url
def login(url: str | None) -> None:
    """Remember the gateway's address and a token, for this user alone. The token is read, never an argument.

    \b
    deployctl login --url https://deploy.example.com
    echo "$TOKEN" | deployctl login --url https://deploy.example.com
    """
    from deployctl.client import Client
    from deployctl.config import Config, store_config

    address = url or click.prompt("The gateway's address", err=True)
    token = click.prompt("Token", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()
    config = Config(address.rstrip("/"), token.strip())
    Client(config).get("/api/v1/apps", limit=1)
    click.echo(f"It works. Kept in {store_config(config)}")
