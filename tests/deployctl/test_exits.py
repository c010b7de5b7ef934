"""Exit codes are what the table of errors says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gateway.app  # noqa: F401 (all that the gateway answers with)
from deployctl.exits import Exit, exit_of
from deployctl.problems import from_problem
from pipelines.errors import GatewayError

TABLE = (Path(__file__).parents[2] / "docs" / "reference" / "errors.md").read_text("utf-8")
ROWS = {
    code: (int(status), int(exit_code))
    for code, status, exit_code in re.findall(r"^\| `(.+?)` \|.*\| (\d+) \| (\d) \| \w+ \|$", TABLE, re.MULTILINE)
}


def _codes(*packages: str) -> list[str]:
    found, kinds = set(), [GatewayError]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if kind is not GatewayError and kind.__module__.startswith(packages):
            found.add(kind.code)
    return sorted(found)


@pytest.mark.parametrize("code", _codes("gateway", "pipelines.errors", "store"))
def test_an_answer_of_the_gateway_has_the_exit_code_of_the_table(code: str) -> None:
    status, exit_code = ROWS[code]
    expected = Exit.NOT_REACHABLE if status == 429 or status >= 500 else Exit(exit_code)
    assert from_problem(status, {"code": code}).exit_code == expected


ANSWERS_ONLY = {"delivery-reused"}  # no Release ends with it


@pytest.mark.parametrize("code", sorted({*_codes("pipelines", "store")} - ANSWERS_ONLY))
def test_a_release_that_failed_has_the_exit_code_of_the_table(code: str) -> None:
    assert exit_of("failed", code) == ROWS[code][1]


@pytest.mark.parametrize("code", [None, "workers-died", "of-a-newer-gateway"])
def test_a_failure_of_a_kind_that_is_not_known_here_is_a_failure(code: str | None) -> None:
    assert exit_of("failed", code) is Exit.FAILED
