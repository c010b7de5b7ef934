"""`cluster install`: what a cluster needs before the gateway can be its only way in."""

from __future__ import annotations

import subprocess
from pathlib import Path

import click

from pipelines.errors import ClusterUnavailable


@click.group()
def cluster() -> None:
    """What is in the cluster itself: the gateway's identity, and the policies that refuse everybody else."""


@cluster.command()
@click.option(
    "--config", envvar="DEPLOY_GATEWAY_CONFIG", required=True, type=click.Path(path_type=Path, dir_okay=False)
)
@click.option("--kubeconfig", required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
def install(config: Path, kubeconfig: Path) -> None:
    """Installs or updates them, as the administrator that KUBECONFIG names. Can be repeated."""
    from configuration.file import load
    from pipelines.cluster import ACCESS, GATEWAY_ONLY
    from pipelines.rules import as_json, cluster_objects, load_rules, parameters
    from tools.toolbox import ensure

    settings = load(config)
    prefixes = tuple(registry.prefix for registry in settings.registries)
    kubectl = [str(ensure(["kubectl"])["kubectl"]), f"--kubeconfig={kubeconfig}", "apply", "--server-side"]
    files = [f"--filename={ACCESS}", f"--filename={GATEWAY_ONLY}"]
    for arguments, text in (
        (files, ""),
        (["--filename=-"], as_json(cluster_objects(load_rules(), parameters(prefixes)))),
    ):
        done = subprocess.run(
            [*kubectl, *arguments], input=text, capture_output=True, text=True, timeout=120, check=False
        )
        if done.returncode != 0:
            raise ClusterUnavailable(
                f"kubectl apply: {done.stderr.strip()}",
                "Check that the kubeconfig is an administrator's and that the cluster answers",
                where=str(kubeconfig),
            )
        click.echo(done.stdout, nl=False)
