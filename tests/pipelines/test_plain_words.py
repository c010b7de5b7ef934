"""Values of another type than their field's: told of every object, and put right so that all else is judged."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.plain_words import Mistyped, mend


def _service(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}


@pytest.mark.parametrize(
    ("found", "path", "wanted", "before", "after", "solution"),
    [
        ("bool", "spec.clusterIP", "string", {"clusterIP": True}, {"clusterIP": "true"}, "in quotes"),
        ("number", "spec.clusterIP", "string", {"clusterIP": 12}, {"clusterIP": "12"}, "in quotes"),
        ("bool", "spec.selector", "string", {"selector": {"a": False}}, {"selector": {"a": "false"}}, "in quotes"),
        ("bool", "spec.externalIPs", "string", {"externalIPs": [True, "b"]}, {"externalIPs": ["true", "b"]}, "quotes"),
        ("bool", "spec.type", "v1.ServiceType", {"type": True}, {}, "in quotes"),
        ("bool", "spec.selector", "map[string]string", {"selector": True}, {}, "what it takes"),
        ("bool", "spec.ports.port", "int32", {"ports": [{"port": True}, 1]}, {"ports": [{}, 1]}, "number"),
        ("string", "spec.ports.port", "int32", {"ports": [{"port": "80"}]}, {"ports": [{}]}, "Write a number"),
        ("string", "spec.publish", "*bool", {"publish": "yes"}, {}, "Write true or false"),
    ],
)  # fmt: skip
def test_a_word_of_another_type_is_told_and_put_right(
    found: str, path: str, wanted: str, before: dict[str, Any], after: dict[str, Any], solution: str
) -> None:
    (mended,), (fault,) = mend((_service(**before),), Mistyped("v1", "Service", found, path, wanted))
    assert mended["spec"] == after
    assert fault.where == f"Service/web {path}"
    assert solution in fault.solution


@pytest.mark.parametrize(
    "one",
    [
        _service(clusterIP="10.0.0.1"),
        _service(clusterIP=1),
        _service(),
        {**_service(clusterIP=True), "kind": "Other"},
        {**_service(clusterIP=True), "apiVersion": "serving.knative.dev/v1"},
    ],
)
def test_what_has_no_such_word_stays_as_it_is(one: dict[str, Any]) -> None:
    assert mend((one,), Mistyped("v1", "Service", "bool", "spec.clusterIP", "string")) == ((one,), [])


def test_a_true_is_no_number() -> None:
    one = _service(clusterIP=True)
    assert mend((one,), Mistyped("v1", "Service", "number", "spec.clusterIP", "string")) == ((one,), [])
