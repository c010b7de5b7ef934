"""`deploy-gateway`: runs each of the system's processes, and the embedded stack. The composition root."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from pipelines.errors import GatewayError

# Name of the command → module and attribute that hold it: imported only when asked for, since the
# gateway has no business loading a Kubernetes client.
_COMMANDS = {
    "serve": "tools.commands.processes:serve",
    "worker": "tools.commands.processes:worker",
    "reconciler": "tools.commands.processes:reconciler",
    "migrate": "tools.commands.processes:migrate",
    "token": "tools.commands.token:token",
    "cluster": "tools.commands.cluster:cluster",
    "dev": "tools.commands.dev:dev",
    "tools": "tools.commands.toolbox:tools",
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        target = _COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, attribute = target.split(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """The deploy gateway's own processes, and a whole cluster to try it on.

    \b
    deploy-gateway dev up                     everything on this machine, to try
    deploy-gateway serve                      the API (needs DEPLOY_GATEWAY_CONFIG)
    deploy-gateway worker check               checks what teams wrote; holds no cluster credential
    deploy-gateway worker deploy --cluster production --kubeconfig FILE
    deploy-gateway reconciler                 puts back on the queue whatever is unfinished

    Teams use the other command, deployctl.
    """


def main() -> None:
    """Entry point: like `cli`, but tells a GatewayError as what, where and what to do, and exits with its code."""
    try:
        cli()
    except GatewayError as error:
        report(error)
        sys.exit(error.exit_code)


def report(error: GatewayError) -> None:
    """Prints `error` and all that it lists, on standard error."""
    place = f"{error.where}: " if error.where else ""
    click.secho(f"✗ {error.title} [{error.code}]", fg="red", bold=True, err=True)
    parts = getattr(error, "errors", ())
    for part in parts:
        click.echo(f"  {part}", err=True)
    if not parts:
        click.echo(f"  {place}{error.reason}", err=True)
        click.echo(f"  → {error.solution}", err=True)


if __name__ == "__main__":
    main()
