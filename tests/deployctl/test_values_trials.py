"""A chart that can't pass as it is gets the values that let it pass, by rendering it with them."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployctl.local import Local
from deployctl.loose_charts import check_chart
from deployctl.platform import Asked, platform_for
from deployctl.render.reports import print_report
from deployctl.verdicts import Report, Suggested, Verdict
from pipelines.third_party.values_hints import NOT_FOUND, NOT_LOOKED_FOR
from tests.deployctl.offline import CONFIG, folder, programs

CHARTS = Path(__file__).parents[1] / "charts" / "third_party"


@pytest.fixture(autouse=True)
def _time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, what is found is the same."""
    monkeypatch.setattr("deployctl.values_trials.MOST_SECONDS", 300.0)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Verdict:
    """What is said of a chart in the shape of Nexus'."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("charts"))
        patch.setattr("deployctl.values_trials.MOST_SECONDS", 300.0)
        Path("repository").symlink_to(CHARTS / "repository")
        return _checked("repository").verdicts[0]


def _checked(chart: str, *values: Path) -> Report:
    return check_chart(chart, None, values, platform_for(Asked(namespace="default")), programs())


def _hints(verdict: Verdict, rule: str, place: str = "") -> set[str]:
    return {one.values_hint for one in verdict.findings if one.rule == rule and place in one.field}


@pytest.mark.parametrize(
    ("rule", "place", "values"),
    [
        ("service-type", "", {"service": {"type": "ClusterIP"}}),
        ("image-pinned", ".containers[", {"image": {"tag": "3.70.1"}}),
        ("token-automount", "", {"serviceAccount": {"automount": False}}),
        ("network-policy-present", "", {"networkPolicy": {"enabled": True}}),
        ("run-as-non-root", ".containers[0].securityContext.runAsUser", {"securityContext": {"runAsUser": 10001}}),
        ("seccomp", ".containers[", {"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}}),
        ("capabilities", ".containers[", {"securityContext": {"capabilities": {"drop": ["NET_RAW", "ALL"]}}}),
        ("resources-set", ".requests.cpu", {"resources": {"requests": {"cpu": "250m"}}}),
        ("capabilities", ".initContainers[", {"volumePermissions": {"enabled": False}}),
        ("team-scope", "", {"rbac": {"create": False}}),
    ],
)
def test_each_finding_has_the_key_that_ends_it(
    repository: Verdict, rule: str, place: str, values: dict[str, Any]
) -> None:
    assert [yaml.safe_load(hint) for hint in _hints(repository, rule, place)] == [values]


def test_what_the_chart_has_written_out_has_no_key(repository: Verdict) -> None:
    assert _hints(repository, "kube-score/statefulset-has-servicename") == {NOT_FOUND}


def test_what_is_said_of_all_values_together_is_so_when_they_are_written(
    repository: Verdict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    suggested = repository.suggested
    assert suggested is not None
    Path("values.yaml").write_text(yaml.safe_dump(dict(suggested.values)))
    after = _checked(str(CHARTS / "repository"), Path("values.yaml")).verdicts[0]
    assert (len(after.findings), len(after.blocking)) == (suggested.stay, suggested.stay_blocking)
    assert {one.rule for one in after.blocking} == {"kube-score/statefulset-has-servicename"}
    assert suggested.leaves_out == (
        "ClusterRole/repository",
        "ClusterRoleBinding/repository",
        "the init container volume-permissions",
    )


def test_values_of_a_chart_in_it_are_below_its_alias(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("builder").symlink_to(CHARTS / "builder")
    verdict = _checked("builder").verdicts[0]
    (limit,) = {
        one.values_hint
        for one in verdict.findings
        if one.resource == "StatefulSet/builder-store" and one.rule == "resources-set"
    }
    assert yaml.safe_load(limit) == {"store": {"resources": {"requests": {"cpu": "250m"}}}}
    (switched_on,) = _hints(verdict, "privilege-escalation", ".containers[0]") - {NOT_FOUND}
    assert yaml.safe_load(switched_on) == {
        "controller": {"containerSecurityContext": {"enabled": True, "allowPrivilegeEscalation": False}}
    }


def test_a_finding_whose_key_is_written_stands_on_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("first.yaml").write_text("# ours\nservice:\n  port: 80\n  type: LoadBalancer\n")
    Path("second.yaml").write_text("resources: {}\n")
    verdict = _checked(str(CHARTS / "repository"), Path("first.yaml"), Path("second.yaml")).verdicts[0]
    places = {f"{one.rule} {one.field}": one.source for one in verdict.findings}
    assert places["service-type spec.type"] == "first.yaml:4"
    assert places["resources-set spec.template.spec.containers[0].resources.requests.cpu"] == "second.yaml:1"


def _vendored(at: Path, more: str) -> Verdict:
    text = "apiVersion: deploy-gateway/v1\napp: checkout\nchart: {path: chart}\n"
    folder(at, text + more)
    (at / "chart").mkdir()
    for path in sorted((CHARTS / "repository").rglob("*")):
        target = at / "chart" / path.relative_to(CHARTS / "repository")
        target.mkdir(exist_ok=True) if path.is_dir() else target.write_bytes(path.read_bytes())
    (at / "gateway.yaml").write_text(CONFIG)
    platform = platform_for(Asked(environment="production", config=at / "gateway.yaml"))
    return Local(platform, programs(), at).verdict(at / "deploy.yaml")


def test_a_deploy_yaml_is_told_its_values_and_their_line(tmp_path: Path) -> None:
    verdict = _vendored(tmp_path, "values:\n  service:\n    type: NodePort\n")
    (found,) = [one for one in verdict.findings if one.rule == "service-type"]
    assert (found.source.rpartition(":")[2], yaml.safe_load(found.values_hint)) == (
        "6",
        {"service": {"type": "ClusterIP"}},
    )
    assert verdict.suggested is not None
    assert verdict.suggested.where == "values"


def test_values_that_an_environment_lays_over_are_told_for_it(tmp_path: Path) -> None:
    verdict = _vendored(
        tmp_path, "environments:\n  production:\n    values: {replicas: 1,\n      service: {type: NodePort}}\n"
    )
    assert verdict.suggested is not None
    assert verdict.suggested.where == "environments.production.values"
    assert {one.source.rpartition(":")[2] for one in verdict.findings if one.rule == "service-type"} == {"7"}


def test_without_time_it_says_that_nothing_was_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deployctl.values_trials.MOST_SECONDS", 0.0)
    monkeypatch.chdir(tmp_path)
    verdict = _checked(str(CHARTS / "repository")).verdicts[0]
    assert _hints(verdict, "service-type") == {NOT_LOOKED_FOR}
    assert verdict.suggested is None


def _printed(verdict: Verdict, form: str, capsys: pytest.CaptureFixture[str]) -> str:
    print_report(Report((verdict,), (), 0.1), form)
    return capsys.readouterr().out


def test_text_has_a_block_to_paste_and_the_command_of_a_waiver(
    repository: Verdict, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = _printed(repository, "text", capsys).splitlines()
    block = rows[next(at for at, row in enumerate(rows) if "with these values" in row) + 1 :]
    pasted = yaml.safe_load("\n".join(takewhile(lambda row: row.startswith("    "), block)))
    assert repository.suggested is not None
    assert pasted == repository.suggested.values
    assert any("deployctl waiver add --rule kube-score/statefulset-has-servicename --app APP" in row for row in rows)
    assert any("the init container volume-permissions: see that nothing needs it" in row for row in rows)


def test_text_tells_the_values_of_a_finding_in_a_line(repository: Verdict, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [row.strip() for row in _printed(repository, "text", capsys).splitlines()]
    assert "values service: {type: ClusterIP}" in rows
    assert "values volumePermissions: {enabled: false}   # leaves out the init container volume-permissions" in rows
    assert "values no value of the chart was found that changes this" in rows


def test_for_a_deploy_yaml_the_block_has_the_key_that_it_belongs_below(
    repository: Verdict, capsys: pytest.CaptureFixture[str]
) -> None:
    suggested = Suggested({"a": 1}, 1, 0, 0, where="environments.production.values")
    text = _printed(replace(repository, app="checkout", suggested=suggested), "text", capsys)
    assert "with these values 1 finding ends and none remains; write into deploy.yaml:" in text
    assert "    environments:\n      production:\n        values:\n          a: 1\n" in text


def test_scripts_read_it_in_the_finding(repository: Verdict, capsys: pytest.CaptureFixture[str]) -> None:
    (app,) = json.loads(_printed(repository, "json", capsys))["apps"]
    (found,) = [one for one in app["findings"] if one["rule"] == "service-type"]
    assert found["values_hint"] == "service:\n  type: ClusterIP"
    assert app["suggested"]["values"]["service"] == {"type": "ClusterIP"}


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("sarif", '"values_hint": "service:\\n  type: ClusterIP"'),
        ("github", "%0AValues: service: {type: ClusterIP}"),
        ("junit", "\nvalues: service: {type: ClusterIP}\n"),
    ],
)
def test_what_ci_reads_has_it_too(
    repository: Verdict, form: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert expected in _printed(repository, form, capsys)
