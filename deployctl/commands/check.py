"""`deployctl check`: every check of the gateway that this machine can do, offline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from deployctl import options


@click.command()
@click.argument("folders", metavar="[DIR]...", nargs=-1, type=click.Path(path_type=Path))
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
    "-j", "--jobs", "processes", type=click.IntRange(1, 256), default=None, help="Processes.  [default: one a core]"
)
def check(folders: tuple[Path, ...], form: str, processes: int | None, **place: Any) -> None:
    """Every check, of each DIR with its deploy.yaml, on this machine. Works without a gateway, remote or registry.

    What can't be checked here is said. Exit codes: 0 nothing blocks · 3 something does · 2 a file can't be
    used · 1 a check crashed, which is never a pass.

    \b
    deployctl check
    deployctl check apps/* --env production --config gateway.yaml
    deployctl check -o sarif > checks.sarif
    """
    from deployctl.config import platform_file
    from deployctl.fleet import check_all
    from deployctl.local import Programs
    from deployctl.platform import Asked, platform_for
    from deployctl.render.reports import print_report
    from pipelines.adapters.programs import HELM, KUBE_SCORE, find

    platform = platform_for(Asked(**{**place, "config": place["config"] or platform_file()}))
    programs = Programs(find(HELM), find(KUBE_SCORE))
    report = check_all(folders or (Path(),), platform, programs, processes)
    print_report(report, form)
    raise click.exceptions.Exit(report.exit)
