"""The catalogue: complete rules only, and what a cluster gets of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.errors import InvalidConfiguration
from pipelines.findings import Mode
from pipelines.rules import POLICIES, as_json, cluster_objects, load_rules, parameters

RULES = load_rules()


@pytest.fixture
def policy() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((POLICIES / "service-type.yaml").read_text())
    return found


def _load(folder: Path, policy: Any, name: str = "service-type.yaml") -> None:
    (folder / name).write_text(policy if isinstance(policy, str) else yaml.safe_dump(policy))
    load_rules(folder)


def test_every_rule_teaches() -> None:
    for rule in RULES:
        assert all((rule.title, rule.why, rule.how, rule.link.startswith("https://"), rule.since))


def test_no_rules_are_an_error_and_no_pass(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="there is no rule"):
        load_rules(tmp_path)


def test_a_rule_without_an_explanation_is_refused(tmp_path: Path, policy: dict[str, Any]) -> None:
    del policy["metadata"]["annotations"]["deploy-gateway.dev/why"]
    with pytest.raises(InvalidConfiguration, match="not complete: 'why'") as caught:
        _load(tmp_path, policy)
    assert caught.value.where == "policies/service-type.yaml"


def test_a_rule_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="not complete"):
        _load(tmp_path, "a: [")


def test_a_rule_is_called_as_its_file(tmp_path: Path, policy: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfiguration, match="the policy is called 'service-type'"):
        _load(tmp_path, policy, "other.yaml")


def test_a_cluster_gets_the_files_unchanged_a_binding_each_and_the_parameters() -> None:
    objects = cluster_objects(RULES, parameters(("a/", "b/")), {"seccomp": Mode.WARN})
    config, rest = objects[0], objects[1:]
    assert config["data"] == {"registries": "a/\nb/"}
    policies = {one["metadata"]["name"]: one for one in rest if one["kind"] == "ValidatingAdmissionPolicy"}
    bindings = {one["metadata"]["name"]: one["spec"] for one in rest if one["kind"] != "ValidatingAdmissionPolicy"}
    assert policies.keys() == bindings.keys() == {rule.id for rule in RULES}
    for name, policy in policies.items():
        assert policy == yaml.safe_load((POLICIES / f"{name}.yaml").read_text())
    assert bindings["seccomp"]["validationActions"] == ["Warn", "Audit"]
    assert bindings["image-registry"]["validationActions"] == ["Deny", "Audit"]
    assert bindings["image-registry"]["paramRef"]["parameterNotFoundAction"] == "Deny"
    assert "paramRef" not in bindings["seccomp"]


def test_they_are_one_list_for_kubectl() -> None:
    assert json.loads(as_json(cluster_objects(RULES, {})))["kind"] == "List"
