"""POST to rolled out, against `git clone && helm upgrade --install --wait` by hand: same chart, values and cluster."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import httpx

from configuration.file import load
from pipelines.bundle import Bundle, BundleDigest, thaw
from store import open_store
from tools.demo.site import site
from tools.demo.teams import SHOP
from tools.installation import Installation
from tools.toolbox import ensure

RUNS = 10
_BY_HAND = "by-hand"


def main() -> None:
    """Prints medians, their ratio, and where a Release's time goes."""
    with site(Path(".deploy-gateway-bench").resolve(), None) as installation:
        gateway, by_hand, stages = _measure(installation)
    shutil.rmtree(".deploy-gateway-bench", ignore_errors=True)
    ours, theirs = statistics.median(gateway), statistics.median(by_hand)
    click.echo(
        f"\nRelease through the gateway, POST to rolled out   median of {RUNS}: {ours:6.2f} s  {_spread(gateway)}"
    )
    click.echo(
        f"git clone && helm upgrade --install --wait        median of {RUNS}: {theirs:6.2f} s  {_spread(by_hand)}"
    )
    click.echo(f"ratio                                                          {ours / theirs:6.2f}")
    click.echo("\nWhere the time goes, medians:")
    for name, values in stages.items():
        click.echo(f"  {name:<28}{statistics.median(values) * 1000:7.0f} ms")


def _measure(installation: Installation) -> tuple[list[float], list[float], dict[str, list[float]]]:
    """In turn, so that both see the same machine."""
    stages: dict[str, list[float]] = {}
    gateway, by_hand = [], []
    bundle = _first_release(installation)
    for run in range(RUNS):
        files = SHOP.files(installation)
        files["deploy.yaml"] = str(files["deploy.yaml"]) + f'env: {{RUN: "{run}"}}\n'
        commit = installation.push("shop/checkout", files, f"Run {run}")
        gateway.append(_timed(_release, installation, stages))
        by_hand.append(_timed(_helm_by_hand, installation, bundle, commit, run))
    return gateway, by_hand, stages


def _first_release(installation: Installation) -> Bundle:
    installation.push("shop/checkout", SHOP.files(installation), "First version")
    release = _release(installation, {})
    store = open_store(load(installation.config).database_url)
    digest = BundleDigest(release["bundle"])
    bundle = thaw(digest, store.bundles.get(digest))
    store.close()
    return bundle


def _release(installation: Installation, stages: dict[str, list[float]]) -> dict[str, Any]:
    body = {"app": "checkout", "environment": "staging", "ref": "main", "wait_for": 60}
    headers = {"Authorization": f"Bearer {installation.tokens['shop']}"}
    answer = httpx.post(f"{installation.url}/api/v1/releases", json=body, headers=headers, timeout=70)
    release: dict[str, Any] = answer.raise_for_status().json()
    if release["state"] != "deployed":
        raise RuntimeError(f"the Release ended as {release['state']}: {release['message']}")
    total = _seconds(release["created_at"], release["finished_at"])
    for stage in release["stages"]:
        stages.setdefault(stage["name"], []).append(stage["seconds"])
    first, last = release["stages"][0], release["stages"][-1]
    at = {stage["name"]: stage for stage in release["stages"]}
    stages.setdefault("  accepted to checkout", []).append(_seconds(release["created_at"], first["started_at"]))
    stages.setdefault("  policy to preflight", []).append(
        _seconds(at["policy"]["finished_at"], at["preflight"]["started_at"])
    )
    stages.setdefault("  verify to final", []).append(_seconds(last["finished_at"], release["finished_at"]))
    stages.setdefault("  all, as stored", []).append(total)
    return release


def _seconds(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def _helm_by_hand(installation: Installation, bundle: Bundle, commit: str, run: int) -> None:
    """What somebody with a cluster's credentials would type, in an App's namespace of its own."""
    folder = installation.stack.state / "by-hand"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    clone = ["git", "clone", "--quiet", "--depth=1", f"{installation.stack.git_url}/shop/checkout.git", "tree"]
    subprocess.run(clone, cwd=folder, check=True, env={"PATH": os.environ["PATH"], "HOME": str(folder)})
    values = {**bundle.values, "commit": commit, "env": {"RUN": str(run)}}
    (folder / "values.json").write_text(json.dumps(values))
    helm = ensure(["helm"])["helm"]
    namespaced = [f"--namespace={_BY_HAND}", f"--kubeconfig={installation.stack.gateway_kubeconfig}"]
    upgrade = [helm, "upgrade", "--install", "--wait", "--create-namespace", "--values=values.json", *namespaced]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    command = [*upgrade, "checkout", _chart_file(folder, bundle)]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environment)


def _chart_file(folder: Path, bundle: Bundle) -> Path:
    chart = folder / "chart.tgz"
    chart.write_bytes(bundle.chart)
    return chart


def _timed(action: Callable[..., object], *arguments: object) -> float:
    began = time.perf_counter()
    action(*arguments)
    return time.perf_counter() - began


def _spread(values: list[float]) -> str:
    return f"({min(values):.2f} to {max(values):.2f})"
