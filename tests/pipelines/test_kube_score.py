"""kube-score, the real one, and what happens when it says nothing that can be counted."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.adapters.kube_score import KubeScore
from pipelines.errors import CheckCrashed
from pipelines.findings import Mode
from tests.pipelines.conftest import subject
from tools.toolbox import ensure


@pytest.fixture(scope="session")
def kube_score() -> KubeScore:
    return KubeScore(ensure(["kube-score"])["kube-score"])


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], KubeScore]:
    """A kube-score that does what a shell script says."""

    def make(script: str) -> KubeScore:
        path = tmp_path / "kube-score"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return KubeScore(path)

    return make


def test_what_the_standard_chart_renders_has_nothing_found(kube_score: KubeScore, standard: tuple[Any, ...]) -> None:
    assert kube_score.findings(subject(standard)) == ()


def test_what_is_critical_blocks_and_names_why_and_how(kube_score: KubeScore, good: dict[str, Any]) -> None:
    del good["Deployment"]["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"]
    (found,) = kube_score.findings(subject(tuple(good.values())))
    assert (found.rule, found.mode, found.resource, found.field) == (
        "kube-score/container-image-pull-policy",
        Mode.ENFORCE,
        "Deployment/checkout",
        "spec.template.spec.containers[0]",
    )
    assert "whoever put it there" in found.why
    assert found.how == "imagePullPolicy: Always"


def test_what_a_rule_of_ours_decides_only_warns(kube_score: KubeScore, standard: tuple[Any, ...]) -> None:
    without = tuple(one for one in standard if one["kind"] != "NetworkPolicy")
    (found,) = kube_score.findings(subject(without))
    assert (found.rule, found.mode, found.field) == ("kube-score/pod-networkpolicy", Mode.WARN, "")


def test_what_is_a_warning_only_warns(kube_score: KubeScore, good: dict[str, Any]) -> None:
    del good["Deployment"]["spec"]["template"]["spec"]["affinity"]
    found = kube_score.findings(subject(tuple(good.values())))
    assert {(one.rule, one.mode) for one in found} == {("kube-score/deployment-has-host-podantiaffinity", Mode.WARN)}


def test_a_teams_annotation_waives_nothing(kube_score: KubeScore, standard: tuple[Any, ...]) -> None:
    without = tuple(one for one in standard if one["kind"] != "NetworkPolicy")
    for one in without:
        one["metadata"].setdefault("annotations", {})["kube-score/ignore"] = "pod-networkpolicy"
        if one["kind"] == "Deployment":
            one["spec"]["template"]["metadata"]["annotations"] = {"kube-score/ignore": "pod-networkpolicy"}
    assert [one.rule for one in kube_score.findings(subject(without))] == ["kube-score/pod-networkpolicy"]


def test_a_teams_annotation_adds_no_check_that_nobody_asked_for(kube_score: KubeScore, good: dict[str, Any]) -> None:
    optional = {"kube-score/enable": "container-resource-requests-equal-limits"}
    good["Deployment"]["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"] = {
        "cpu": "1m",
        "memory": "1Mi",
    }
    for one in (good["Deployment"], good["Deployment"]["spec"]["template"]):
        one["metadata"].setdefault("annotations", {}).update(optional)
    rules = {one.rule for one in kube_score.findings(subject(tuple(good.values())))}
    assert "kube-score/container-resource-requests-equal-limits" not in rules


@pytest.mark.parametrize(("cluster", "told"), [("v1.36.3", True), ("v1.20.4", False)])
def test_a_version_of_the_api_is_judged_for_the_clusters_own_release(
    kube_score: KubeScore, good: dict[str, Any], cluster: str, told: bool
) -> None:
    asked = subject(({**good["PodDisruptionBudget"], "apiVersion": "policy/v1beta1"},))
    found = kube_score.findings(replace(asked, facts=replace(asked.facts, kubernetes_version=cluster)))
    assert ("kube-score/stable-version" in {one.rule for one in found}) is told


def test_a_check_that_we_say_nothing_of_brings_its_own_words(kube_score: KubeScore, good: dict[str, Any]) -> None:
    good["Service"]["spec"]["type"] = "NodePort"
    found = kube_score.findings(subject(tuple(good.values())))
    (service,) = (one for one in found if one.rule == "kube-score/service-type")
    assert service.why
    assert service.how


def test_nothing_that_it_knows_is_nothing_found(program: Callable[[str], KubeScore]) -> None:
    role = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    assert program("exit 9").findings(subject((role,))) == ()


def test_a_cluster_of_no_known_version_is_scored_as_a_present_one(
    kube_score: KubeScore, standard: tuple[Any, ...]
) -> None:
    of_no_version = subject(standard)
    facts = replace(of_no_version.facts, kubernetes_version="unknown")
    assert kube_score.findings(replace(of_no_version, facts=facts)) == ()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        pytest.param("echo 'panic: nil pointer' >&2; exit 2", "panic: nil pointer", id="crashed"),
        pytest.param("exit 3", "exit code 3", id="silent"),
        pytest.param("echo null", "looked at nothing", id="null"),
        pytest.param("echo '[]'", "saw 0 of", id="too few"),
        pytest.param("kill -9 $$", "exit code -9", id="killed"),
    ],
)
def test_an_answer_that_can_not_be_counted_is_no_pass(
    program: Callable[[str], KubeScore], standard: tuple[Any, ...], script: str, words: str
) -> None:
    with pytest.raises(CheckCrashed, match=words):
        program(script).findings(subject(standard))


def test_one_that_does_not_end_is_no_pass(
    program: Callable[[str], KubeScore], standard: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.adapters.kube_score._TIMEOUT_SECONDS", 0.2)
    with pytest.raises(CheckCrashed, match="took longer"):
        program("exec sleep 20").findings(subject(standard))


def test_one_that_is_not_there_is_no_pass(tmp_path: Path, standard: tuple[Any, ...]) -> None:
    with pytest.raises(CheckCrashed, match="could not be run: No such file"):
        KubeScore(tmp_path / "absent").findings(subject(standard))


def test_a_grade_without_a_comment_is_told_by_its_name(
    program: Callable[[str], KubeScore], good: dict[str, Any]
) -> None:
    check = '{"id": "odd", "name": "Odd", "comment": "Is it odd?"}'
    scored = (
        '[{"type_meta": {"kind": "Service"}, "object_meta": {"name": "checkout"}, "checks": '
        f'[{{"check": {check}, "skipped": false, "grade": 1, "comments": null}}]}}]'
    )
    (found,) = program(f"cat <<'EOF'\n{scored}\nEOF").findings(subject((good["Service"],)))
    assert (found.what, found.why, found.how) == ("Odd", "Is it odd?", "Is it odd?")


def test_a_grade_of_a_container_is_told_at_that_container(kube_score: KubeScore, good: dict[str, Any]) -> None:
    pod = good["Deployment"]["spec"]["template"]["spec"]
    first = {key: value for key, value in pod["containers"][0].items() if not key.endswith("Probe")}
    pod["initContainers"] = [{**first, "name": "warm"}, {**first, "name": "migrate", "imagePullPolicy": "Never"}]
    (found,) = kube_score.findings(subject(tuple(good.values())))
    assert (found.rule, found.field) == (
        "kube-score/container-image-pull-policy",
        "spec.template.spec.initContainers[1]",
    )


def test_all_values_of_a_wrong_type_are_told_at_once_and_all_else_is_graded(
    kube_score: KubeScore, good: dict[str, Any]
) -> None:
    good["Service"]["spec"] |= {"type": True, "clusterIP": 12}
    good["Deployment"]["spec"]["replicas"] = "2"
    container = good["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    container["ports"] = {"containerPort": 80}
    del container["imagePullPolicy"]
    found = kube_score.findings(subject(tuple(good.values())))
    assert sorted((one.resource, one.field) for one in found if one.rule == "schema/invalid") == [
        ("Deployment/checkout", "spec.replicas"),
        ("Deployment/checkout", "spec.template.spec.containers[0].ports"),
        ("Service/checkout", "spec.clusterIP"),
        ("Service/checkout", "spec.type"),
    ]
    assert "kube-score/container-image-pull-policy" in [one.rule for one in found]


@pytest.mark.parametrize("kinds", [1, 5])
def test_an_object_that_it_can_not_read_is_told_with_its_words(
    kube_score: KubeScore, good: dict[str, Any], kinds: int
) -> None:
    """And grades of others that hang together with it are left out: they would be about a part."""
    others = [copy.deepcopy(good["Deployment"]) for _ in range(kinds)]
    for number, one in enumerate(others):
        one["metadata"]["name"] = f"other-{number}"
    for one in others[-2:]:
        one["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "many"}}
    found = kube_score.findings(subject((*good.values(), *others)))
    assert [(one.rule, one.resource) for one in found] == [
        ("schema/invalid", f"Deployment/{one['metadata']['name']}") for one in others[-2:]
    ]
    assert all("quantities must match" in one.what for one in found)


def test_what_it_says_of_a_value_leaves_the_value_out(kube_score: KubeScore, good: dict[str, Any]) -> None:
    good["Deployment"]["metadata"]["creationTimestamp"] = "hunter2"
    (found,) = kube_score.findings(subject(tuple(good.values())))
    assert found.what.startswith("kube-score can't read it, and gave no grades: parsing time …")
    assert "hunter2" not in found.what


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [("apps/v1", "ReplicaSet"), ("v1", "ReplicationController"), ("serving.knative.dev/v1", "Service")],
)
def test_what_it_does_not_read_is_not_waited_for(
    kube_score: KubeScore, good: dict[str, Any], api_version: str, kind: str
) -> None:
    other = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "other"}, "spec": {"type": True}}
    assert kube_score.findings(subject((other,))) == ()
    assert kube_score.findings(subject((*good.values(), other))) == ()


def test_a_word_of_a_wrong_type_is_told_of_its_own_kind_alone(kube_score: KubeScore, good: dict[str, Any]) -> None:
    other = {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": "other"}}
    good["Service"]["spec"]["clusterIP"] = 12
    good["Deployment"]["spec"]["replicas"] = "2"
    found = kube_score.findings(subject((*good.values(), {**other, "spec": {"clusterIP": 12}})))
    assert sorted((one.resource, one.field) for one in found if one.rule == "schema/invalid") == [
        ("Deployment/checkout", "spec.replicas"),
        ("Service/checkout", "spec.clusterIP"),
    ]


def test_findings_are_in_the_order_of_the_objects(program: Callable[[str], KubeScore], good: dict[str, Any]) -> None:
    """It tells them in another one each time."""

    def scored(kind: str, *checks: str) -> str:
        told = [
            f'{{"check": {{"id": "{one}", "name": "{one}", "comment": "?"}}, "skipped": false, "grade": 1,'
            ' "comments": [{"path": "", "summary": "b", "description": ""},'
            ' {"path": "", "summary": "a", "description": ""}]}'
            for one in checks
        ]
        meta = f'"type_meta": {{"kind": "{kind}"}}, "object_meta": {{"name": "checkout"}}'
        return f'{{{meta}, "checks": [{", ".join(told)}]}}'

    answer = f"[{scored('Deployment', 'z', 'y')}, {scored('Service', 'x')}]"
    found = program(f"cat <<'EOF'\n{answer}\nEOF").findings(subject((good["Service"], good["Deployment"])))
    assert [(one.resource, one.rule.removeprefix("kube-score/"), one.what) for one in found] == [
        *(("Service/checkout", "x", what) for what in "ab"),
        *(("Deployment/checkout", rule, what) for rule in "yz" for what in "ab"),
    ]


def test_a_word_that_is_not_found_is_no_pass(program: Callable[[str], KubeScore], standard: tuple[Any, ...]) -> None:
    words = (
        "v1, Kind=Service: err=json: cannot unmarshal bool into Go struct field ServiceSpec.spec.nowhere of type string"
    )
    with pytest.raises(CheckCrashed, match=r"can't read spec\.nowhere of a Service"):
        program(f"echo '{words}' >&2; exit 1").findings(subject(standard))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("v1, Kind=Other: err=odd", "can't read a Other: odd"),
        ("v1, Kind=Service: err=odd", "can't read a Service: odd"),
    ],
)
def test_what_it_can_never_read_is_no_pass(
    program: Callable[[str], KubeScore], standard: tuple[Any, ...], words: str, told: str
) -> None:
    many = tuple({**one, "metadata": {"name": f"x{number}"}} for one in standard for number in range(25))
    with pytest.raises(CheckCrashed, match=told):
        program(f"echo '{words}' >&2; exit 1").findings(subject(many))


def test_where_nothing_is_left_that_it_can_read_there_are_no_grades(kube_score: KubeScore) -> None:
    one = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "creationTimestamp": "x"}}
    (found,) = kube_score.findings(subject((one,)))
    assert (found.rule, found.resource) == ("schema/invalid", "Pod/p")
