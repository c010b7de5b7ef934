"""`deployctl check --waivers`: what the platform lets through passes here too, and is seen; what it doesn't, blocks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from deployctl.exits import Exit
from deployctl.platform import Asked, platform_for
from pipelines.apps import AppName
from pipelines.findings import Mode
from tests.deployctl.conftest import Door
from tests.deployctl.offline import LATEST, folder, run

Check = Callable[..., "CompletedProcess[str]"]
UNTIL = (datetime.now(UTC).date() + timedelta(days=30)).isoformat()
WAIVER = {
    "id": "w1",
    "rule": "image-pinned",
    "app": "checkout",
    "environment": None,
    "resource": "Deployment/checkout",
    "owner": "Ada",
    "reason": "no tags",
    "until": UNTIL,
    "in_force": True,
    "days_left": 30,
    "created_at": "2026-11-01T00:00:00Z",
    "created_by": "platform",
    "ended_at": None,
    "ended_by": None,
}


@pytest.fixture
def check(door: Door, tmp_path: Path) -> Check:
    """`check --waivers` of an App whose image is `latest`, as somebody whose gateway is `door`."""
    folder(tmp_path / "a", LATEST)

    def check(*more: str, **environment: str) -> CompletedProcess[str]:
        signed_in = {"DEPLOYCTL_URL": door.url, "DEPLOYCTL_TOKEN": "dg_x", **environment}
        return run("check", "a", "--waivers", *more, at=tmp_path, environment=signed_in)

    return check


def _says(door: Door, **other: Any) -> None:
    door.says("GET /api/v1/waivers", {"items": [{**WAIVER, **other}], "next_cursor": None})


def test_what_is_waived_passes_and_is_shown_with_its_line_and_who_answers_for_it(door: Door, check: Check) -> None:
    _says(door)
    done = check()
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    assert "~ a/deploy.yaml:4  image-pinned  Deployment/checkout: " in done.stdout
    assert f"; waived by Ada, until {UNTIL}: no tags (waiver w1)" in done.stdout
    assert "nothing blocks, 1 waived" in done.stdout
    assert "waivers" not in done.stdout.splitlines()[-1]


def test_scripts_see_it_as_waived(door: Door, check: Check) -> None:
    _says(door)
    (app,) = json.loads(check("-o", "json").stdout)["apps"]
    (found,) = (one for one in app["findings"] if one["rule"] == "image-pinned")
    assert (app["state"], found["blocks"], found["waiver"][:3]) == ("passed", False, "Ada")


@pytest.mark.parametrize(
    "other",
    [
        {"app": "storefront"},
        {"rule": "seccomp"},
        {"environment": "production"},
        {"resource": "Job/once"},
        {"until": "2026-01-01"},
    ],
)
def test_a_waiver_for_something_else_lets_nothing_through(door: Door, check: Check, other: dict[str, str]) -> None:
    _says(door, **other)
    done = check("--env", "staging")
    assert done.returncode == Exit.BLOCKED
    assert "a/deploy.yaml:4  image-pinned" in done.stdout


def test_it_holds_in_the_environment_that_it_is_for(door: Door, check: Check) -> None:
    _says(door, environment="production")
    assert check("--env", "production").returncode == Exit.DONE


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"status": 401, "title": "Not signed in", "detail": "the token is unknown"}, "the token is unknown"),
        ({"items": [{"id": "w1"}], "next_cursor": None}, "in another form"),
    ],
)
def test_where_the_gateway_tells_none_it_is_said_and_the_finding_blocks(
    door: Door, check: Check, answer: dict[str, Any], told: str
) -> None:
    door.says("GET /api/v1/waivers", answer, status=answer.get("status", 200))
    done = check()
    assert done.returncode == Exit.BLOCKED
    assert "! No waivers: what the platform has waived blocks here" in done.stderr
    assert told in done.stderr
    assert "waivers (--waivers)" in done.stdout


def test_where_the_gateway_is_away_or_unknown_the_finding_blocks(door: Door, check: Check) -> None:
    away = check(DEPLOYCTL_URL="http://127.0.0.1:1")
    assert (away.returncode, "does not answer" in away.stderr) == (Exit.BLOCKED, True)
    unknown = check(DEPLOYCTL_URL="")
    assert (unknown.returncode, "deployctl login" in unknown.stderr) == (Exit.BLOCKED, True)
    assert door.requests == []


def test_what_has_no_app_has_no_waivers(tmp_path: Path) -> None:
    done = run("check", "--manifests", "k8s", "--waivers", at=tmp_path)
    assert (done.returncode, "waivers are those of an App" in done.stderr) == (Exit.WRONG_USAGE, True)


def test_a_rule_whose_day_has_come_blocks_on_this_machine_too() -> None:
    platform = platform_for(Asked())
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    dated = replace(
        platform.environment, rule_modes={"seccomp": Mode.WARN}, rule_dates={"seccomp": yesterday}, mode=Mode.ENFORCE
    )
    place = replace(platform, environment=dated).place(platform.app(AppName("checkout"), ""))
    assert place.environment.mode_of("seccomp") is Mode.ENFORCE
