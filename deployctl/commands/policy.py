"""`deployctl policy`: the catalogue of everything that can find something, which works offline."""

from __future__ import annotations

import click

from deployctl import options


@click.group()
def policy() -> None:
    """The rules that every Release is held against. `list` and `explain` work without a gateway."""


@policy.command("list")
@options.output
def list_rules(form: str) -> None:
    """All rules, with what they want, grouped by where they hold.

    \b
    deployctl policy list
    deployctl policy list -o json
    """
    from deployctl.render.catalogue import as_documents, print_catalogue
    from deployctl.render.documents import print_document
    from pipelines.catalogue import catalogue

    if form == "text":
        print_catalogue(catalogue())
    else:
        print_document(as_documents(catalogue()), form)


@policy.command()
@click.argument("rule_id", metavar="RULE")
@options.output
def explain(rule_id: str, form: str) -> None:
    """What a rule wants, why, what to write, where it holds, and since when it is a rule.

    \b
    deployctl policy explain image-pinned
    deployctl policy explain kube-score/pod-probes
    """
    from deployctl.exits import Exit
    from deployctl.problems import CommandFailed
    from deployctl.render.catalogue import as_documents, print_entry
    from deployctl.render.documents import print_document
    from pipelines.catalogue import entry_of
    from pipelines.errors import NotFound

    try:
        entry = entry_of(rule_id)
    except NotFound as error:
        raise CommandFailed("No such rule", error.reason, error.solution, Exit.WRONG_USAGE) from error
    if form == "text":
        print_entry(entry)
    else:
        print_document(as_documents([entry])[0], form)


@policy.command()
@click.option(
    "--date", "day", default=None, metavar="DAY", help="Such as 2027-01-31, in UTC.  [default: the last known]"
)
@click.option("--env", "environment", default=None, metavar="ENV", help="In this Environment only.")
@options.output
@options.url
def forecast(day: str | None, environment: str | None, form: str, url: str | None) -> None:
    """Which Apps would be blocked on a day to come: by rules that begin to block, and waivers that end.

    Asks the gateway, which goes by what the checks of the Releases that run now had found.

    \b
    deployctl policy forecast
    deployctl policy forecast --date 2027-01-31 --env production
    """
    from deployctl.client import Client
    from deployctl.config import load_config
    from deployctl.render.documents import print_document
    from deployctl.render.forecast import print_forecast

    found = Client(load_config(url)).get("/api/v1/policies/forecast", date=day, environment=environment)
    if form == "text":
        print_forecast(found)
    else:
        print_document(found, form)
