"""`deployctl check`: what it leaves with, what it says, and that what it could not look at is never a pass."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deployctl.exits import Exit
from deployctl.facts import keep_facts
from deployctl.fleet import _FEWEST_FOR_A_POOL, check_all
from deployctl.local import NO_COMMIT, Local, Programs
from deployctl.platform import Asked, platform_for
from deployctl.verdicts import Report, Verdict, VerdictState
from pipelines.errors import InvalidInput
from tests.charts.golden import FEATURES, FOLDER
from tests.deployctl.offline import CONFIG, GOOD, LATEST, MISSPELT, folder, programs, run

Check = Callable[..., Report]


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    """Checks folders below the test's own, from within it."""
    monkeypatch.chdir(tmp_path)

    def check(*paths: str, processes: int = 1, using: Programs | None = None, **asked: Any) -> Report:
        platform = platform_for(Asked(**asked))
        return check_all([Path(path) for path in paths], platform, using or programs(), processes)

    return check


def _only(report: Report) -> Verdict:
    (verdict,) = report.verdicts
    return verdict


def test_a_good_app_passes_and_what_was_not_checked_is_said(tmp_path: Path) -> None:
    folder(tmp_path / "a")
    done = run("check", "a", at=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("✓ 1 App: nothing blocks, in ")
    assert "not checked: schemas of the cluster (deployctl cluster facts CLUSTER -o FILE" in done.stdout


def test_a_finding_blocks_with_its_line_and_the_fix_before_the_reason(tmp_path: Path) -> None:
    folder(tmp_path / "a", LATEST)
    done = run("check", at=tmp_path / "a")
    assert done.returncode == 3
    lines = done.stdout.splitlines()
    assert lines[0] == "✗ checkout  blocked  deploy.yaml"
    assert lines[1] == "  deploy.yaml:4  image-pinned  critical"
    assert lines[2].startswith("    write  image: ")
    assert lines[3].startswith("    what   Deployment/checkout: container checkout")


def test_bad_input_is_told_with_file_and_line(tmp_path: Path) -> None:
    folder(tmp_path / "a", MISSPELT)
    folder(tmp_path / "b", GOOD.replace("8080", "80").replace("250m", "lots"))
    done = run("check", "a", "b", at=tmp_path)
    assert done.returncode == 2
    assert "a/deploy.yaml:5  unknown key 'prot'" in done.stdout
    assert "not checked" not in done.stdout
    assert "b/deploy.yaml:5  port is '80'" in done.stdout
    assert "b/deploy.yaml:7  resources.cpu is 'lots'" in done.stdout


@pytest.mark.parametrize("content", ["a: [", "- a list", "app: [not, a, text]", "", "environments: {x: {}}"])
def test_what_is_no_deploy_yaml_is_invalid(check: Check, tmp_path: Path, content: str) -> None:
    folder(tmp_path / "a", content)
    report = check("a")
    assert (report.exit, _only(report).state) == (Exit.WRONG_USAGE, VerdictState.INVALID)
    assert _only(report).faults[0].where.startswith("a/deploy.yaml")


@pytest.mark.parametrize(
    ("path", "words"), [(".", "there is no deploy.yaml here"), ("b/deploy.yaml", "no such folder")]
)
def test_no_file_is_no_pass(check: Check, path: str, words: str) -> None:
    report = check(path)
    assert report.exit == Exit.WRONG_USAGE
    assert words in _only(report).faults[0].reason


def test_no_verdict_is_no_pass() -> None:
    assert Report((), (), 0.0).exit == Exit.FAILED


def test_a_check_that_crashes_is_no_pass(check: Check, tmp_path: Path) -> None:
    folder(tmp_path / "a")
    broken = replace(programs(), kube_score=Path(shutil.which("false") or ""))
    report = check("a", using=broken)
    assert (report.exit, _only(report).state) == (Exit.FAILED, VerdictState.CRASHED)
    assert "kube-score gave no answer" in _only(report).faults[0].reason


def test_a_defect_of_one_check_leaves_the_other_apps(
    check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        folder(tmp_path / name, GOOD.replace("app: checkout", f"app: {name}", 1))
    judged = Local._judged

    def breaks_on_a(self: Local, file: Path) -> Verdict:
        if file.parent.name == "a":
            raise ZeroDivisionError("oh")
        return judged(self, file)

    monkeypatch.setattr(Local, "_judged", breaks_on_a)
    report = check("a", "b")
    assert [one.state for one in report.verdicts] == [VerdictState.CRASHED, VerdictState.PASSED]
    assert report.exit == Exit.FAILED
    assert "ZeroDivisionError: oh" in report.verdicts[0].faults[0].reason


def test_a_process_that_dies_is_no_pass(check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [folder(tmp_path / f"a{number}").name for number in range(_FEWEST_FOR_A_POOL)]
    monkeypatch.setattr(Local, "verdict", lambda _self, _file: os._exit(9))
    report = check(*names, processes=2)
    assert {one.state for one in report.verdicts} == {VerdictState.CRASHED}
    assert len(report.verdicts) == _FEWEST_FOR_A_POOL
    assert "the process that checked it died" in report.verdicts[0].faults[0].reason


def test_many_processes_say_what_one_says_in_the_order_asked_for(check: Check, tmp_path: Path) -> None:
    names = []
    for number in range(_FEWEST_FOR_A_POOL + 1):
        text = (GOOD, LATEST, MISSPELT)[number % 3].replace("app: checkout", f"app: app-{number}", 1)
        names.append(folder(tmp_path / f"app-{number}", text).name)

    def plain(report: Report) -> list[Verdict]:
        return [replace(one, seconds=0.0) for one in report.verdicts]

    assert plain(check(*names, processes=2)) == plain(check(*names, processes=1))


def test_many_good_apps_are_one_line_and_what_was_not_checked(tmp_path: Path) -> None:
    for number in range(_FEWEST_FOR_A_POOL):
        folder(tmp_path / "apps" / str(number), GOOD.replace("app: checkout", f"app: app-{number}", 1))
    done = run("check", *sorted((tmp_path / "apps").iterdir()), at=tmp_path)
    assert done.returncode == 0, done.stdout
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["✓", "not"]


def test_the_same_app_twice_is_looked_at_once(check: Check, tmp_path: Path) -> None:
    folder(tmp_path / "a")
    assert [one.file for one in check("a", "a/deploy.yaml", "./a/").verdicts] == ["a/deploy.yaml"]


def test_the_platforms_settings_are_the_real_ones_without_its_secrets(check: Check, tmp_path: Path) -> None:
    config = tmp_path / "gateway.yaml"
    config.write_text(CONFIG)
    folder(tmp_path / "a", GOOD.replace("registry.example.com/shop", "elsewhere.example.com"))
    blocked = check("a", config=config, environment="production")
    assert blocked.exit == Exit.BLOCKED
    assert {one.rule for one in _only(blocked).blocking} == {"image-registry"}
    warned = check("a", config=config, environment="staging")
    assert warned.exit == Exit.DONE
    assert {one.rule for one in _only(warned).warnings} == {"image-registry"}
    assert not any("registries" in one.what for one in blocked.not_checked)


def test_a_caller_that_the_platform_does_not_know_is_told(check: Check, tmp_path: Path) -> None:
    config = tmp_path / "gateway.yaml"
    config.write_text(CONFIG)
    folder(tmp_path / "a", GOOD.replace("storefront", "shopfront"))
    fault = _only(check("a", config=config, environment="production")).faults[0]
    assert fault.where == "a/deploy.yaml:9"
    assert "Did you mean 'storefront'?" in fault.solution


def test_facts_of_a_cluster_have_schemas_checked(check: Check, tmp_path: Path) -> None:
    facts = tmp_path / "facts.json"
    schema = {"properties": {"apiVersion": {}, "kind": {}, "metadata": {}}, "additionalProperties": False}
    facts.write_text(
        json.dumps({"kubernetes_version": "v1.36.3", "api_versions": ["v1"], "schemas": {"v1/Service": schema}})
    )
    folder(tmp_path / "a")
    report = check("a", facts=facts)
    rules = {one.rule for one in _only(report).blocking}
    assert rules == {"schema/unknown-kind", "schema/unknown-field"}
    assert not any("schemas" in one.what for one in report.not_checked)


def test_what_differs_in_other_environments_was_not_checked_and_that_is_said(check: Check, tmp_path: Path) -> None:
    folder(tmp_path / "a", GOOD + "environments: {production: {image: registry.example.com/shop/checkout:latest}}\n")
    report = check("a")
    assert report.exit == Exit.DONE
    assert "what differs in production (another Environment was asked for; --env production)" in map(
        str, report.not_checked
    )
    assert check("a", environment="production").exit == Exit.BLOCKED


def test_raw_manifests_are_told_by_their_own_lines(check: Check, tmp_path: Path) -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  hostNetwork: true\n  containers: [{name: x}]\n"
    folder(tmp_path / "a", "apiVersion: deploy-gateway/v1\napp: raw\nmanifests: k8s/\n", k8s__pod=pod)
    found = {one.rule: one.source for one in _only(check("a")).blocking}
    assert found["host-access"] == "a/k8s/pod.yaml:5"


def test_manifests_without_an_object_are_no_pass(check: Check, tmp_path: Path) -> None:
    folder(tmp_path / "a", "apiVersion: deploy-gateway/v1\napp: raw\nmanifests: k8s/\n", k8s__empty="# nothing yet\n")
    verdict = _only(check("a"))
    assert (verdict.state, verdict.code) == (VerdictState.INVALID, "render-failed")
    assert verdict.faults[0].solution == "See that the folder of `manifests:` has files with objects in them"


def test_in_a_git_tree_paths_are_those_of_the_repository(check: Check, tmp_path: Path) -> None:
    app = folder(tmp_path / "apps" / "a", "apiVersion: deploy-gateway/v1\napp: raw\nmanifests: k8s/\n")
    who = ("-c", "user.name=me", "-c", "user.email=me@example.com")
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    assert _only(check("apps/a")).faults[0].reason.endswith("there is no folder k8s/")
    (tmp_path / "k8s").mkdir()
    (tmp_path / "k8s" / "map.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n")
    subprocess.run(["git", *who, "commit", "--quiet", "--allow-empty", "-m", "x"], cwd=tmp_path, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=tmp_path, check=True, capture_output=True, text=True)
    # Another process: a process asks Git once.
    done = run("check", app, "-o", "json", at=tmp_path)
    assert json.loads(done.stdout)["apps"][0]["commit"] == head.stdout.strip()


def test_without_git_there_is_no_commit(check: Check, tmp_path: Path) -> None:
    folder(tmp_path / "a")
    assert _only(check("a")).commit == NO_COMMIT


def test_a_link_is_not_followed(check: Check, tmp_path: Path) -> None:
    elsewhere = folder(tmp_path / "a") / "deploy.yaml"
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "deploy.yaml").symlink_to(elsewhere)
    assert "symbolic link" in _only(check("b")).faults[0].reason


def test_every_feature_of_the_chart_passes_where_nothing_is_known_of_the_platform(check: Check, tmp_path: Path) -> None:
    names = [shutil.copytree(FOLDER / name, tmp_path / name).name for name in FEATURES]
    report = check(*names, processes=2, standard_chart="next")
    refused = [(one.file, one.faults, one.blocking) for one in report.verdicts if one.state is not VerdictState.PASSED]
    assert refused == []


def test_missing_programs_are_told_with_the_way_to_get_them(tmp_path: Path) -> None:
    folder(tmp_path / "a")
    done = run("check", "a", at=tmp_path, environment={"PATH": "/nowhere", "DEPLOY_GATEWAY_CACHE": str(tmp_path)})
    assert done.returncode == 2
    assert "deploy-gateway tools install helm kube-score" in done.stderr


def test_without_a_git_program_there_is_no_commit(
    check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder(tmp_path / "a")
    (tmp_path / ".git").mkdir()
    using = programs()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "env").symlink_to(shutil.which("env") or "")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert _only(check("a", using=using)).commit == NO_COMMIT


def test_facts_that_were_kept_are_used_for_their_cluster(
    check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    using = programs()
    monkeypatch.setenv("DEPLOY_GATEWAY_CACHE", str(tmp_path / "cache"))
    config = tmp_path / "gateway.yaml"
    config.write_text(CONFIG)
    folder(tmp_path / "a")
    without = check("a", using=using, config=config, environment="production")
    assert str(without.not_checked[0]) == "schemas of the cluster (no facts; deployctl cluster facts far-away)"
    keep_facts(
        "far-away",
        json.dumps({"kubernetes_version": "v1.35.1", "api_versions": [], "schemas": {"v1/Pod": {}}}).encode(),
    )
    report = check("a", using=using, config=config, environment="production")
    assert "schema/unknown-kind" in {one.rule for one in _only(report).blocking}


def test_what_can_not_be_kept_says_where_to_put_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").write_text("a file")
    monkeypatch.setenv("DEPLOY_GATEWAY_CACHE", str(tmp_path / "cache"))
    with pytest.raises(InvalidInput, match="can't be kept") as raised:
        keep_facts("local", b'{"kubernetes_version": "v1.35.1", "api_versions": [], "schemas": {"v1/Pod": {}}}')
    assert raised.value.solution == "Name a file with -o FILE"


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"kubernetes_version": 1, "api_versions": [], "schemas": {"v1/Pod": {}}}', "no JSON"]
)
def test_what_is_no_facts_is_never_taken_for_checked_schemas(check: Check, tmp_path: Path, content: str) -> None:
    (tmp_path / "facts.json").write_text(content)
    with pytest.raises(InvalidInput, match="no facts of a cluster"):
        check("a", facts=tmp_path / "facts.json")


def test_facts_without_schemas_are_none(check: Check, tmp_path: Path) -> None:
    facts = {"kubernetes_version": "v1.36.3", "api_versions": [], "schemas": {}}
    (tmp_path / "facts.json").write_text(json.dumps(facts))
    with pytest.raises(InvalidInput, match="not empty"):
        check("a", facts=tmp_path / "facts.json")
