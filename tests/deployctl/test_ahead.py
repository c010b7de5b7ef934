"""What people are told of waivers and of days to come, where there is little to tell or much."""

from __future__ import annotations

from typing import Any

from tests.deployctl.conftest import Door, Run


def _forecast(**more: Any) -> dict[str, Any]:
    return {"date": "2027-01-31", "days": [], "blocked": [], "clear": [], "unknown": [], **more}


def _clear(app: str) -> dict[str, Any]:
    return {"app": app, "environment": "staging", "age_days": 3, "coming": [], "undated": []}


def test_a_forecast_without_data_counts_nothing_and_says_that_it_does_not_know(door: Door, run: Run) -> None:
    nowhere = [{"app": f"a{number}", "environment": "staging"} for number in range(10)]
    door.says("GET /api/v1/policies/forecast", _forecast(unknown=nowhere))
    lines = run("policy", "forecast").stdout.splitlines()
    assert lines[0] == "Nothing runs that a check is on record of: what would be blocked is not known."
    assert lines[1].startswith("No data: a0 → staging, ")
    assert lines[1].endswith("a7 → staging and 2 more: -o json")
    assert len(lines) == 2


def test_a_forecast_that_blocks_nothing_says_no_app(door: Door, run: Run) -> None:
    door.says("GET /api/v1/policies/forecast", _forecast(clear=[_clear("checkout")]))
    assert run("policy", "forecast").stdout.splitlines()[0] == "No App would be blocked on 2027-01-31; 1 App would not."


def test_a_forecast_counts_no_apps_that_there_are_not(door: Door, run: Run) -> None:
    door.says("GET /api/v1/policies/forecast", _forecast(blocked=[_clear("checkout")]))
    assert "1 App would be blocked on 2027-01-31.\n" in run("policy", "forecast").stdout


def test_no_waiver_says_of_which_apps(door: Door, run: Run) -> None:
    door.says("GET /api/v1/waivers", {"items": [], "next_cursor": None})
    assert run("waiver", "list").stdout.startswith("There is no waiver for the Apps that you may see.")
    assert run("waiver", "list", "--app", "checkout").stdout.startswith("There is no waiver for checkout.")
