"""`deployctl`: releases, and what became of them."""

from __future__ import annotations

import sys
from importlib import import_module

import click

# Name → module and attribute: imported when asked for, so that `--help` is there at once.
_COMMANDS = {
    "init": "deployctl.commands.init:init",
    "render": "deployctl.commands.render:render",
    "check": "deployctl.commands.check:check",
    "login": "deployctl.commands.login:login",
    "plan": "deployctl.commands.plan:plan",
    "release": "deployctl.commands.release:release",
    "status": "deployctl.commands.status:status",
    "logs": "deployctl.commands.logs:logs",
    "history": "deployctl.commands.history:history",
    "rollback": "deployctl.commands.rollback:rollback",
    "cancel": "deployctl.commands.cancel:cancel",
    "policy": "deployctl.commands.policy:policy",
}
_HELP = {
    "init": "Write a first deploy.yaml.",
    "render": "The manifests that a deploy.yaml becomes.",
    "check": "Every check, on this machine.",
    "login": "Remember the gateway's address and a token.",
    "plan": "Check a Git ref, and show what it would change.",
    "release": "Put a Git ref into an Environment, and watch it.",
    "status": "What runs where.",
    "logs": "What happened in a Release.",
    "history": "The Releases of an App in an Environment.",
    "rollback": "Put the last good revision back, or any.",
    "cancel": "Stop a Release that is not rolled out yet.",
    "policy": "The rules, and what they want.",
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, attribute = _COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_HELP.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="deploy-gateway")
def cli() -> None:
    """The one way into the cluster: push a Git ref, see it checked and rolled out.

    \b
    deployctl plan --app checkout --env staging --ref main
    deployctl release --app checkout --env staging --ref main
    deployctl status checkout
    deployctl rollback --app checkout --env production --reason "Baskets lose items"

    \b
    Exit codes: 0 done · 1 rollout failed or rolled back · 2 wrong usage or input
    3 blocked by policy · 4 gateway not reachable · 5 gave up waiting · 6 not allowed
    """


def main() -> None:
    """Entry point: like `cli`, but tells a failure as what, where and what to do."""
    from deployctl.problems import CommandFailed, from_error
    from pipelines.errors import GatewayError

    try:
        cli()
    except (CommandFailed, GatewayError) as error:
        failure = from_error(error) if isinstance(error, GatewayError) else error
        _tell(failure.title, failure.reason, failure.faults, failure.solution)
        sys.exit(failure.exit_code)


def _tell(title: str, reason: str, faults: tuple[str, ...], solution: str) -> None:
    from deployctl.render.text import safe

    click.secho(f"✗ {safe(title)}", fg="red", bold=True, err=True)
    click.echo(f"  {safe(reason)}", err=True)
    for fault in faults:
        click.echo(f"  - {safe(fault)}", err=True)
    if solution:
        click.echo(f"  → {safe(solution)}", err=True)


if __name__ == "__main__":
    main()
