"""`cluster`: what a cluster needs before the gateway can be its only way in, and the proof that it is."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tools.commands.config import option, read

if TYPE_CHECKING:
    from configuration.settings import Settings
    from pipelines.ports import Manifest
    from tools.backstop.changes import Difference
    from tools.backstop.kubectl import Kubectl
    from tools.backstop.proof import Proof

_MARKS = {"proven": "✓", "absent": "–", "failed": "✗", "unproven": "?"}
_DONE = {"create": "created", "update": "updated", "delete": "removed", "none": "unchanged"}


def _reaching(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that name a cluster, here and in gateway.yaml."""
    for one in (
        click.option(
            "--kubeconfig",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            help="An administrator's; by default what kubectl takes, KUBECONFIG say.",
        ),
        click.option("--context", help="One of its contexts; by default the current one."),
        _which,
        click.option("--output", "-o", type=click.Choice(["text", "json"]), default="text", show_default=True),
        option,
    ):
        command = one(command)
    return command


_which = click.option("--cluster", "name", help="Its name in gateway.yaml; not needed where there is one only.")


@click.group()
def cluster() -> None:
    """What is in the cluster itself: the gateway's identity, and the policies that refuse everybody else."""


@cluster.command()
@option
@_which
def manifests(config: Path, name: str | None) -> None:
    """Prints all of them, as one List that kubectl takes: to read, to commit, or to delete them again."""
    from pipelines.rules import as_json

    click.echo(as_json(_objects(read(config), name)))


@cluster.command()
@_reaching
def install(config: Path, kubeconfig: Path | None, context: str | None, name: str | None, output: str) -> None:
    """Installs or updates them, and removes what an earlier installation brought. Can be repeated."""
    from tools.backstop import changes

    difference = changes.install(_kubectl(kubectl_of=kubeconfig, context=context), _objects(read(config), name))
    _show(difference, output, _DONE)


@cluster.command()
@_reaching
def diff(config: Path, kubeconfig: Path | None, context: str | None, name: str | None, output: str) -> None:
    """Shows what `install` would change, and changes nothing. Exit code 0: nothing; 1: something, as kubectl diff."""
    from tools.backstop.changes import difference

    found = difference(_kubectl(kubectl_of=kubeconfig, context=context), _objects(read(config), name))
    if output == "json":
        _show(found, output, {})
    else:
        for change in (one for one in found.changes if one.action != "none"):
            click.secho(f"{change.action} {change.resource}", bold=True)
            click.echo(change.diff)
    sys.exit(0 if found.is_empty else 1)


@cluster.command()
@_reaching
def verify(config: Path, kubeconfig: Path | None, context: str | None, name: str | None, output: str) -> None:
    """Proves by dry-runs, as several identities, that each rule bites and that what must pass passes.

    A refusal by RBAC is no proof of a policy. Exit code 1: something is not proven.
    """
    from configuration.parameters import platform_parameters
    from pipelines.backstop import warned
    from pipelines.examples import Examples
    from tools.backstop.proof import verify

    settings = read(config)
    kubectl = _kubectl(kubectl_of=kubeconfig, context=context)
    examples = Examples(platform_parameters(settings, settings.only_cluster(name)))
    proofs = verify(kubectl, examples, settings.exceptions, warned(_objects(settings, name)))
    _show_proofs(proofs, output)
    sys.exit(0 if all(proof.is_good for proof in proofs) else 1)


def _kubectl(*, kubectl_of: Path | None, context: str | None) -> Kubectl:
    from tools.backstop.kubectl import Kubectl

    return Kubectl(kubectl_of, context)


def _objects(settings: Settings, name: str | None) -> tuple[Manifest, ...]:
    from configuration.parameters import platform_parameters
    from pipelines.backstop import backstop
    from pipelines.rules import load_rules

    cluster = settings.only_cluster(name)
    environments = settings.environments_of(cluster)
    return backstop(load_rules(), platform_parameters(settings, cluster), environments, settings.exceptions)


def _show(difference: Difference, output: str, done: dict[str, str]) -> None:
    changes = difference.changes
    if output == "json":
        listed = [{"resource": one.resource, "action": one.action, "diff": one.diff} for one in changes]
        click.echo(json.dumps({"changes": listed}, indent=2))
        return
    for one in changes:
        click.echo(f"{done[one.action]:<10}{one.resource}")


def _show_proofs(proofs: list[Proof], output: str) -> None:
    rows = [(one.trial.what, one.trial.who.name, one.trial.expected, one.seen, one.verdict.value) for one in proofs]
    good = sum(one.is_good for one in proofs)
    if output == "json":
        names = ("what", "who", "expected", "seen", "verdict")
        listed = [dict(zip(names, row, strict=True)) for row in rows]
        click.echo(json.dumps({"proven": good == len(proofs), "trials": listed}, indent=2))
        return
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for what, who, expected, seen, verdict in rows:
        wanted = f"; expected: {expected}" if verdict in ("failed", "unproven") else ""
        color = {"proven": "green", "absent": None}.get(verdict, "red")
        click.secho(f"{_MARKS[verdict]} {what:<{widths[0]}}  {who:<{widths[1]}}  {seen}{wanted}", fg=color)
    click.echo(f"{good} of {len(proofs)} hold")
