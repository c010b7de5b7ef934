"""`deployctl waiver`: the platform's exceptions to single rules for single Apps."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import click

from deployctl import options

if TYPE_CHECKING:
    from deployctl.client import Client


@click.group()
def waiver() -> None:
    """Exceptions to a rule for an App, each with an owner, a reason and an end. The platform makes them."""


@waiver.command("list")
@click.option("--app", default=None, metavar="APP", help="Of this App only.")
@click.option("--rule", default=None, metavar="RULE", help="Of this rule only.")
@click.option("--ended", is_flag=True, help="Also those that have ended.")
@options.output
@options.url
def list_waivers(app: str | None, rule: str | None, ended: bool, form: str, url: str | None) -> None:
    """Those in force for your team's Apps, newest first.

    \b
    deployctl waiver list
    deployctl waiver list --app checkout --ended -o json
    """
    from deployctl.render.documents import print_document
    from deployctl.waivers import listed

    found = listed(_client(url), app=app, rule=rule, ended="true" if ended else None)
    if form == "text":
        _print_table(found, of=f"for {app}" if app else "for the Apps that you may see")
    else:
        print_document({"items": found}, form)


@waiver.command()
@click.option(
    "--rule", required=True, metavar="RULE", help="The rule, as findings and `deployctl policy list` name it."
)
@options.app
@click.option("--env", "environment", default=None, metavar="ENV", help="In this Environment only.")
@click.option(
    "--resource",
    required=True,
    metavar="KIND/NAME",
    help="The object, as the finding names it; '*' for all of the App.",
)
@click.option("--owner", required=True, metavar="WHO", help="Who answers for it: a person or a team.")
@click.option("--reason", required=True, metavar="TEXT", help="Why, in one line: it stands on every Release.")
@click.option("--until", required=True, metavar="DAY", help="The last day of it, in UTC, such as 2027-01-31.")
@options.output
@options.url
def add(form: str, url: str | None, **asked: str | None) -> None:
    """Make one. Needs a token of the platform; it counts from the next check of a Release on.

    \b
    deployctl waiver add --rule image-pinned --app checkout --resource Deployment/checkout \\
      --owner "Ada Lovelace" --reason "The vendor has no tags" --until 2027-01-31
    """
    body = {key: value for key, value in asked.items() if value is not None}
    _show(_client(url).post("/api/v1/waivers", body, key=str(uuid.uuid4())), form)


@waiver.command()
@click.argument("waiver_id", metavar="ID")
@options.output
@options.url
def end(waiver_id: str, form: str, url: str | None) -> None:
    """End one now. What runs goes on; the next Release has to do without it.

    \b
    deployctl waiver end 01j8x4m2q9c0v7h5t3r1w6e8ya
    """
    from urllib.parse import quote

    _show(_client(url).delete(f"/api/v1/waivers/{quote(waiver_id, safe='')}"), form)


def _client(url: str | None) -> Client:
    from deployctl.client import Client
    from deployctl.config import load_config

    return Client(load_config(url))


def _show(one: dict[str, Any], form: str) -> None:
    from deployctl.render.documents import print_document
    from deployctl.render.text import safe

    if form != "text":
        print_document(one, form)
        return
    place = one["environment"] or "every Environment"
    click.echo(f"{one['id']}  {_standing(one)}")
    click.echo(f"{safe(one['rule'])} for {safe(one['resource'])} of {one['app']} in {place}")
    click.echo(f"{safe(one['owner'])}: {safe(one['reason'])}")


def _standing(one: dict[str, Any]) -> str:
    if one["ended_at"]:
        return f"ended by {one['ended_by']}"
    if not one["in_force"]:
        return f"ended on {one['until']}"
    days = "day" if one["days_left"] == 1 else "days"
    return f"until {one['until']} ({one['days_left']} {days} left)"


def _print_table(found: list[dict[str, Any]], *, of: str) -> None:
    from deployctl.render.tables import print_table

    if not found:
        click.echo(f"There is no waiver {of}. Whoever is of the platform makes one: deployctl waiver add")
        return
    print_table(
        ("ID", "RULE", "APP", "ENVIRONMENT", "RESOURCE", "STANDS", "OWNER", "REASON"),
        (
            (
                one["id"],
                one["rule"],
                one["app"],
                one["environment"] or "all",
                one["resource"],
                _standing(one),
                one["owner"],
                one["reason"],
            )
            for one in found
        ),
        may_go=("OWNER", "ENVIRONMENT"),
    )
