"""Helm, the real one: reproducible charts, text that stays text, errors in its words."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.adapters.helm import HelmClient
from pipelines.errors import (
    CheckCrashed,
    ClusterUnavailable,
    DiskFull,
    InvalidInput,
    NotWritable,
    RenderFailed,
    RolloutFailed,
)
from pipelines.manifests import parse
from pipelines.stages.resolve import CHARTS
from tests.pipelines.test_bundle import BUNDLE
from tests.waiting import eventually
from tools.stack.processes import ProcessId
from tools.toolbox import ensure


@pytest.fixture
def helm(tmp_path: Path) -> HelmClient:
    return HelmClient(ensure(["helm"])["helm"], tmp_path / "scratch")


def _render(helm: HelmClient, chart: bytes, values: dict[str, Any] | None = None, *, seconds: float = 20.0) -> bytes:
    return helm.template(
        release="x",
        namespace="ns",
        chart=chart,
        values=values or {},
        kubernetes_version="v1.36.3",
        api_versions=("apps/v1",),
        timeout_seconds=seconds,
    )


def _chart(helm: HelmClient, template: str) -> bytes:
    return helm.package(CHARTS / "raw-manifests", {"templates/manifests.yaml": template.encode()})[2]


def test_a_chart_is_packed_to_the_same_bytes_each_time(helm: HelmClient) -> None:
    first, second = (helm.package(CHARTS / "standard-app" / "0.1.0", {"files/a": b"x"}) for _ in range(2))
    assert first == second
    assert first[:2] == ("standard-app", "0.1.0")
    assert helm.package(CHARTS / "standard-app" / "0.1.0")[2] != first[2]


def test_actions_in_a_teams_manifests_stay_text(helm: HelmClient) -> None:
    evil = b'{"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "{{ .Release.Name }} {{ fail \\"x\\" }}"}}'
    chart = helm.package(CHARTS / "raw-manifests", {"manifests/000.json": evil})[2]
    (found,) = parse(_render(helm, chart))
    assert found["data"]["a"] == '{{ .Release.Name }} {{ fail "x" }}'


def test_no_cluster_is_read_and_no_name_resolved(helm: HelmClient) -> None:
    template = (
        'apiVersion: v1\nkind: X\na: {{ lookup "v1" "Secret" "" "" | toJson }}\nb: "{{ getHostByName "localhost" }}"\n'
    )
    (found,) = parse(_render(helm, _chart(helm, template)))
    assert (found["a"], found["b"]) == ({}, "")


def test_a_chart_is_rendered_for_no_api_in_particular(helm: HelmClient) -> None:
    template = 'apiVersion: v1\nkind: X\na: {{ .Capabilities.APIVersions.Has "apps/v1/Deployment" }}\n'
    rendered = helm.template(
        release="x",
        namespace="ns",
        chart=_chart(helm, template),
        values={},
        kubernetes_version="v1.36.3",
        api_versions=(),
        timeout_seconds=20,
    )
    assert parse(rendered)[0]["kind"] == "X"


def test_the_clusters_version_is_what_the_chart_sees(helm: HelmClient) -> None:
    template = "apiVersion: v1\nkind: X\na: {{ .Capabilities.KubeVersion.Version }}\n"
    assert parse(_render(helm, _chart(helm, template)))[0]["a"] == "v1.36.3"


def test_a_chart_that_does_not_render_is_told_in_helms_words(helm: HelmClient) -> None:
    with pytest.raises(RenderFailed, match="on purpose"):
        _render(helm, _chart(helm, '{{ fail "on purpose" }}'))


@pytest.mark.parametrize("template", ["{{ fail .Values.db.password }}", "{{ range .Values.db.password }}{{ end }}"])
def test_what_helm_says_of_a_value_leaves_the_value_out(helm: HelmClient, template: str) -> None:
    with pytest.raises(RenderFailed, match="…") as raised:
        _render(helm, _chart(helm, template), {"db": {"password": "hunter2"}})
    assert "hunter2" not in str(raised.value)
    assert ".yaml:1:" in str(raised.value)


def test_what_does_not_render_is_told_at_the_line_of_the_template_with_the_value(helm: HelmClient) -> None:
    """And without advice for a command that nobody typed."""
    with pytest.raises(RenderFailed) as raised:
        _render(helm, _chart(helm, "a: b\nc: {{ .Values.db.x.y }}"), {"db": {"x": "z"}})
    error = raised.value
    assert error.where == "raw-manifests/templates/manifests.yaml:2"
    assert error.solution == "Look at the value db.x.y, which that line of the template takes"
    assert "--debug" not in error.reason


def test_what_helm_says_without_a_line_is_told_of_the_template(helm: HelmClient) -> None:
    with pytest.raises(RenderFailed) as raised:
        _render(helm, _chart(helm, "a: b: c"))
    assert raised.value.where == "raw-manifests/templates/manifests.yaml"


def test_values_that_the_schema_does_not_know_are_refused(helm: HelmClient) -> None:
    chart = helm.package(CHARTS / "standard-app" / "0.1.0")[2]
    with pytest.raises(RenderFailed, match="secretEscapeHatch"):
        _render(helm, chart, {"secretEscapeHatch": True})


def test_a_render_that_takes_too_long_is_stopped(helm: HelmClient) -> None:
    chart = _chart(helm, "{{ range untilStep 0 100000000 1 }}{{ end }}")
    with pytest.raises((CheckCrashed, RenderFailed)):
        _render(helm, chart, seconds=0.3)


def test_a_dependency_that_is_not_in_the_chart_is_told_with_what_to_run(helm: HelmClient) -> None:
    wanted = "dependencies: [{name: db, version: 1.0.0, repository: 'https://charts.example.com/'}]\n"
    about = (CHARTS / "raw-manifests" / "Chart.yaml").read_bytes() + wanted.encode()
    with pytest.raises(RenderFailed, match=r"missing in charts/ directory: db") as caught:
        _render(helm, helm.package(CHARTS / "raw-manifests", {"Chart.yaml": about})[2])
    assert caught.value.solution == "Run `helm dependency build` in the chart's folder, and commit its `charts/`"


@pytest.mark.parametrize("zone", ["check", "deploy"])
def test_a_render_is_bounded_in_time_and_memory_in_both_zones(tmp_path: Path, zone: str) -> None:
    program, kubeconfig = tmp_path / "helm", tmp_path / "kubeconfig"
    program.write_text("#!/bin/sh\nulimit -t\nulimit -v\n")
    program.chmod(0o755)
    client = HelmClient(program, tmp_path / "scratch", kubeconfig if zone == "deploy" else None)
    assert _render(client, b"c") == b"20\n4194304\n"


def test_a_release_that_no_cluster_can_keep_is_refused_before_the_rollout(helm: HelmClient) -> None:
    with pytest.raises(InvalidInput, match="a cluster keeps at most"):
        helm.upgrade(replace(BUNDLE, chart=b"x" * 1024 * 1024), description="", timeout_seconds=5)


@pytest.fixture
def away(tmp_path: Path) -> HelmClient:
    """With a kubeconfig of a cluster that is not there."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        "{apiVersion: v1, kind: Config, current-context: c, users: [{name: u, user: {token: t}}],"
        " clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}],"
        " contexts: [{name: c, context: {cluster: c, user: u}}]}"
    )
    return HelmClient(ensure(["helm"])["helm"], tmp_path / "scratch", kubeconfig)


def test_a_cluster_that_is_away_is_told(away: HelmClient, helm: HelmClient) -> None:
    with pytest.raises(ClusterUnavailable):
        away.history(release="x", namespace="ns")
    bundle = replace(BUNDLE, chart=helm.package(CHARTS / "raw-manifests")[2], values={}, manifest=b"")
    with pytest.raises(ClusterUnavailable):
        away.upgrade(bundle, description="d", timeout_seconds=5)


def test_a_helm_that_does_not_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "helm"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setattr("pipelines.adapters.helm._GRACE_SECONDS", 0.2)
    stuck = HelmClient(program, tmp_path / "scratch")
    hook = b"{apiVersion: batch/v1, kind: Job, metadata: {name: h, annotations: {helm.sh/hook: pre-upgrade}}}"
    began = time.monotonic()
    with pytest.raises(RolloutFailed, match="did not end in its own time"):
        stuck.upgrade(replace(BUNDLE, chart=b"c", manifest=hook), description="d", timeout_seconds=0.1)
    # For rollout and rollback, and twice for the hook.
    assert time.monotonic() - began > 4 * 0.1 + 0.2
    with pytest.raises(ClusterUnavailable, match="no answer in time"):
        stuck.history(release="x", namespace="ns")
    with pytest.raises(CheckCrashed, match="took longer"):
        _render(stuck, b"c", seconds=0.2)


def test_no_chart_is_left_behind(helm: HelmClient, tmp_path: Path) -> None:
    chart = _chart(helm, "a: b\n")
    _render(helm, chart)
    with pytest.raises(RenderFailed):
        _render(helm, _chart(helm, "{{ fail `no` }}"))
    assert list((tmp_path / "scratch" / "charts").iterdir()) == []


def test_a_full_disk_is_no_fault_of_the_chart_and_worth_another_try(small_disk: Path) -> None:
    helm = HelmClient(ensure(["helm"])["helm"], small_disk / "scratch")
    with pytest.raises(DiskFull, match="the chart can't be written: no space left") as caught:
        _render(helm, b"0" * 3 * 1024 * 1024)
    assert caught.value.retryable
    assert list((small_disk / "scratch" / "charts").iterdir()) == []


def test_a_folder_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    helm = HelmClient(ensure(["helm"])["helm"], tmp_path)
    (tmp_path / "charts").write_text("")
    with pytest.raises(NotWritable, match="the chart can't be written: "):
        _render(helm, b"0")


def test_a_helm_ends_with_the_worker_that_was_killed(tmp_path: Path) -> None:
    script, number = tmp_path / "helm", tmp_path / "pid"
    script.write_text(f"#!/bin/sh\necho $$ > {number}.new\nmv {number}.new {number}\nexec sleep 60\n")
    script.chmod(0o755)
    code = (
        "import sys; from pathlib import Path; from pipelines.adapters.helm import HelmClient\n"
        "HelmClient(Path(sys.argv[1]), Path(sys.argv[2])).history(release='x', namespace='ns')"
    )
    with subprocess.Popen([sys.executable, "-c", code, script, tmp_path / "scratch"]) as worker:
        eventually(number.exists)
        worker.kill()
    eventually(lambda: ProcessId.of(int(number.read_text())) is None)
