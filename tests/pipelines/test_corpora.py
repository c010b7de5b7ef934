"""The rules against public corpora, by name: what others call bad is refused by the rule that is meant, good passes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.adapters.cel import CelRules
from pipelines.namespaces import RESTRICTED
from pipelines.resources import WORKLOADS
from pipelines.rules import load_rules
from tests.corpora import corpora
from tests.pipelines.conftest import subject
from tests.pipelines.foreign_policies import disagreements

# Which rule of ours each control of the Pod Security Standards is.
CONTROLS = {
    "allowprivilegeescalation": "privilege-escalation",
    "apparmorprofile": "apparmor",
    "capabilities_baseline": "capabilities",
    "capabilities_restricted": "capabilities",
    "hostnamespaces": "host-access",
    "hostpathvolumes": "host-path",
    "hostports": "host-ports",
    "hostprobesandhostlifecycle": "probe-hosts",
    "privileged": "no-privileges",
    "procmount": "proc-mount",
    "restrictedvolumes": "volume-types",
    "runasnonroot": "run-as-non-root",
    "runasuser": "run-as-non-root",
    "seccompprofile_baseline": "seccomp",
    "seccompprofile_restricted": "seccomp",
    "selinuxoptions": "selinux",
    "sysctls": "sysctls",
    "windowshostprocess": "no-privileges",
}
# Those that are in the standard `baseline` too, and ask for no more there than in `restricted`.
BASELINE = frozenset(CONTROLS.values()) - {
    *("capabilities", "privilege-escalation", "run-as-non-root", "seccomp", "volume-types")
}


@pytest.fixture(scope="module")
def rules() -> CelRules:
    return CelRules(load_rules())


def _fixtures(standard: str, verdict: str) -> dict[str, Any]:
    """The pods by the name of their file."""
    folder = corpora() / "pod-security" / standard / "v1.34" / verdict
    return {file.stem: yaml.load(file.read_text(), Loader=yaml.CSafeLoader) for file in sorted(folder.glob("*.yaml"))}


def _speaking(rules: CelRules, pod: Any) -> set[str]:
    """Which rules speak about `pod`, of those that the Pod Security Standards are about."""
    return {finding.rule for finding in rules.findings(subject((pod,)))} & set(RESTRICTED)


def test_every_rule_of_the_standard_is_named_where_namespaces_are_labelled() -> None:
    assert set(RESTRICTED) == set(CONTROLS.values())


def test_all_74_pods_that_fail_restricted_are_refused_by_the_rule_that_is_meant(rules: CelRules) -> None:
    pods = _fixtures("restricted", "fail")
    spoken = {name: _speaking(rules, pod) for name, pod in pods.items()}
    assert (len(pods), {name for name, pod in pods.items() if _meant(name, pod) not in spoken[name]}) == (74, set())
    # And by no other, but where the pod itself breaks two things: no securityContext at all, and the node's network.
    assert {name for name, found in spoken.items() if len(found) > 1} == {
        *("allowprivilegeescalation3", "windowshostprocess0", "windowshostprocess1")
    }


def test_all_34_pods_that_fail_baseline_are_refused_by_the_rule_that_is_meant(rules: CelRules) -> None:
    pods = _fixtures("baseline", "fail")
    missed = {name for name, pod in pods.items() if _meant(name, pod) not in _speaking(rules, pod)}
    assert (len(pods), missed) == (34, set())


@pytest.mark.parametrize(("standard", "number"), [("restricted", 22), ("baseline", 14)])
def test_all_pods_that_pass_pass(rules: CelRules, standard: str, number: int) -> None:
    asked = set(RESTRICTED) if standard == "restricted" else BASELINE
    pods = _fixtures(standard, "pass")
    refused = {name: spoken for name, pod in pods.items() if (spoken := _speaking(rules, pod) & asked)}
    assert (len(pods), refused) == (number, {})


def _meant(name: str, pod: Any) -> str:
    rule = CONTROLS[name.rstrip("0123456789")]
    is_of_the_node = any("hostPath" in volume for volume in pod["spec"].get("volumes", []))
    return "host-path" if rule == "volume-types" and is_of_the_node else rule


def test_each_of_the_bad_pods_is_refused(rules: CelRules) -> None:
    folder = corpora() / "bad-pods"
    objects = {
        f"{file.relative_to(folder)} {one['kind']}": one
        for file in sorted(folder.rglob("*.yaml"))
        for one in yaml.load_all(file.read_text(), Loader=yaml.CSafeLoader)
        if one["kind"] in WORKLOADS
    }
    spoken = {name: _speaking(rules, one) for name, one in objects.items()}
    assert (len(objects), {name for name, found in spoken.items() if not found}) == (128, set())


def test_our_evaluator_agrees_with_all_628_cases_of_60_foreign_policies(tmp_path: Path) -> None:
    folders = sorted(file.parent for file in (corpora() / "kubescape" / "controls").glob("*/policy.yaml"))
    compared = [disagreements(folder, tmp_path / folder.name) for folder in folders]
    assert (len(folders), sum(number for number, _ in compared)) == (60, 628)
    assert [case for _, others in compared for case in others] == []
