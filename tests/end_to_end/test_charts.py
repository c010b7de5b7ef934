"""A new chart goes through the fleet in waves: planned, pinned for one App, and the way back."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from pipelines.charts import STANDARD_CHARTS
from tools.installation import Installation
from tools.stack.repositories import Content

Files = Callable[..., dict[str, Content]]
Post = Callable[..., dict[str, Any]]
Deployctl = Callable[..., subprocess.CompletedProcess[str]]
Configured = Callable[[Path], AbstractContextManager[None]]
OLD, NEW = "0.2.0", "0.2.9"
PLACE = ("--app", "waves", "--env", "staging")
_MORE = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ printf "%s-more" .Values.app | quote }}
  namespace: {{ .Release.Namespace | quote }}
  labels:
    {{- include "labels" . | nindent 4 }}
data: {by: {{ .Chart.Version | quote }}}
"""


@pytest.fixture(scope="module")
def charts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions: the second makes an object more, and sets a field more of another."""
    folder = tmp_path_factory.mktemp("charts")
    shutil.copytree(STANDARD_CHARTS, folder, dirs_exist_ok=True)
    shutil.copytree(folder / OLD, folder / NEW)
    about = folder / NEW / "Chart.yaml"
    about.write_text(about.read_text().replace(f"version: {OLD}", f"version: {NEW}"))
    (folder / NEW / "templates" / "more.yaml").write_text(_MORE)
    service = folder / NEW / "templates" / "service.yaml"
    assert "spec:\n  type: ClusterIP\n" in service.read_text()
    service.write_text(service.read_text().replace("spec:\n  type", "spec:\n  sessionAffinity: ClientIP\n  type", 1))
    (folder / "channels.yaml").write_text(f"stable: {OLD}\nnext: {NEW}\n")
    return folder


def _config(installation: Installation, charts: Path, pin: str | None) -> Path:
    document = json.loads(installation.config.read_text())
    document["charts"] = str(charts)
    if pin is not None:
        document["apps"]["waves"]["chart"] = pin
    path = installation.config.with_name(f"pinned-{pin}.yaml")
    path.write_text(json.dumps(document))
    return path


def _lose_bundle(installation: Installation, digest: str) -> None:
    with sqlite3.connect(installation.config.with_name("gateway.db")) as database:
        database.execute("DELETE FROM bundles WHERE digest = ?", (digest,))
    database.close()


def _extra_objects(installation: Installation) -> str:
    got = installation.stack.kubectl("get", "configmap", "--namespace=waves-staging", "--output=name")
    return got.stdout


@pytest.fixture(scope="module")
def story(
    installation: Installation,
    release: Post,
    deploy_yaml: Files,
    deployctl: Deployctl,
    configured: Configured,
    charts: Path,
) -> dict[str, Any]:
    """What each step answered, in order."""
    installation.push("shop/waves", deploy_yaml("waves"), "The only commit")
    told: dict[str, Any] = {"first": release("waves")}
    with configured(_config(installation, charts, None)):
        told["plan"] = deployctl("plan", *PLACE, "--ref", "main", "--chart-version", "next")
        told["after the plan"] = _extra_objects(installation)
        told["unpinned"] = release("waves")
    with configured(_config(installation, charts, "next")):
        told["pinned"] = release("waves")
        told["after the pin"] = _extra_objects(installation)
        told["back"] = deployctl("plan", *PLACE, "--ref", "main", "--chart-version", "stable", "-o", "json")
        told["status"] = deployctl("status", "waves")
        told["rollback"] = deployctl("rollback", *PLACE, "--reason", "Too early", "--yes", "-o", "json")
        told["after the rollback"] = _extra_objects(installation)
        _lose_bundle(installation, json.loads(told["rollback"].stdout)["bundle"])
        told["lost"] = deployctl("plan", *PLACE, "--ref", "main")
    return told


def test_a_plan_shows_what_another_chart_would_change(story: dict[str, Any]) -> None:
    plan = story["plan"]
    assert plan.returncode == 0, plan.stdout + plan.stderr
    assert "create ConfigMap/waves-more" in plan.stdout
    assert "+  sessionAffinity: ClientIP" in plan.stdout
    assert "update Deployment/waves" not in plan.stdout
    assert "objects stay as they are" in plan.stdout
    assert f"rendered by standard-app {NEW}" in plan.stdout


def test_a_plan_changes_nothing(story: dict[str, Any]) -> None:
    assert "waves-more" not in story["after the plan"]


def test_a_channel_that_nothing_is_pinned_to_moves_nothing(story: dict[str, Any]) -> None:
    assert (story["unpinned"]["revision"], story["unpinned"]["chart"]) == (2, f"standard-app {OLD}")


def test_the_same_commit_by_another_chart_is_a_release_like_any_other(story: dict[str, Any]) -> None:
    first, pinned = story["first"], story["pinned"]
    assert (pinned["state"], pinned["revision"], pinned["chart"]) == ("deployed", 3, f"standard-app {NEW}")
    assert pinned["commit"] == first["commit"]
    assert "waves-more" in story["after the pin"]


def test_a_plan_back_shows_what_would_be_deleted_and_what_falls_away(story: dict[str, Any]) -> None:
    changes = {one["resource"]: one for one in json.loads(story["back"].stdout)["changes"]}
    assert changes["ConfigMap/waves-more"]["action"] == "delete"
    assert "-  sessionAffinity: ClientIP" in changes["Service/waves"]["diff"]


def test_status_says_which_chart_runs(story: dict[str, Any]) -> None:
    assert f"standard-app {NEW}" in story["status"].stdout


def test_a_rollback_goes_back_to_the_chart_before(story: dict[str, Any]) -> None:
    done = json.loads(story["rollback"].stdout)
    assert (done["state"], done["revision"], done["chart"]) == ("deployed", 4, f"standard-app {OLD}")
    assert "waves-more" not in story["after the rollback"]


def test_where_what_runs_is_no_longer_stored_a_plan_says_what_it_does_not_know(story: dict[str, Any]) -> None:
    lost = story["lost"]
    assert lost.returncode == 0, lost.stdout + lost.stderr
    assert "preflight: what would be deleted is not known" in lost.stdout
