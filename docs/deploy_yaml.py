"""The page of `deploy.yaml`: every key from its model, and what it becomes from the chart's golden tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from docs.side_by_side import examples
from pipelines.deployfile import DeployFile
from pipelines.deployfile.schema import KEYS_NEEDED, KEYS_REFUSED

_INTRODUCTION = """\
What a team writes, at the root of its repository. A closed schema: an unknown key is an error with its line and the
key that was meant. Texts stay the texts that were written: `1e3`, `on` and `12:30` are no numbers, truths or times,
with or without quotes. One document, no anchors that multiply, no tags.

Editors complete and check it from the schema: put
`# yaml-language-server: $schema=https://GATEWAY/schemas/deploy.yaml.json` into its first line, or use
[the same file](deploy.yaml.schema.json) from here. It takes a number or a truth where a text is meant that may look
like one, as YAML does not tell them apart; the gateway checks more than it can say.
"""
_ALWAYS = ("apiVersion", "app")
_EVERY_WORKLOAD = ("image", "resources")
Schema = Mapping[str, Any]


def page(note: str) -> str:
    """The whole page; `note` says that it is generated."""
    root = DeployFile.model_json_schema()
    parts = _places(root)
    lines = ["# deploy.yaml\n", f"{note}\n", _INTRODUCTION, "## Keys\n", *_top(root, parts)]
    for name, places in parts.items():
        lines += ["", *_part(root["$defs"][name], places, root, parts)]
    return "\n".join([*lines, "", *examples()])


def _places(root: Schema) -> dict[str, list[str]]:
    """Each part with where it may stand, in the order in which they are met; what Environments repeat left out."""
    found: dict[str, list[str]] = {}

    def visit(schema: Schema, path: str) -> None:
        for key, field in schema.get("properties", {}).items():
            for name, place in _parts_of(field, f"{path}.{key}".removeprefix(".")):
                known = found.setdefault(name, [])
                known.append(place)
                if name != "Overlay":
                    visit(root["$defs"][name], place)

    visit(root, "")
    return found


def _parts_of(field: Schema, place: str) -> Iterator[tuple[str, str]]:
    if "$ref" in field:
        yield field["$ref"].rsplit("/", 1)[-1], place
    for option in field.get("anyOf", ()):
        yield from _parts_of(option, place)
    if "items" in field:
        yield from _parts_of(field["items"], f"{place}[]")
    for option in field.get("patternProperties", {}).values():
        yield from _parts_of(option, f"{place}.NAME")


def _top(root: Schema, parts: Mapping[str, list[str]]) -> Iterator[str]:
    yield "| key | type | default | web | worker | stateful | cronjob | job | meaning |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for key, field in root["properties"].items():
        has = " | ".join(_has(key, workload) for workload in KEYS_NEEDED)
        yield f"| `{key}` | {_type(field, parts)} | {_default(field)} | {has} | {_meaning(field, root)} |"
    yield ""
    yield "**yes**: it has to be there · yes: it may · –: this kind of workload can't have it."
    yield "With `manifests` there is nothing else but `apiVersion` and `app`; with `chart` there are `values` too, and"
    yield "`environments` with values in them. See [third-party charts](../how-to/deploy-a-third-party-chart.md)."


def _has(key: str, workload: str) -> str:
    if key in KEYS_REFUSED[workload] or key in ("manifests", "chart", "values"):
        return "–"
    needed = (*_ALWAYS, "workload", *_EVERY_WORKLOAD, *KEYS_NEEDED[workload])
    return "**yes**" if key in needed else "yes"


def _part(part: Schema, places: list[str], root: Schema, parts: Mapping[str, list[str]]) -> Iterator[str]:
    yield f"### `{places[0]}`\n"
    yield f"{part['description']}\n"
    if len(places) > 1:
        yield f"The same keys: {', '.join(f'`{place}`' for place in places[1:])}.\n"
    yield "| key | type | default | meaning |"
    yield "|---|---|---|---|"
    for key, field in part["properties"].items():
        default = "**required**" if key in part.get("required", ()) else _default(field)
        yield f"| `{key}` | {_type(field, parts)} | {default} | {_meaning(field, root)} |"


def _type(field: Schema, parts: Mapping[str, list[str]]) -> str:
    return " or ".join(dict.fromkeys(_types(field, parts)))


def _types(field: Schema, parts: Mapping[str, list[str]]) -> Iterator[str]:
    if "$ref" in field:
        place = parts[field["$ref"].rsplit("/", 1)[-1]][0]
        yield f"[mapping](#{_anchor(place)})"
    elif "anyOf" in field:
        for option in field["anyOf"]:
            yield from _types(option, parts)
    elif "enum" in field or "const" in field:
        yield from (f"`{choice}`" for choice in field.get("enum", [field.get("const")]))
    elif field["type"] == "array":
        yield f"list of {_type(field['items'], parts).replace(' or ', ', ')}"
    elif field.get("additionalProperties") is True:
        yield "mapping"
    elif field["type"] == "object":
        inner = next(iter(field.get("patternProperties", {"": {"type": "string"}}).values()))
        yield f"by name: {_type(inner, parts)}"
    elif field["type"] == "integer":
        yield f"{field['minimum']} to {field['maximum']}"
    elif field["type"] != "null":
        yield {"string": "text", "boolean": "`true` or `false`"}[field["type"]]


def _anchor(place: str) -> str:
    """As GitHub makes it of a heading."""
    return "".join(letter for letter in place.lower() if letter.isalnum() or letter in "-_")


def _default(field: Schema) -> str:
    value = field.get("default")
    if value in (None, [], ""):
        return ""
    if isinstance(value, list):
        return f"`[{', '.join(value)}]`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _meaning(field: Schema, root: Schema) -> str:
    text = field.get("description") or next(
        root["$defs"][name]["description"].partition("\n\n")[0] for name, _ in _parts_of(field, "")
    )
    return " ".join(text.split()).replace("|", "\\|")
