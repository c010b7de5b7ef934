"""`token`: bearer tokens of people and CI systems, issued, listed and revoked where the store is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING

import click

from configuration.identity import TEAMLESS, Grant, Role
from tools.commands.config import option, read

if TYPE_CHECKING:
    from configuration.settings import Settings
    from store import Store
    from store.tokens import IssuedToken

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,59}")


@click.group()
def token() -> None:
    """Bearer tokens of people and CI systems."""


def new_token() -> tuple[str, str]:
    """A fresh token with 262 random bits, and its sha256 as 64 hex digits."""
    from store.tokens import digest_of, new_text

    text = new_text()
    return text, digest_of(text)


@token.command()
@click.option("--name", required=True, help="Who or what uses it; stands beside each Release.")
@click.option("--team", help="The team whose Apps it is for; not needed for platform-admin and measurer.")
@click.option("--role", type=click.Choice([role.value for role in Role]), default="developer", show_default=True)
@click.option("--env", "environments", multiple=True, help="Where it may be used, by default everywhere; repeatable.")
@click.option("--app", "apps", multiple=True, help="For which Apps, by default all of the team; repeatable.")
@click.option("--days", type=click.IntRange(1), default=90, show_default=True, help="How long it is taken.")
@click.option("--owner", default="", help="Who acts by it, where that is a person: nobody approves their own Releases.")
@click.option("--print-entry", is_flag=True, help="Store nothing; print an entry for `tokens:` in gateway.yaml.")
@option
def create(
    name: str,
    team: str | None,
    role: str,
    environments: tuple[str, ...],
    apps: tuple[str, ...],
    days: int,
    owner: str,
    print_entry: bool,
    config: Path,
) -> None:
    """Issues a token. It is printed once, and kept as a digest only.

    \b
    deploy-gateway token create --name shop-ci --team shop --env staging --days 30
    deploy-gateway token create --name ada --role platform-admin --owner ada@example.com
    """
    from store.tokens import NewToken

    settings = read(config)
    grant = Grant(Role(role), team or "", frozenset(environments) or None, frozenset(apps) or None)
    _insist_on_what_there_is(settings, name, grant, days)
    expires_at = datetime.now(UTC) + timedelta(days=days)
    if print_entry:
        _print_entry(name, grant, expires_at, owner)
        return
    with _store(settings) as store:
        issued, text = store.tokens.issue(NewToken(name, grant, owner.strip(), getuser(), expires_at))
    click.echo(f"{issued.name} ({issued.id}), {issued.grant}, until {expires_at:%Y-%m-%d}", err=True)
    click.echo("The token, shown only now:", err=True)
    click.echo(text)


@token.command("list")
@click.option("--all", "ended", is_flag=True, help="Also those that have ended or were revoked.")
@click.option("--output", "-o", type=click.Choice(["text", "json"]), default="text", show_default=True)
@option
def list_(ended: bool, output: str, config: Path) -> None:
    """Shows the tokens that were issued, newest first: for what, until when, and when they were last used."""
    with _store(read(config)) as store:
        tokens = store.tokens.all(ended=ended)
    if output == "json":
        click.echo(json.dumps([_document(one) for one in tokens], indent=2))
        return
    for one in tokens:
        used = "never used" if one.last_used_at is None else f"used {_when(one.last_used_at)}"
        click.echo(f"{one.id}  {one.name}  {one.grant}  {_state(one)}  {used}")
    if not tokens:
        click.echo("No token was issued; those in gateway.yaml are not shown here", err=True)


@token.command()
@click.argument("name")
@option
def revoke(name: str, config: Path) -> None:
    """Ends the token with this name or id, at once and for good, and the sessions that were opened with it."""
    with _store(read(config)) as store:
        revoked = store.tokens.revoke(name, revoked_by=getuser())
    click.echo(f"{revoked.name} ({revoked.id}) {_state(revoked)}")


@contextmanager
def _store(settings: Settings) -> Iterator[Store]:
    """The store of `settings`, closed at the end."""
    from store import open_store

    opened = open_store(settings.database_url)
    try:
        yield opened
    finally:
        opened.close()


def _insist_on_what_there_is(settings: Settings, name: str, grant: Grant, days: int) -> None:
    if not _NAME.fullmatch(name):
        raise click.UsageError("--name takes at most 60 letters, digits and . _ @ -")
    if not grant.team and grant.role not in TEAMLESS:
        raise click.UsageError(f"--team is needed for the role {grant.role}: a token acts for one team's Apps")
    if grant.role is Role.MEASURER and (grant.environments or grant.apps):
        raise click.UsageError("a measurer hands in what was measured of clusters: leave --env and --app out")
    if name in {one.name for one in settings.tokens}:
        raise click.UsageError(f"a token in gateway.yaml is called {name!r} already: names stand in the audit")
    longest = settings.limits.longest_token_days
    if days > longest:
        raise click.UsageError(f"--days can be {longest} at most: see limits.longest_token_days in gateway.yaml")
    for wanted, known, what in (
        (grant.environments or (), settings.environments, "Environment"),
        (grant.apps or (), settings.apps, "App"),
        ((grant.team,) if grant.team else (), settings.teams, "team"),
    ):
        for one in wanted:
            if one not in known:
                raise click.UsageError(f"there is no {what} {one!r} in gateway.yaml: {', '.join(sorted(known))}")
    for app in grant.apps or ():
        if grant.team not in ("", settings.apps[app].team):
            raise click.UsageError(f"the App {app!r} is team {settings.apps[app].team}'s, not {grant.team}'s")


def _print_entry(name: str, grant: Grant, expires_at: datetime, owner: str) -> None:
    text, digest = new_token()
    entry = {"name": name, "role": grant.role.value, "sha256": digest, "last_day": f"{expires_at:%Y-%m-%d}"}
    more = {
        "team": grant.team,
        "environments": sorted(grant.environments or ()),
        "apps": sorted(grant.apps or ()),
        "owner": owner.strip(),
    }
    click.echo(f"token, shown only now:\n  {text}\n\nadd to `tokens:` in gateway.yaml:")
    click.echo(f"  - {json.dumps(entry | {key: value for key, value in more.items() if value})}")


def _state(token: IssuedToken) -> str:
    if token.revoked_at is not None:
        return f"revoked {_when(token.revoked_at)} by {token.revoked_by}"
    over = token.expires_at <= datetime.now(UTC)
    return f"{'ended' if over else 'until'} {_when(token.expires_at)}"


def _document(token: IssuedToken) -> dict[str, object]:
    grant = token.grant
    return {
        "id": token.id,
        "name": token.name,
        "role": grant.role.value,
        "team": grant.team or None,
        "environments": None if grant.environments is None else sorted(grant.environments),
        "apps": None if grant.apps is None else sorted(grant.apps),
        "owner": token.owner or None,
        "created_at": _time(token.created_at),
        "created_by": token.created_by,
        "expires_at": _time(token.expires_at),
        "revoked_at": _time(token.revoked_at),
        "revoked_by": token.revoked_by or None,
        "last_used_at": _time(token.last_used_at),
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
