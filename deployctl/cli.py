"""`deployctl`: releases, and what became of them."""

from __future__ import annotations

import gc
import sys

import click

from deployctl.lazy import Lazy, LazyGroup

_COMMANDS = {
    "init": Lazy("deployctl.commands.init:init", "Write a first deploy.yaml."),
    "render": Lazy("deployctl.commands.render:render", "The manifests that a deploy.yaml becomes."),
    "check": Lazy("deployctl.commands.check:check", "Every check, on this machine."),
    "login": Lazy("deployctl.commands.login:login", "Sign in, and remember the gateway's address."),
    "logout": Lazy("deployctl.commands.logout:logout", "End the session, and forget it."),
    "plan": Lazy("deployctl.commands.plan:plan", "Check a Git ref, and show what it would change."),
    "release": Lazy("deployctl.commands.release:release", "Put a Git ref into an Environment, and watch it."),
    "status": Lazy("deployctl.commands.status:status", "What runs where."),
    "logs": Lazy("deployctl.commands.logs:logs", "What happened in a Release."),
    "history": Lazy("deployctl.commands.history:history", "The Releases of an App in an Environment."),
    "rollback": Lazy("deployctl.commands.rollback:rollback", "Put the last good revision back, or any."),
    "cancel": Lazy("deployctl.commands.cancel:cancel", "Stop a Release that is not rolled out yet."),
    "policy": Lazy("deployctl.commands.policy:policy", "The rules, what they want, and what will block."),
    "waiver": Lazy("deployctl.commands.waiver:waiver", "Exceptions to a rule for an App, with an end."),
    "cluster": Lazy("deployctl.commands.cluster:cluster", "The clusters, and how safe kube-bench finds them."),
}


@click.group(cls=LazyGroup, lazy=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
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

    # What a command makes is in use until it ends, and it ends soon: looking for cycles took a tenth of its time.
    gc.set_threshold(100_000)
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
