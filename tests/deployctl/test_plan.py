"""`deployctl plan`: what a ref would change."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.deployctl.answers import EVENTS, ID, ONE, STAGE, event_stream, final_event, release_view
from tests.deployctl.conftest import Door, Run

PLAN = ("plan", "--app", "checkout", "--env", "staging", "--ref", "main")
UPDATE = {
    "resource": "Deployment/checkout",
    "action": "update",
    "diff": "--- runs now\n+++ after this Release\n@@ -1 +1 @@\n-replicas: 2\n+replicas: 3",
}
SAME = {"resource": "Service/checkout", "action": "none", "diff": ""}


def _planned(door: Door, state: str = "planned", **more: Any) -> None:
    door.says("POST /api/v1/releases", release_view(), status=202)
    door.says(EVENTS, event_stream(STAGE, final_event(state)), kind="text/event-stream")
    door.says(ONE, release_view(state, **more))


def test_a_plan_asks_for_a_dry_run_by_the_chart_that_is_named(door: Door, run: Run) -> None:
    _planned(door)
    assert run(*PLAN, "--chart-version", "next").returncode == 0
    _, headers, body = door.requests[0]
    wanted = {"app": "checkout", "environment": "staging", "ref": "main", "dry_run": True, "chart_version": "next"}
    assert json.loads(body) == wanted
    assert headers["Idempotency-Key"]


def test_a_plan_without_a_chart_leaves_it_to_the_platform(door: Door, run: Run) -> None:
    _planned(door)
    run(*PLAN)
    assert "chart_version" not in json.loads(door.requests[0][2])


def test_a_plan_shows_what_changes_and_counts_what_does_not(door: Door, run: Run) -> None:
    _planned(door, changes=[UPDATE, SAME, SAME], chart="standard-app 0.2.0")
    lines = run(*PLAN).stdout.splitlines()
    begin = lines.index("update Deployment/checkout")
    assert lines[begin + 1 : begin + 6] == [f"  {line}" for line in UPDATE["diff"].splitlines()]
    assert "2 objects stay as they are" in lines
    assert f"  release {ID}, rendered by standard-app 0.2.0" in lines


def test_a_plan_that_changes_one_thing_less_says_so_in_the_singular(door: Door, run: Run) -> None:
    _planned(door, changes=[SAME])
    assert "1 object stays as it is" in run(*PLAN).stdout.splitlines()


@pytest.mark.parametrize(("state", "code", "exit_code"), [("blocked", None, 3), ("failed", "invalid-input", 2)])
def test_a_plan_that_would_not_do_has_its_exit_code(
    door: Door, run: Run, state: str, code: str | None, exit_code: int
) -> None:
    _planned(door, state, code=code)
    assert run(*PLAN).returncode == exit_code


def test_a_chart_that_there_is_not_is_wrong_usage(door: Door, run: Run) -> None:
    problem = {"title": "No", "detail": "there is no standard chart '9'", "where": "chart_version", "solution": "S"}
    door.says("POST /api/v1/releases", problem, status=400, kind="application/problem+json")
    done = run(*PLAN, "--chart-version", "9")
    assert done.returncode == 2
    assert "chart_version: there is no standard chart '9'" in done.stderr


def test_a_plan_for_scripts_is_a_document(door: Door, run: Run) -> None:
    _planned(door, changes=[UPDATE])
    assert json.loads(run(*PLAN, "-o", "json").stdout)["changes"] == [UPDATE]
