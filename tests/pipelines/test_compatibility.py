"""A deploy.yaml that is ahead of its chart: which key, on which line, and which chart knows it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipelines.charts import STANDARD_CHARTS
from pipelines.compatibility import insist_on_known
from pipelines.deployfile import overlaid
from pipelines.errors import InvalidDeployFile
from pipelines.values import chart_values, images_of
from tests.pipelines.conftest import DIGEST, place, source

HEAD = """\
apiVersion: deploy-gateway/v1
app: checkout
image: registry.example.com/shop/checkout:1.4.2
resources: {cpu: 250m, memory: 256Mi}
"""
WEB = HEAD + "workload: web\nport: 8080\nhealth: {readiness: /ready, liveness: /live}\n"


def _insist(text: str, chart: Path = STANDARD_CHARTS / "0.1.0", **environment: Any) -> None:
    where, made = place(**environment), source(text)
    file = overlaid(made.declaration.file, "staging")
    values = chart_values(file, made, where, dict.fromkeys(images_of(file, where), f"x@{DIGEST}"))
    insist_on_known(values, chart, made.declaration, "staging")


def _refused(text: str, chart: Path = STANDARD_CHARTS / "0.1.0", **environment: Any) -> InvalidDeployFile:
    with pytest.raises(InvalidDeployFile) as caught:
        _insist(text, chart, **environment)
    return caught.value


def test_what_every_chart_knows_is_taken_by_every_chart() -> None:
    for version in ("0.1.0", "0.2.0"):
        _insist(WEB + "replicas: 3\nenv: {A: b}\n", STANDARD_CHARTS / version)


@pytest.mark.parametrize(
    ("text", "where", "shown"),
    [
        (WEB + "autoscale: {max: 4, cpu: 70}\n", 8, "`autoscale`"),
        (HEAD + "workload: worker\n", 5, "`workload: worker`"),
        (HEAD + "workload: job\n", 5, "`workload: job`"),
        (WEB.replace("/live}", "/live, start_seconds: 30}"), 7, "`health.start_seconds`"),
        (WEB.replace("readiness: /ready", "readiness: tcp"), 7, "`health.readiness: tcp`"),
        (WEB + "env:\n  A: b\n  B_c: {secret: s, key: k}\n", 10, "`env.B_c` in this form"),
        (WEB + "env_from: [{secret: s}]\n", 8, "`env_from`"),
        (WEB + "environments:\n  staging:\n    autoscale: {max: 4, cpu: 70}\n", 10, "`autoscale`"),
        # What the disk's limit comes to follows from it, and is nothing that somebody wrote.
        (WEB + "scratch: {/var/cache: 256Mi}\n", 8, "`scratch`"),
    ],
)
def test_a_key_that_the_chart_does_not_know_is_told_with_its_line(text: str, where: int, shown: str) -> None:
    error = _refused(text)
    assert error.where == f"deploy.yaml:{where}"
    assert error.reason == f"this Environment's standard chart 0.1.0 does not know {shown}; it needs 0.2.0 or newer"
    assert error.solution == "Leave it out, or have the platform pin a newer one in gateway.yaml: `chart: 0.2.0`"


def test_all_keys_are_told_at_once() -> None:
    error = _refused(WEB + "autoscale: {max: 4, cpu: 70}\nuser: 20000\n")
    assert error.reason == "this Environment's standard chart 0.1.0 does not know `autoscale`, `user`"
    assert [fault.where for fault in error.errors] == ["deploy.yaml:8", "deploy.yaml:9"]


def test_what_the_platform_set_is_told_as_the_platforms() -> None:
    error = _refused(WEB, pull_secrets=("registry",))
    assert (error.where, "`pull_secrets`; it needs 0.2.0" in error.reason) == ("gateway.yaml", True)


@pytest.fixture
def charts(tmp_path: Path) -> Path:
    """A folder of a platform's own: 0.1.0 as it is, and a 0.3.0 that knows nothing new."""
    for version, original in (("0.1.0", "0.1.0"), ("0.3.0", "0.1.0")):
        shutil.copytree(STANDARD_CHARTS / original, tmp_path / version)
        about = tmp_path / version / "Chart.yaml"
        about.write_text(about.read_text().replace("version: 0.1.0", f"version: {version}"))
    (tmp_path / "channels.yaml").write_text("stable: 0.1.0\n")
    return tmp_path


def test_a_key_that_no_newer_chart_knows_either_is_told_so(charts: Path) -> None:
    error = _refused(WEB + "user: 20000\n", charts / "0.1.0")
    assert error.reason == ("this Environment's standard chart 0.1.0 does not know `user`, and no newer one here does")


@pytest.mark.parametrize("content", [None, "{", '{"type": 1}', '{"$ref": "https://schemas.invalid/x.json"}'])
def test_a_chart_whose_schema_says_nothing_is_left_to_helm(charts: Path, content: str | None) -> None:
    schema = charts / "0.1.0" / "values.schema.json"
    schema.unlink() if content is None else schema.write_text(content)
    _insist(WEB + "user: 20000\n", charts / "0.1.0")


def test_a_value_that_is_missing_is_left_to_helm(charts: Path) -> None:
    schema = charts / "0.1.0" / "values.schema.json"
    document = json.loads(schema.read_text())
    schema.write_text(json.dumps(document | {"required": ["costCentre"]}))
    _insist(WEB, charts / "0.1.0")


def test_a_charts_own_defaults_count(charts: Path) -> None:
    chart = charts / "0.1.0"
    (chart / "values.yaml").write_text("ingress: {costCentre: x}\n")
    error = _refused(WEB, chart)
    assert "`ingress.cost_centre`" in error.reason
    (chart / "values.yaml").unlink()
    _insist(WEB, chart)
