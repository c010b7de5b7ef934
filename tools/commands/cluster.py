"""`cluster manifests` and `cluster install`: what a cluster needs before the gateway can be its only way in."""

from __future__ import annotations

import subprocess
from pathlib import Path

import click

from pipelines.errors import ClusterUnavailable
from tools.commands.config import option, read

_APPLY_SECONDS = 120


@click.group()
def cluster() -> None:
    """What is in the cluster itself: the gateway's identity, and the policies that refuse everybody else."""


@cluster.command()
@option
def manifests(config: Path) -> None:
    """Prints all of them, as one List that kubectl takes: to read, to commit, or to delete them again."""
    click.echo(_manifests(config))


@cluster.command()
@option
@click.option("--kubeconfig", required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
def install(config: Path, kubeconfig: Path) -> None:
    """Installs or updates them, as the administrator that KUBECONFIG names. Can be repeated."""
    from tools.toolbox import ensure

    kubectl = str(ensure(["kubectl"])["kubectl"])
    done = subprocess.run(
        [kubectl, f"--kubeconfig={kubeconfig}", "apply", "--server-side", "--force-conflicts", "--filename=-"],
        input=_manifests(config),
        capture_output=True,
        text=True,
        timeout=_APPLY_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise ClusterUnavailable(
            f"kubectl apply: {done.stderr.strip()}",
            "Check that the kubeconfig is an administrator's and that the cluster answers",
            where=str(kubeconfig),
        )
    click.echo(done.stdout, nl=False)


def _manifests(config: Path) -> str:
    import yaml

    from pipelines.cluster import ACCESS, GATEWAY_ONLY
    from pipelines.rules import as_json, cluster_objects, load_rules, parameters

    settings = read(config)
    prefixes = tuple(registry.prefix for registry in settings.registries)
    ours = [one for file in (ACCESS, GATEWAY_ONLY) for one in yaml.safe_load_all(file.read_text("utf-8"))]
    environments = tuple(settings.environments.values())
    return as_json(
        (
            *ours,
            *cluster_objects(
                load_rules(), parameters(prefixes, environments, apps=settings.apps.values()), environments
            ),
        )
    )
