"""Each command that prints a document prints the same one as JSON and as YAML."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner

from deployctl.cli import cli
from tests.deployctl.answers import EVENTS, ID, ONE, RELEASE, event_stream, final_event, release_view
from tests.deployctl.conftest import Door

_PAGE = {"items": [{"name": "local", "id": ID}], "next_cursor": None}
_WATCHED = {EVENTS: event_stream(final_event("deployed")), ONE: release_view("deployed")}
_PLACE = ("--app", "checkout", "--env", "staging")

# Each command with `-o json` and `-o yaml`: how it is called, and what a gateway answers.
COMMANDS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "cancel": ((ID,), {f"POST /api/v1/releases/{ID}/cancel": release_view("cancelled")}),
    "cluster bench": (("--cluster", "local"), {"GET /api/v1/clusters/local/benchmarks": {"node_classes": []}}),
    "history": (_PLACE, {"GET /api/v1/releases": _PAGE}),
    "logs": ((ID,), {ONE: release_view("deployed")}),
    "plan": ((*_PLACE, "--ref", "main"), {"POST /api/v1/releases": release_view(), **_WATCHED}),
    "policy explain": (("image-pinned",), {}),
    "policy forecast": ((), {"GET /api/v1/policies/forecast": {"blocked": []}}),
    "policy list": ((), {}),
    "release": (RELEASE[1:], {"POST /api/v1/releases": release_view(), **_WATCHED}),
    "rollback": (
        (*_PLACE, "--reason", "slow", "--yes"),
        {
            "GET /api/v1/apps/checkout/environments/staging": {"name": "staging", "running": None, "rollback_to": None},
            "POST /api/v1/apps/checkout/environments/staging/rollback": release_view(),
            **_WATCHED,
        },
    ),
    "status": ((), {"GET /api/v1/apps": _PAGE}),
    "waiver add": (
        (
            "--rule",
            "image-pinned",
            "--app",
            "a",
            "--resource",
            "Pod/a",
            "--owner",
            "Ada",
            "--reason",
            "x",
            "--until",
            "2099-01-01",
        ),
        {"POST /api/v1/waivers": {"id": ID}},
    ),
    "waiver end": ((ID,), {f"DELETE /api/v1/waivers/{ID}": {"id": ID}}),
    "waiver list": ((), {"GET /api/v1/waivers": _PAGE}),
}


def _commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Those of `command`, by name, that print a document in place of text."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _commands(inner, (*path, name))
    elif any(
        isinstance(one.type, click.Choice) and {"text", "yaml"} <= set(one.type.choices) for one in command.params
    ):
        yield " ".join(path)


def test_every_command_with_a_document_is_here() -> None:
    assert sorted(_commands(cli)) == sorted(COMMANDS)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_a_document_says_the_same_as_json_and_as_yaml(
    door: Door, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments, answers = COMMANDS[command]
    for call, answer in answers.items():
        is_stream = isinstance(answer, bytes)
        door.says(call, answer, kind="text/event-stream" if is_stream else "application/json")
    monkeypatch.setenv("DEPLOYCTL_URL", door.url)
    monkeypatch.setenv("DEPLOYCTL_TOKEN", "dg_x")
    told = {form: CliRunner().invoke(cli, [*command.split(), *arguments, "-o", form]) for form in ("json", "yaml")}
    for done in told.values():
        assert done.exit_code == 0, (done.output, done.exception)
    assert json.loads(told["json"].stdout) == yaml.safe_load(told["yaml"].stdout)
