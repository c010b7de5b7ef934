"""`deploy-gateway`: runs each of the system's processes, and the embedded stack. The composition root."""

from __future__ import annotations

import sys

import click

from deployctl.lazy import Lazy, LazyGroup
from pipelines.errors import GatewayError

# Imported only when asked for: the gateway has no business loading a Kubernetes client.
_COMMANDS = {
    "serve": Lazy("tools.commands.processes:serve", "The front door: API, events and health."),
    "worker": Lazy("tools.commands.processes:worker", "One checks what teams wrote, the other rolls it out."),
    "reconciler": Lazy("tools.commands.processes:reconciler", "Puts back on the queue whatever is unfinished."),
    "migrate": Lazy("tools.commands.processes:migrate", "Creates the store's tables, or brings them to this version."),
    "token": Lazy("tools.commands.token:token", "Bearer tokens of people and CI systems."),
    "cluster": Lazy("tools.commands.cluster:cluster", "What the gateway needs in a cluster."),
    "dev": Lazy("tools.commands.dev:dev", "A whole gateway and a cluster on this machine."),
    "tools": Lazy("tools.commands.toolbox:tools", "The pinned programs that the gateway calls."),
}


@click.group(cls=LazyGroup, lazy=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
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
