"""`deployctl check` of 200 Apps in one call, and what of it is helm, kube-score and Python."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import click

from bench.timing import median_milliseconds
from deployctl.local import Local, Programs
from deployctl.platform import Asked, platform_for
from pipelines.adapters.helm import HelmClient
from pipelines.adapters.programs import cache_dir
from tools.toolbox import ensure

APPS = 200
TARGET_MILLISECONDS = 80.0
ALONE_TARGET_SECONDS = 0.6
_RUNS = 3
_SINGLE_RUNS = 20
_APP = """\
apiVersion: deploy-gateway/v1
app: app-{number:03}
workload: web
image: registry.example.com/team-{team}/app-{number:03}:1.4.{number}
port: 8080
health: {{readiness: /ready, liveness: /live}}
resources: {{cpu: 250m, memory: 256Mi}}
replicas: {replicas}
env: {{LOG_LEVEL: info, REGION: eu-{number}}}
allow:
  from: [{{app: storefront}}, {{app: orders, namespace: orders}}]
  to: [{{app: payments}}, {{host: api.example.com, port: 443}}]
expose: {{host: app-{number:03}.example.com}}
environments:
  production: {{replicas: 4}}
"""


def main() -> None:
    """Prints milliseconds per App, the wall's and the processors', and where those of one App go."""
    found = ensure(["helm", "kube-score"])
    programs = Programs(found["helm"], found["kube-score"])
    with tempfile.TemporaryDirectory(prefix="bench-check-") as temporary:
        folders = generated(Path(temporary))
        runs = [_call(folders) for _ in range(_RUNS)]
        alone = [_call(folders[:1]) for _ in range(_SINGLE_RUNS)]
        render, judged, empty = _single(folders[0], programs, Path(temporary))
    wall, cpu = (statistics.median(values) / APPS * 1000 for values in zip(*runs, strict=True))
    alone_wall, alone_cpu = (statistics.median(values) for values in zip(*alone, strict=True))
    click.echo(f"deployctl check of {APPS} Apps, one call, {_cores()} cores, median of {_RUNS}")
    click.echo(f"  whole call                 {wall / 1000 * APPS:7.1f} s")
    click.echo(f"  an App                     {wall:7.1f} ms   (target: under {TARGET_MILLISECONDS:.0f} ms)")
    click.echo(f"  processor time an App      {cpu:7.1f} ms   (all processes together)")
    click.echo(f"deployctl check of one App, median of {_SINGLE_RUNS} calls")
    click.echo(f"  whole call                 {alone_wall:7.2f} s    (target: under {ALONE_TARGET_SECONDS} s)")
    click.echo(f"  processor time             {alone_cpu:7.2f} s    (all processes together)")
    click.echo(f"One App alone, in a process that is up, median of {_SINGLE_RUNS}")
    click.echo(f"  helm template, empty chart {empty:7.1f} ms")
    click.echo(f"  render                     {render:7.1f} ms   ({render - empty:+.1f} ms beyond the empty chart)")
    click.echo(f"  render, lint and policy    {judged:7.1f} ms")


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def generated(root: Path) -> list[Path]:
    """The folders of as many Apps as `APPS` says, each with its deploy.yaml."""
    folders = [root / "apps" / f"app-{number:03}" for number in range(APPS)]
    for number, folder in enumerate(folders):
        folder.mkdir(parents=True)
        text = _APP.format(number=number, team=number % 7, replicas=2 + number % 3)
        (folder / "deploy.yaml").write_text(text)
    return folders


def _call(folders: list[Path]) -> tuple[float, float]:
    """Seconds of one `deployctl check`: on the wall, and of all processes. Raises RuntimeError unless all Apps pass."""
    command = [str(Path(sys.executable).with_name("deployctl")), "check", "-o", "json", *map(str, folders)]
    before, began = processor_seconds(), time.perf_counter()
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    wall, cpu = time.perf_counter() - began, processor_seconds() - before
    if done.returncode != 0 or len(json.loads(done.stdout)["apps"]) != len(folders):
        raise RuntimeError(f"the check left with {done.returncode}: {done.stderr}{done.stdout[-2000:]}")
    return wall, cpu


def environment() -> Mapping[str, str]:
    """Of the children: with Python's cache of compiled modules, as everybody has it."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "DEPLOY_GATEWAY_CACHE": str(cache_dir())}


def processor_seconds() -> float:
    """What all children that have ended, and theirs, have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _single(folder: Path, programs: Programs, scratch: Path) -> tuple[float, float, float]:
    """Render; render, lint and policy; helm alone on a chart with nothing in it."""
    local = Local(platform_for(Asked()), programs, scratch / "local")
    file = folder / "deploy.yaml"
    rendered = median_milliseconds(lambda: local.made(file), _SINGLE_RUNS)
    judged = median_milliseconds(lambda: local.verdict(file), _SINGLE_RUNS)
    return rendered, judged, _empty(programs.helm, scratch)


def _empty(helm: Path, scratch: Path) -> float:
    chart = scratch / "empty"
    chart.mkdir()
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: empty\nversion: 0.1.0\n")
    client = HelmClient(helm, scratch / "empty-helm")
    _, _, packed = client.package(chart)
    return median_milliseconds(
        lambda: client.template(
            release="empty",
            namespace="empty",
            chart=packed,
            values={},
            kubernetes_version="v1.36.3",
            api_versions=(),
            timeout_seconds=10,
        ),
        _SINGLE_RUNS,
    )


if __name__ == "__main__":
    main()
