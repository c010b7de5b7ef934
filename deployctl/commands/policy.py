"""`deployctl policy`: the catalogue of rules, which works offline."""

from __future__ import annotations

import click


@click.group()
def policy() -> None:
    """The rules that every Release is held against. Works without a gateway."""


@policy.command("list")
def list_rules() -> None:
    """All rules, with what they want.

    \b
    deployctl policy list
    """
    from pipelines.rules import load_rules

    for rule in load_rules():
        click.echo(f"{rule.id:<24}{rule.severity.value:<10}{rule.title}")


@policy.command()
@click.argument("rule_id", metavar="RULE")
def explain(rule_id: str) -> None:
    """What a rule wants, why, what to write, and since when it is a rule.

    \b
    deployctl policy explain image-pinned
    """
    from deployctl.exits import Exit
    from deployctl.problems import CommandFailed
    from pipelines.rules import load_rules
    from pipelines.suggestions import did_you_mean

    rules = {rule.id: rule for rule in load_rules()}
    rule = rules.get(rule_id)
    if rule is None:
        hint = did_you_mean(rule_id, rules)
        raise CommandFailed("No such rule", f"there is no rule {rule_id!r}", hint, Exit.WRONG_USAGE)
    click.secho(f"{rule.id}  ({rule.severity.value})", bold=True)
    click.echo(f"{rule.title}\n\n{rule.why}\n\nWrite:")
    for line in rule.how.strip().splitlines():
        click.secho(f"  {line}", fg="green")
    click.echo(f"\n{rule.link}\nA rule since {rule.since}.")
