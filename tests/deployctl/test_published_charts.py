"""`deployctl check` of an App whose chart is in a classic repository: an index.yaml, over HTTP."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from deployctl.exits import Exit
from pipelines.adapters.programs import cache_dir
from tests.deployctl.offline import CONFIG, run
from tests.images import serving, sha256
from tests.pipelines.charts import NEXUS, push_chart, tgz

ARCHIVE = tgz(NEXUS)
INDEX = b"apiVersion: v1\nentries: {nexus: [{name: nexus, version: 1.2.3, urls: [kept/n.tgz]}]}\n"
HELD = f", digest: '{sha256(ARCHIVE)}'"


@pytest.fixture
def repository() -> Iterator[str]:
    """The address of a repository whose chart is where its index says, and not where charts are by custom."""
    there = {"/charts/index.yaml": INDEX, "/charts/kept/n.tgz": ARCHIVE}

    def answer(request: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        return (200, {}, there[request.path]) if request.path in there else (404, {}, b"")

    with serving(answer) as host:
        yield f"http://{host}/charts"


def _cache(at: Path) -> Path:
    """With the programs in it, and no chart."""
    cache = at / "cache"
    cache.mkdir()
    (cache / "tools").symlink_to(cache_dir() / "tools")
    return cache


def _check(at: Path, repository: str, digest: str = HELD, more: str = "") -> subprocess.CompletedProcess[str]:
    """The check, by somebody who has never downloaded a chart."""
    cache = _cache(at)
    chart = f"{{name: nexus, repository: '{repository}', version: 1.2.3{digest}}}"
    (at / "deploy.yaml").write_text(f"apiVersion: deploy-gateway/v1\napp: nexus\nchart: {chart}\n{more}")
    return run("check", "-o", "json", at=at, environment={"DEPLOY_GATEWAY_CACHE": str(cache)})


def test_what_the_chart_renders_to_is_checked_with_the_apps_values(repository: str, tmp_path: Path) -> None:
    done = _check(tmp_path, repository, more="values:\n  service: {type: NodePort}\n")
    assert done.returncode == Exit.BLOCKED
    (app,) = json.loads(done.stdout)["apps"]
    found = [one for one in app["findings"] if one["rule"] == "service-type"]
    assert [(one["resource"], one["what"]) for one in found] == [
        ("Service/nexus", "spec.type: it is NodePort (nexus/templates/all.yaml)")
    ]


def test_a_digest_that_is_missing_is_told(repository: str, tmp_path: Path) -> None:
    done = _check(tmp_path, repository, digest="")
    assert done.returncode == Exit.WRONG_USAGE
    assert sha256(ARCHIVE) in done.stdout


def test_who_does_not_answer_is_no_crash_and_nobody_tries_again(tmp_path: Path) -> None:
    done = run("check", "--chart", "http://127.0.0.1:1/nexus", "--version", "1.2.3", at=tmp_path)
    assert done.returncode == Exit.FAILED
    assert done.stdout.startswith("✗ http://127.0.0.1:1/nexus  not checked: no answer\n")
    assert "fix    See whether it is up" in done.stdout
    assert "crashed" not in done.stdout


def test_a_chart_comes_from_where_the_platform_has_plain_http(registry: str, tmp_path: Path) -> None:
    """As for a Release: nothing of that is a secret."""
    places = f"chart_repositories: [{{prefix: 'oci://{registry}/charts/', plain_http: true}}]\n"
    (tmp_path / "gateway.yaml").write_text(CONFIG + places)
    push_chart(registry, "1.2.3")
    done = run(
        *("check", "--chart", f"oci://{registry}/charts/nexus", "--version", "1.2.3", "-o", "json"),
        *("--config", "gateway.yaml", "--env", "production"),
        at=tmp_path,
        environment={"DEPLOY_GATEWAY_CACHE": str(_cache(tmp_path))},
    )
    (app,) = json.loads(done.stdout)["apps"]
    assert (app["state"], app["errors"]) == ("blocked", [])
