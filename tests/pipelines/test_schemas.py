"""Schemas of the very cluster: unknown kinds, unknown fields, wrong types, each with where and what was meant."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.adapters.kube import KubeCluster
from pipelines.adapters.schemas import Schemas
from pipelines.ports import ClusterFacts
from tests.pipelines.conftest import subject
from tools.stack import Stack

PLAIN = ClusterFacts(
    "v1.36.3",
    (),
    {
        "v1/Box": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "apiVersion": {},
                "kind": {},
                "metadata": {},
                "lid": {"$ref": "#/$defs/Lid"},
                "sides": {"type": "array", "items": {"$ref": "#/$defs/Side"}},
                "either": {"anyOf": [{"type": "object", "additionalProperties": False, "properties": {"one": {}}}]},
            },
            "$defs": {
                "Lid": {"type": "object", "additionalProperties": False, "properties": {"colour": {"type": "string"}}},
                "Side": {"type": "object", "additionalProperties": False, "properties": {"width": {"type": "integer"}}},
            },
        }
    },
)


def _box(**fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Box", "metadata": {"name": "b"}, **fields}


@pytest.fixture(scope="session")
def facts(stack: Stack) -> ClusterFacts:
    return KubeCluster(stack.gateway_kubeconfig).facts()


def test_what_the_standard_chart_renders_fits_the_cluster(facts: ClusterFacts, standard: tuple[Any, ...]) -> None:
    schemas = Schemas()
    schemas.prepare(facts)
    assert schemas.findings(subject(standard, facts)) == ()


def test_a_misspelt_field_is_found_with_its_path(facts: ClusterFacts, good: dict[str, Any]) -> None:
    container = good["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    container["readinesProbe"] = container.pop("readinessProbe")
    (found,) = Schemas().findings(subject((good["Deployment"],), facts))
    assert found.rule == "schema/unknown-field"
    assert found.field == "spec.template.spec.containers[0].readinesProbe"
    assert "readinessProbe" in found.how


def test_a_text_for_a_number_is_found(facts: ClusterFacts, good: dict[str, Any]) -> None:
    good["Deployment"]["spec"]["replicas"] = "two"
    (found,) = Schemas().findings(subject((good["Deployment"],), facts))
    assert (found.rule, found.field) == ("schema/invalid", "spec.replicas")


@pytest.mark.parametrize(
    ("manifest", "field"),
    [
        ({"apiVersion": "v1", "kind": "Secret", "stringData": {"password": 918273645}}, "stringData.password"),
        ({"apiVersion": "v1", "kind": "Secret", "data": ["918273645"]}, "data"),
        ({"apiVersion": "v1", "kind": "Secret", "type": 918273645}, "type"),
        (
            {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "c", "env": [{"value": 918273645}]}]}},
            "spec.containers[0].env[0].value",
        ),
        (
            {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "c", "args": [918273645]}]}},
            "spec.containers[0].args[0]",
        ),
    ],
)
def test_what_may_be_a_secret_is_told_by_its_shape(facts: ClusterFacts, manifest: dict[str, Any], field: str) -> None:
    found = Schemas().findings(subject(({"metadata": {"name": "x"}, **manifest},), facts))
    told = next(one for one in found if one.rule == "schema/invalid" and one.field == field)
    assert told.what.startswith(("a number is not of type", "a list is not of type"))
    assert "918273645" not in str(found)


def test_fields_of_the_meshs_own_kinds_are_known(facts: ClusterFacts, good: dict[str, Any]) -> None:
    good["PeerAuthentication"]["spec"]["mtsl"] = good["PeerAuthentication"]["spec"].pop("mtls")
    (found,) = Schemas().findings(subject((good["PeerAuthentication"],), facts))
    assert (found.field, found.how) == ("spec.mtsl", "mtls:   # in place of mtsl")


def test_a_removed_version_of_a_kind_is_told_with_the_one_that_is_there(facts: ClusterFacts) -> None:
    old = {"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "metadata": {"name": "x"}}
    (found,) = Schemas().findings(subject((old,), facts))
    assert found.rule == "schema/unknown-kind"
    assert found.how == "apiVersion: policy/v1\nkind: PodDisruptionBudget"


def test_a_kind_that_is_like_none_is_told_with_the_command_that_lists_them() -> None:
    (found,) = Schemas().findings(subject(({**_box(), "kind": "Zzzzzzzz", "apiVersion": "q/q"},), PLAIN))
    assert found.what == "the cluster has no q/q/Zzzzzzzz. Known are: v1/Box"
    assert found.how == "# one of those that this lists: kubectl api-resources"


@pytest.mark.parametrize(
    ("fields", "path", "hint", "how"),
    [
        pytest.param({"lidd": {}}, "lidd", "Did you mean 'lid'?", "lid:   # in place of lidd", id="at the top"),
        pytest.param(
            {"lid": {"color": "red"}},
            "lid.color",
            "Did you mean 'colour'?",
            "colour:   # in place of color",
            id="behind a reference",
        ),
        pytest.param(
            {"sides": [{"widht": 1}]},
            "sides[0].widht",
            "Did you mean 'width'?",
            "width:   # in place of widht",
            id="in a list",
        ),
        pytest.param({"lid": {"zzzz": 1}}, "lid.zzzz", "Known are: colour", "# leave out: zzzz", id="like none"),
    ],
)
def test_an_unknown_field_is_told_with_what_to_write_in_its_place(
    fields: dict[str, Any], path: str, hint: str, how: str
) -> None:
    (found,) = Schemas().findings(subject((_box(**fields),), PLAIN))
    assert (found.field, found.how) == (path, how)
    assert found.what.endswith(f" here. {hint}")


def test_alternatives_that_none_fit_are_one_finding() -> None:
    (found,) = Schemas().findings(subject((_box(either={"two": 1}),), PLAIN))
    assert found.field.startswith("either")


def test_a_null_is_as_if_it_were_not_there() -> None:
    assert Schemas().findings(subject((_box(lid=None),), PLAIN)) == ()


def test_an_object_with_very_many_faults_is_told_the_first_twenty() -> None:
    assert len(Schemas().findings(subject((_box(sides=[{"width": "x"}] * 50),), PLAIN))) == 20


def test_kinds_that_the_cluster_lacks_need_no_preparation() -> None:
    schemas = Schemas()
    schemas.prepare(PLAIN)
    assert schemas.findings(subject((_box(),), PLAIN)) == ()


def test_new_facts_make_new_schemas() -> None:
    schemas = Schemas()
    assert len(schemas.findings(subject((_box(lidd={}),), PLAIN))) == 1
    assert schemas.findings(subject((_box(lidd={}),), ClusterFacts("v1.36.3", (), {"v1/Box": {}}))) == ()
