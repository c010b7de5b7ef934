"""Writes docs/reference/ from the code: `python -m docs.generate`, or `--check` to only compare."""

from __future__ import annotations

import inspect
import json
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from configuration.file import json_schema
from configuration.identity import Role
from deployctl.exits import exit_of
from docs.deploy_yaml import page as deploy_yaml_page
from gateway.authorization import Permission, holders_of
from pipelines import deployfile
from pipelines.catalogue import Entry, Holds, catalogue
from pipelines.errors import GatewayError
from pipelines.findings import Mode
from pipelines.states import ENDINGS

FOLDER = Path(__file__).resolve().parent / "reference"
_PACKAGES = ("pipelines", "configuration", "store", "gateway", "workers", "deployctl", "tools.stack")
_NOTE = "<!-- Written by `make docs` from the code: change it there. -->\n\n"


def errors() -> str:
    """The table of every error that a user can meet, and of how else a Release ends."""
    for package in _PACKAGES:
        _import_all(package)
    lines = [
        "# Errors\n",
        _NOTE.strip() + "\n",
        "Every error has a stable code, a reason and a solution. The API answers with the HTTP status and an",
        "`application/problem+json` body that carries the code; a Release that ends by it shows the code too.",
        "`deployctl` leaves with the exit code, and with 4 when the gateway's own answer has a status of 500 or",
        "above: then it is the gateway that is not well. What has no HTTP status is no error: a Release ends so.\n",
        "| code | meaning | HTTP status | exit code | worth a retry |",
        "|---|---|---|---|---|",
    ]
    rows = [(error.code, _row_of(error)) for error in set(_subclasses(GatewayError))]
    rows += [
        (code.value, f"| `{code}` | {_cell(meaning)} | – | {exit_of(state, code).value} | no |")
        for code, (state, meaning) in ENDINGS.items()
    ]
    return "\n".join([*lines, *(row for _, row in sorted(rows))]) + "\n"


def _row_of(error: type[GatewayError]) -> str:
    summary = " ".join((inspect.getdoc(error) or "").split("\n\n")[0].split())
    retry = "yes" if error.retryable else "no"
    return f"| `{error.code}` | {_cell(summary)} | {error.http_status} | {error.exit_code} | {retry} |"


def _import_all(package: str) -> None:
    root = import_module(package)
    for module in pkgutil.walk_packages(root.__path__, f"{package}."):
        if not module.name.endswith("__main__") and ".migrations" not in module.name:
            import_module(module.name)


def _subclasses(base: type[GatewayError]) -> Iterator[type[GatewayError]]:
    for error in base.__subclasses__():
        yield error
        yield from _subclasses(error)


def roles() -> str:
    """The table of what each role may do."""
    lines = [
        "# Roles\n",
        _NOTE.strip() + "\n",
        "A role is for one team's Apps; `platform-admin` is for all, and `measurer` for none. `environments` and",
        "`apps` beside it, in `gateway.yaml`, bound it further. Whoever lacks a permission gets 403, with the",
        "permission's name, the roles that have it, and whom to ask; what belongs to another team does not exist for",
        "them (404).\n",
        f"| permission | {' | '.join(Role)} |",
        f"|---|{'---|' * len(Role)}",
    ]
    for permission in Permission:
        having = holders_of(permission)
        lines.append(f"| `{permission}` | {' | '.join('yes' if role in having else '' for role in Role)} |")
    return "\n".join(lines) + "\n"


def configuration() -> str:
    """Every key of gateway.yaml, from its schema."""
    schema = json_schema()
    lines = [
        "# gateway.yaml\n",
        _NOTE.strip() + "\n",
        "A closed schema: an unknown key is an error that names its line. Relative paths are relative to the",
        "file. In place of the addresses in `store` and `queue`, `env:NAME` or `file:PATH` say where to read",
        "them, so that no password stands in the file. YAML 1.2; no anchors, no tags.\n",
        "| key | type | default | meaning |",
        "|---|---|---|---|",
        *_keys(schema, schema, ""),
    ]
    return "\n".join(lines) + "\n"


def _keys(part: Mapping[str, Any], root: Mapping[str, Any], prefix: str) -> Iterator[str]:
    required = part.get("required", [])
    for key, written in part.get("properties", {}).items():
        field = _follow(written, root)
        default = "**required**" if key in required else _default(field)
        kind, inner, suffix = _kind(field, root)
        yield f"| `{prefix}{key}` | {kind} | {default} | {_cell(field.get('description', ''))} |"
        if inner is not None:
            yield from _keys(inner, root, f"{prefix}{key}{suffix}.")


def _kind(field: Mapping[str, Any], root: Mapping[str, Any]) -> tuple[str, Mapping[str, Any] | None, str]:
    """How a field is written, the schema of what is inside, and how the path goes on there."""
    if "properties" in field:
        return "mapping", field, ""
    patterns = field.get("patternProperties")
    if patterns:
        inner = _follow(next(iter(patterns.values())), root)
        return "mapping by name", inner if "properties" in inner else None, ".NAME"
    if field.get("type") == "array":
        inner = _follow(field["items"], root)
        return "list", inner if "properties" in inner else None, "[]"
    choices = field.get("enum") or ([field["const"]] if "const" in field else [])
    if choices:
        return " or ".join(f"`{choice}`" for choice in choices), None, ""
    names = {"integer": "whole number", "string": "text", "boolean": "true or false", "object": "mapping"}
    return names.get(field.get("type", "string"), "number"), None, ""


def _default(field: Mapping[str, Any]) -> str:
    value = field.get("default")
    if value is None or isinstance(value, dict | list):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _follow(field: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    options = [option for option in field.get("anyOf", []) if option.get("type") != "null"]
    if len(options) == 1:  # a key that may be left out
        return {**_follow(options[0], root), **{key: value for key, value in field.items() if key != "anyOf"}}
    mappings = [option for option in options if "properties" in option]
    if len(mappings) == 1:  # one with a short form
        return {**mappings[0], **field}
    if "$ref" not in field:
        return field
    return {**_follow(root["$defs"][field["$ref"].rsplit("/", 1)[-1]], root), **field}


def api() -> str:
    """Every address of the API, from the OpenAPI document that the gateway serves."""
    from gateway.app import describe

    document = describe()
    lines = [
        "# API\n",
        _NOTE.strip() + "\n",
        "The gateway serves the full description, OpenAPI 3.1, at `/openapi.json`. Send",
        "`Authorization: Bearer dgw_…`; bodies are JSON objects without unknown keys. Errors are",
        "`application/problem+json`, see [errors](errors.md).\n",
    ]
    for path, item in sorted(document["paths"].items()):
        for method, operation in item.items():
            lines += _operation(path, method, operation, document)
    return "\n".join(lines) + "\n"


def _operation(path: str, method: str, operation: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[str]:
    yield f"## `{method.upper()} {path}`\n"
    yield f"{operation['summary']}. {operation.get('description', '')}\n"
    fields = [(parameter["name"], parameter["in"], parameter) for parameter in operation.get("parameters", [])]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if body and "$ref" in body:
        schema = document["components"]["schemas"][body["$ref"].rsplit("/", 1)[-1]]
        fields += [
            (name, "body", {**field, "required": name in schema.get("required", [])})
            for name, field in schema["properties"].items()
        ]
    if fields:
        yield "| field | in | required | meaning |"
        yield "|---|---|---|---|"
        for name, place, field in fields:
            required = "yes" if field.get("required") else "no"
            yield f"| `{name}` | {place} | {required} | {_cell(field.get('description', ''))} |"
        yield ""
    yield "| answer | |"
    yield "|---|---|"
    for status, answer in sorted(operation["responses"].items()):
        yield f"| {status} | {_cell(_answer(answer))} |"
    yield ""


def _answer(answer: Mapping[str, Any]) -> str:
    schema = next(iter(answer.get("content", {}).values()), {}).get("schema", {})
    name = schema.get("$ref", "").rsplit("/", 1)[-1]
    return answer["description"] if name in ("", "Problem") else f"{answer['description']}: `{name}`"


def deploy_yaml() -> str:
    """Every key of deploy.yaml from its model, and what it becomes."""
    return deploy_yaml_page(_NOTE.strip())


def deploy_yaml_schema() -> str:
    """The JSON Schema of deploy.yaml, as the gateway serves it."""
    return json.dumps(deployfile.json_schema(), indent=2, ensure_ascii=False) + "\n"


_HELD = {
    Holds.EVERYWHERE: "Each is a ValidatingAdmissionPolicy in `pipelines/policies/`: evaluated before a rollout, and\n"
    "installed in the cluster, where it holds for whatever did not come through the gateway too.",
    Holds.GATEWAY: "They need several objects at once, or more than an API server sees: evaluated before a rollout.",
    Holds.KUBE_SCORE: "What kube-score looks at. Where a check of it means the same as a rule of ours, ours speaks.",
    Holds.SCHEMA: "What the schemas of the very cluster say, its CRDs included.",
}


def rules() -> str:
    """The catalogue of everything that can find something."""
    lines = [
        "# Rules\n",
        _NOTE.strip() + "\n",
        "Everything that can find something, by where it holds. `deployctl policy explain RULE` shows the same, and",
        "so does `GET /api/v1/policies`. What blocks here may warn in an Environment, and the other way round:",
        "`environments.*.rules` in [gateway.yaml](configuration.md).\n",
    ]
    for holds, entries in groupby(catalogue(), key=lambda entry: entry.holds):
        lines += [f"## {holds.value.capitalize()}\n", f"{_HELD[holds]}\n"]
        for entry in entries:
            lines += _rule(entry)
    return "\n".join(lines)


def _rule(entry: Entry) -> Iterator[str]:
    effect = "blocks" if entry.mode is Mode.ENFORCE else "warns"
    yield f"### {entry.id}\n"
    yield f"**{entry.title}.** Severity {entry.severity.value}, {effect}, since {entry.since}.\n"
    yield f"{entry.why} [More]({entry.link})\n"
    yield f"```yaml\n{entry.how.strip()}\n```\n"
    if entry.same_as:
        names = " and ".join(f"[{rule}](#{rule})" for rule in entry.same_as)
        yield f"Means the same as {names}: decided there, and told once.\n"


def command_line() -> str:
    """Every command of deployctl, as its own help has it."""
    from deployctl.cli import cli

    lines = ["# deployctl\n", _NOTE.strip() + "\n", *_help(cli, "deployctl", None)]
    return "\n".join(lines)


def _help(command: click.Command, name: str, parent: click.Context | None) -> Iterator[str]:
    settings = command.context_settings  # as when it is run: click makes the option --help once for all
    context = click.Context(
        command, info_name=name, parent=parent, max_content_width=100, terminal_width=100, **settings
    )
    yield f"## {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            inner = command.get_command(context, each)
            if inner is not None:
                yield from _help(inner, each, context)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


PAGES: dict[str, Callable[[], str]] = {
    "errors.md": errors,
    "roles.md": roles,
    "configuration.md": configuration,
    "api.md": api,
    "deploy-yaml.md": deploy_yaml,
    "deploy.yaml.schema.json": deploy_yaml_schema,
    "rules.md": rules,
    "deployctl.md": command_line,
}


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 where a page differs from the code.")
def main(check: bool) -> None:
    """Writes each page of docs/reference/."""
    stale = []
    for name, page in PAGES.items():
        path, text = FOLDER / name, page()
        if path.exists() and path.read_text("utf-8") == text:
            continue
        stale.append(name)
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
    if check and stale:
        click.echo(f"out of date: {', '.join(stale)}; run `make docs`", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
