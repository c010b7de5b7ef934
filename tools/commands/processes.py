"""`serve`, `worker`, `reconciler`, `migrate`: each starts one process of the system."""

from __future__ import annotations

from pathlib import Path

import click

from tools.commands.config import option, read


@click.command()
@option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535))
def serve(config: Path, host: str, port: int) -> None:
    """The front door: API, events and health. Holds neither cluster nor Git credentials."""
    from gateway.serve import serve as serve_gateway

    serve_gateway(read(config), host=host, port=port)


@click.group()
def worker() -> None:
    """The two workers: one checks what teams wrote, the other alone reaches the cluster."""


@worker.command()
@option
def check(config: Path) -> None:
    """Checks out, renders, lints and applies policy. Refuses to start where it finds a cluster credential."""
    from tools.toolbox import ensure
    from workers.main import run_check_worker

    tools = ensure(["helm", "kube-score"])
    run_check_worker(read(config), helm=tools["helm"], kube_score=tools["kube-score"])


@worker.command()
@option
@click.option("--cluster", required=True, help="Name of the cluster in gateway.yaml.")
@click.option(
    "--kubeconfig",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Credentials of that one cluster: static or bound token or certificate, no exec plugins.",
)
def deploy(config: Path, cluster: str, kubeconfig: Path) -> None:
    """Takes checked Bundles, and nothing else, into one cluster."""
    from tools.toolbox import ensure
    from workers.main import run_deploy_worker

    run_deploy_worker(read(config), cluster, kubeconfig, helm=ensure(["helm"])["helm"])


@click.command()
@option
def reconciler(config: Path) -> None:
    """Puts back on the queue whatever the store says is unfinished. Any number may run."""
    from workers.main import run_reconciler

    run_reconciler(read(config))


@click.command()
@option
def migrate(config: Path) -> None:
    """Creates the store's tables, or brings them to this version."""
    from store import migrate as migrate_store

    migrate_store(read(config).database_url)
    click.echo("store: up to date")
