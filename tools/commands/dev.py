"""`dev`: the embedded stack with a gateway on it, to try everything."""

from __future__ import annotations

from pathlib import Path

import click

_state = click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Folder for everything; by default .deploy-gateway here, or DEPLOY_GATEWAY_STATE.",
)
_kubeconfig = click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default=None,
    help="An administrator's, of a cluster of yours (kind, k3d, …): used in place of the embedded one.",
)


@click.group()
def dev() -> None:
    """A whole gateway on this machine: real control plane, Helm, Git, Redis and registry; simulated pods."""


@dev.command()
@_state
@_kubeconfig
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True, help="Of the gateway.")
@click.option(
    "--registry",
    "registries",
    multiple=True,
    metavar="PREFIX",
    help="Where images may come from beside the embedded registry: host/ or host/path/. Can be given several times.",
)
def up(state: Path | None, kubeconfig: Path | None, port: int, registries: tuple[str, ...]) -> None:
    """Starts it with the demonstration's content, and keeps it up until Ctrl-C."""
    from tools.demo.serving import serve

    serve(state, kubeconfig, port, registries)


@dev.command()
@_state
def down(state: Path | None) -> None:
    """Ends what `dev up` started, from another terminal."""
    from tools.stack.stack import default_state, end_recorded

    folder = state or default_state()
    click.echo(
        "ended; what was pushed and released there is gone with it"
        if end_recorded(folder)
        else f"nothing runs in {folder}"
    )


@dev.command()
@_state
@_kubeconfig
def demo(state: Path | None, kubeconfig: Path | None) -> None:
    """Shows five acts from the first push to the rollback, each verified against the API server."""
    from tools.demo.playing import play

    play(state, kubeconfig)
