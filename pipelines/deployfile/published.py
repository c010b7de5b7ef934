"""The JSON Schema of `deploy.yaml` that editors complete and check from.

Editors read YAML 1.2, where `8080` and `true` are no texts; `read` takes every scalar as it was written. So the
schema takes a number or a truth wherever the text that it may have been written as would do, and for a number also its
digits in quotes. It never marks what `read` accepts in plain spelling; `read` knows more than a schema can say.
"""

from __future__ import annotations

import re
from typing import Any

from pipelines.deployfile.schema import KEYS_NEEDED, KEYS_REFUSED, DeployFile

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_WITH_MANIFESTS = ("apiVersion", "app", "manifests")
_WITH_CHART = ("apiVersion", "app", "chart", "values", "environments")
_TRUTH = "^([Tt]rue|[Ff]alse|[Yy]es|[Nn]o|[Oo]n|[Oo]ff)$"


def json_schema() -> dict[str, Any]:
    """The schema, closed at every level, with what each kind of workload needs and can't have."""
    generated = _for_editors(DeployFile.model_json_schema())
    return {"$schema": _DIALECT, **generated, "title": "deploy.yaml", "allOf": [_either(), *map(_of_kind, KEYS_NEEDED)]}


def _either() -> dict[str, Any]:
    """A workload, or manifests or a chart and nothing of a workload."""
    given = {"required": ["manifests"], "properties": {"manifests": {"type": "string"}}}
    only = {"propertyNames": {"enum": list(_WITH_MANIFESTS)}}
    values_alone = {"additionalProperties": {"propertyNames": {"enum": ["values"]}}}
    chart = {"propertyNames": {"enum": list(_WITH_CHART)}, "properties": {"environments": values_alone}}
    workload = {"required": ["workload"], "properties": {"values": False}}
    either = {"if": {"required": ["chart"]}, "then": chart, "else": workload}
    return {"if": given, "then": only, "else": either}


def _of_kind(workload: str) -> dict[str, Any]:
    refused = dict.fromkeys(KEYS_REFUSED[workload], False)
    return {
        "if": {"properties": {"workload": {"const": workload}}, "required": ["workload"]},
        "then": {
            "required": ["image", "resources", *KEYS_NEEDED[workload]],
            "properties": {**refused, "environments": {"additionalProperties": {"properties": refused}}},
        },
    }


def _for_editors(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema` closed, without the titles that repeat keys, and as wide as YAML's ways to write a text or a number."""
    made = {key: _inner(key, value) for key, value in schema.items()}
    if "properties" not in made:
        made.pop("title", None)
    if "patternProperties" in made:
        made["additionalProperties"] = False
    return {**made, **_written_as(made)}


def _inner(key: str, value: Any) -> Any:
    if key in ("properties", "patternProperties", "$defs"):
        return {name: _for_editors(schema) for name, schema in value.items()}
    if key == "anyOf":
        return [_for_editors(schema) for schema in value]
    return _for_editors(value) if key == "items" else value


def _written_as(schema: dict[str, Any]) -> dict[str, Any]:
    if "enum" in schema or "const" in schema:
        return {}
    if schema.get("type") == "string":
        fits = re.compile(schema.get("pattern", ""))
        wider = [kind for kind, text in (("number", "1"), ("boolean", "true")) if fits.search(text)]
        return {"type": ["string", *wider]} if wider else {}
    if schema.get("type") == "integer":
        return {"type": ["integer", "string"], "pattern": "^[0-9]+$"}
    if schema.get("type") == "boolean":
        return {"type": ["boolean", "string"], "pattern": _TRUTH}
    return {}
