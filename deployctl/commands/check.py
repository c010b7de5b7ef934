"""`deployctl check`: every check of the gateway that this machine can do, offline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deployctl import options

if TYPE_CHECKING:
    from pipelines.waivers import Waiver


@click.command()
@click.argument("folders", metavar="[DIR | -]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--manifests",
    multiple=True,
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Manifests in a file or a folder, in place of DIR; they need no deploy.yaml. May be given several times.",
)
@click.option(
    "--chart",
    metavar="PATH|URL",
    help="A chart, in place of DIR: a folder, a .tgz, or oci://…/NAME or https://…/NAME with --version.",
)
@click.option("--version", metavar="VERSION", help="Of the chart at that address. Its digest is told.")
@click.option(
    "--values",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Values for --chart. May be given several times; the last counts most.",
)
@options.local
@click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice(["text", "json", "sarif", "junit", "github"]),
    default="text",
    show_default=True,
    help="For people, scripts, code scanning, test reports, or annotations in GitHub Actions.",
)
@click.option(
    "--waivers",
    "with_waivers",
    is_flag=True,
    help="Ask the gateway for waivers: what they are for passes.",
)
@click.option(
    "-j", "--jobs", "processes", type=click.IntRange(1, 256), default=None, help="Processes.  [default: one a core]"
)
def check(
    folders: tuple[Path, ...],
    manifests: tuple[Path, ...],
    chart: str | None,
    version: str | None,
    values: tuple[Path, ...],
    form: str,
    with_waivers: bool,
    processes: int | None,
    **place: Any,
) -> None:
    """Every check, of each DIR with its deploy.yaml, on this machine. Works without a gateway, remote or registry.

    With `-`, of the manifests on standard input.

    What can't be checked here is said. Exit codes: 0 nothing blocks · 3 something does · 2 a file can't be
    used · 1 a check crashed, which is never a pass.

    \b
    deployctl check
    deployctl check apps/* --env production --config gateway.yaml
    deployctl check --env production --waivers
    deployctl check -o sarif > checks.sarif
    deployctl check --manifests k8s/ --namespace shop
    deployctl check --chart charts/nexus --values values.yaml
    helm template shop charts/shop | deployctl check -
    """
    is_input = Path("-") in folders
    if sum(map(bool, (folders, manifests, chart))) > 1 or (is_input and len(folders) > 1):
        raise click.UsageError("one at a time: DIR, or --manifests PATH, or --chart PATH, or - for standard input")
    is_loose = bool(manifests or chart) or is_input
    if with_waivers and is_loose:
        raise click.UsageError("waivers are those of an App: --waivers is for a DIR with its deploy.yaml")
    if values and not chart:
        raise click.UsageError("--values are those of --chart")
    from dataclasses import replace

    from deployctl.batches import DEFAULT_NAMESPACE
    from deployctl.config import platform_file
    from deployctl.fleet import check_all
    from deployctl.local import Programs
    from deployctl.loose import check_loose
    from deployctl.loose_charts import check_chart
    from deployctl.platform import Asked, platform_for
    from deployctl.render.reports import print_report
    from pipelines.adapters.programs import HELM, KUBE_SCORE, find

    asked = Asked(**{**place, "config": place["config"] or platform_file()})
    platform = platform_for(replace(asked, namespace=None) if is_loose else asked)
    if is_loose and (asked.namespace or asked.config is None):
        platform = platform.in_namespace(asked.namespace or DEFAULT_NAMESPACE)
    programs = Programs(find(HELM), find(KUBE_SCORE))
    if chart:
        report = check_chart(chart, version, values, platform, programs)
    elif is_loose:
        report = check_loose(manifests, platform, programs, in_one_namespace=asked.namespace is not None)
    else:
        platform = replace(platform, waivers=_waivers() if with_waivers else None)
        report = check_all(folders or (Path(),), platform, programs, processes)
    print_report(report, form)
    raise click.exceptions.Exit(report.exit)


def _waivers() -> tuple[Waiver, ...] | None:
    """Those that the gateway tells; None, and why on standard error, where it does not: then nothing is waived."""
    from deployctl.client import Client
    from deployctl.config import load_config
    from deployctl.problems import CommandFailed
    from deployctl.waivers import in_force_now

    try:
        return in_force_now(Client(load_config()))
    except CommandFailed as failed:
        click.secho("! No waivers: what the platform has waived blocks here", fg="yellow", err=True)
        click.echo(f"  {failed.reason}\n  → {failed.solution}", err=True)
        return None
