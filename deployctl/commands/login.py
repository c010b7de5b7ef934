"""`deployctl login`."""

from __future__ import annotations

import sys

import click

from deployctl import options


@click.command()
@options.url
@click.option("--token", "by_token", is_flag=True, help="With a token, also where one can sign in by browser.")
@click.option("--device", "by_device", is_flag=True, help="By browser, also where this is no terminal.")
def login(url: str | None, by_token: bool, by_device: bool) -> None:
    """Sign in, and remember the gateway's address, for this user alone.

    In a terminal, by the browser of any device, where the platform has an identity provider for that; else with a
    token, which is read and never an argument.

    \b
    deployctl login --url https://deploy.example.com
    echo "$TOKEN" | deployctl login --url https://deploy.example.com
    """
    from deployctl.client import Client
    from deployctl.config import Config, store_config
    from deployctl.device import sign_in, way_in

    address = (url or click.prompt("The gateway's address", err=True)).rstrip("/")
    way = way_in(address) if by_device or (sys.stdin.isatty() and not by_token) else None
    if way is not None:
        session = sign_in(address, way, lambda line: click.echo(line, err=True))
        path = store_config(Config(address, session["token"]))
        click.echo(f"You are {session['name']}: {'; '.join(session['roles'])}")
        click.echo(f"Until {session['expires_at']}. Kept in {path}")
        return
    token = click.prompt("Token", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()
    config = Config(address, token.strip())
    Client(config).get("/api/v1/apps", limit=1)
    click.echo(f"It works. Kept in {store_config(config)}")
