"""Values of another type than their field's: told of every object, and put right so that all else is judged."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.plain_words import Mistyped, mend


def _service(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}


@pytest.mark.parametrize(
    ("found", "path", "wanted", "before", "after", "field", "solution"),
    [
        ("bool", "clusterIP", "string", {"clusterIP": True}, {"clusterIP": "true"}, "", "in quotes"),
        ("number", "clusterIP", "string", {"clusterIP": 12}, {"clusterIP": "12"}, "", "in quotes"),
        ("bool", "selector", "string", {"selector": {"a": False}}, {"selector": {"a": "false"}},
         "selector.a", "quotes"),
        ("bool", "externalIPs", "string", {"externalIPs": ["b", True]}, {"externalIPs": ["b", "true"]},
         "externalIPs[1]", "quotes"),
        ("bool", "type", "v1.ServiceType", {"type": True}, {}, "", "in quotes"),
        ("bool", "selector", "map[string]string", {"selector": True}, {}, "", "explain service.spec.selector"),
        ("bool", "ports.port", "int32", {"ports": [{"port": True}, 1]}, {"ports": [{}, 1]}, "ports[0].port", "number"),
        ("string", "ports.port", "int32", {"ports": [{"port": "80"}]}, {"ports": [{}]},
         "ports[0].port", "a whole number"),
        ("number", "ports.port", "int32", {"ports": [{"port": 80}, {"port": 8.5}]}, {"ports": [{"port": 80}, {}]},
         "ports[1].port", "a whole number"),
        ("number", "ports.port", "int32", {"ports": [{"port": 8000000000000}]}, {"ports": [{}]},
         "ports[0].port", "a whole number"),
        ("string", "weight", "float64", {"weight": "1"}, {}, "", "# a number"),
        ("string", "publish", "*bool", {"publish": "yes"}, {}, "", "true or false"),
        ("object", "ports", "[]v1.ServicePort", {"ports": {"port": 80}}, {}, "", "a list"),
        ("array", "ports", "v1.ServicePort", {"ports": [{"port": 80}, [1]]}, {"ports": [{"port": 80}]},
         "ports[1]", "explain service.spec.ports"),
        ("number", "ports.port", "int32", {"ports": [{"port": "x"}, {"port": 8.5}]}, {"ports": [{"port": "x"}, {}]},
         "ports[1].port", "a whole number"),
        ("array", "selector", "map[string]string", {"selector": ["a"]}, {}, "", "explain"),
        ("array", "ports.port", "int32", {"ports": [{"port": [80]}]}, {"ports": [{}]}, "ports[0].port", "number"),
        ("array", "selector", "string", {"selector": {"a": ["b"], "c": "d"}}, {"selector": {"c": "d"}},
         "selector.a", "# a text"),
        ("object", "selector", "string", {"selector": {"a": {"b": "c"}, "d": "e"}}, {"selector": {"d": "e"}},
         "selector.a", "# a text"),
        ("object", "clusterIP", "string", {"clusterIP": {"b": "c"}}, {}, "", "# a text"),
        ("string", "ports", "v1.ServicePort", {"ports": ["a", {}]}, {"ports": [{}]}, "ports[0]", "explain"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_told_and_put_right(
    found: str, path: str, wanted: str, before: dict[str, Any], after: dict[str, Any], field: str, solution: str
) -> None:
    mistyped = Mistyped("v1", "Service", found, f"spec.{path}", wanted)
    (mended,), (misfit,) = mend((_service(**before),), mistyped)
    assert mended["spec"] == after
    assert (misfit.resource, misfit.field) == ("Service/web", f"spec.{field or path}")
    assert solution in mistyped.solution
    assert "it takes no " in mistyped.reason


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
