"""Says in a reader's words what a schema has against a document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from configuration.document import Document, Location
from pipelines.errors import Fault
from pipelines.suggestions import did_you_mean

NONE_YET = "None is defined yet"
"""In place of the names that there are, where there is none."""


def explain(error: ValidationError, document: Document, schema: Mapping[str, Any]) -> list[Fault]:
    """Each of `error`'s details as a Fault with file and line; `schema` is the same model's."""
    return [_fault(detail, document, schema) for detail in error.errors(include_url=False, include_context=True)]


def _fault(detail: ErrorDetails, document: Document, schema: Mapping[str, Any]) -> Fault:
    location: Location = tuple(part for part in detail["loc"] if part != "[key]")
    path, kind = dotted(location), detail["type"]
    where = document.where(location)
    if kind == "extra_forbidden":
        return Fault(
            where,
            f"unknown key {path!r}",
            did_you_mean(str(location[-1]), _keys_at(schema, location[:-1]), if_none=NONE_YET),
        )
    if kind == "missing":
        keys = _properties(schema, location)
        return Fault(where, f"the key {path!r} is missing", _say("Add it", keys.get("description", "")))
    if detail["loc"][-1:] == ("[key]",):
        reason = f"{location[-1]!r} is not a name that can be used in {dotted(location[:-1])!r}"
        return Fault(where, reason, "Use lower-case letters, digits and -, starting with a letter, 40 at most")
    shown = "" if _may_be_secret(detail) else f", not {_shown(detail['input'])}"
    reason = f"{path or 'the file'}: {_wanted(detail)}{shown}"
    return Fault(where, reason, _say("What it means", _properties(schema, location).get("description", "")))


def _wanted(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    wanted = {
        "string_type": "should be text (put it in quotes)",
        "bool_type": "should be true or false",
        "int_type": "should be a whole number",
        "float_type": "should be a number",
        "dict_type": "should be a mapping (`key: value` lines)",
        "model_type": "should be a mapping (`key: value` lines)",
        "list_type": "should be a list (lines that start with `- `)",
        "string_pattern_mismatch": "does not have the form it must have",
    }
    if detail["type"] in ("literal_error", "enum"):
        return f"should be {context.get('expected')}"
    if detail["type"] == "value_error":
        return str(context.get("error"))
    message = detail["msg"]
    return wanted.get(detail["type"], message[:1].lower() + message[1:])


def _may_be_secret(detail: ErrorDetails) -> bool:
    """Whether the value may be an address with a password, or a token put where its digest belongs."""
    return detail["type"] == "value_error" or detail["loc"][-1:] in ((), ("sha256",), ("url",))


def _shown(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a mapping"
    return str(value).lower() if isinstance(value, bool) else repr(value)[:60]


def _say(label: str, description: str) -> str:
    return f"{label}: {description}".rstrip(".") if description else "See docs/reference/configuration.md"


def dotted(location: Location) -> str:
    """`apps.checkout.team`, `tokens[0].role`."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


def unknown(document: Document, location: Location, kind: str, section: str, name: str) -> Iterator[Fault]:
    """The Fault of a `name` at `location` that is not among the written keys of `section`."""
    written = document.value.get(section)
    known: Mapping[str, Any] = written if isinstance(written, dict) else {}
    if name not in known:
        reason = f"{dotted(location)}: there is no {kind} {name!r} in `{section}`"
        yield Fault(document.where(location), reason, did_you_mean(name, known, if_none=NONE_YET))


def _keys_at(schema: Mapping[str, Any], location: Location) -> list[str]:
    return list(_properties(schema, location).get("properties", {}))


def _properties(schema: Mapping[str, Any], location: Location) -> Mapping[str, Any]:
    """The sub-schema for `location`, its `$ref` followed; empty where the schema knows nothing of it."""
    here: Mapping[str, Any] = schema
    for part in location:
        here = _follow(here, schema)
        if isinstance(part, int):
            here = here.get("items", {})
        else:
            patterns = here.get("patternProperties", {})
            here = here.get("properties", {}).get(part) or next(iter(patterns.values()), {})
        if not isinstance(here, Mapping):
            return {}
    return _follow(here, schema)


def _follow(here: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    options = [option for option in here.get("anyOf", []) if option.get("type") != "null"]
    if len(options) == 1:  # a key that may be left out
        return {**_follow(options[0], root), **here}
    mappings = [option for option in options if "properties" in option]
    if len(mappings) == 1:  # one that has a short form too
        return {**mappings[0], **here}
    reference = here.get("$ref")
    if not isinstance(reference, str):
        return here
    target: Mapping[str, Any] = root["$defs"][reference.rsplit("/", 1)[-1]]
    return {**_follow(target, root), **here}
