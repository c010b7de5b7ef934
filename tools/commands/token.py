"""`token create`: a bearer token, shown once, and the entry for gateway.yaml that recognises it."""

from __future__ import annotations

import hashlib
import secrets

import click

from configuration.identity import TEAMLESS, Role


@click.group()
def token() -> None:
    """Bearer tokens of people and CI systems."""


def new_token() -> tuple[str, str]:
    """A fresh token with 256 random bits, and its sha256 as 64 hex digits."""
    text = "dg_" + secrets.token_urlsafe(32)
    return text, hashlib.sha256(text.encode("ascii")).hexdigest()


@token.command()
@click.option("--name", required=True, help="Who or what uses it; stands beside each Release.")
@click.option("--team", help="The team whose Apps it is for; not needed for platform-admin and measurer.")
@click.option("--role", type=click.Choice([role.value for role in Role]), default="developer", show_default=True)
def create(name: str, team: str | None, role: str) -> None:
    """Makes a token. It is printed once; gateway.yaml keeps only its digest."""
    if team is None and role not in TEAMLESS:
        raise click.UsageError(f"--team is needed for the role {role}: a token acts for one team's Apps")
    text, digest = new_token()
    place = f", team: {team}" if team else ""
    click.echo(f"token, shown only now:\n  {text}\n\nadd to `tokens:` in gateway.yaml:")
    click.echo(f"  - {{name: {name}{place}, role: {role}, sha256: {digest}}}")
