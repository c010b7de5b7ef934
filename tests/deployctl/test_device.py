"""Signing in from a terminal, with a provider that answers what a test tells it to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deployctl.device import sign_in, way_in
from deployctl.exits import Exit
from deployctl.problems import CommandFailed

from .conftest import Door, Run

BEGUN = {"device_code": "d", "user_code": "AB-CD", "verification_uri": "https://login.example/d", "interval": 5}
SESSION = {"token": "dgs_x", "name": "ada", "roles": ["viewer for team shop"], "expires_at": "2026-11-25T12:00:00Z"}


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waited: list[float] = []
    monkeypatch.setattr("deployctl.device.time.sleep", waited.append)
    return waited


def way(door: Door) -> dict[str, str]:
    places = {"device_authorization_endpoint": f"{door.url}/device", "token_endpoint": f"{door.url}/token"}
    return {"client_id": "deployctl", "scope": "openid", **places}


def test_it_waits_as_it_is_told_and_hands_in_what_it_is_given(door: Door, pauses: list[float]) -> None:
    door.says("POST /device", {**BEGUN, "verification_uri_complete": "https://login.example/d?user_code=AB-CD"})
    for error in ("authorization_pending", "slow_down", "authorization_pending"):
        door.says("POST /token", {"error": error}, status=400)
    door.says("POST /token", {"id_token": "i", "access_token": "a", "token_type": "Bearer"})
    door.says("POST /api/v1/sign-in", SESSION, status=201)
    said: list[str] = []
    assert sign_in(door.url, way(door), said.append) == SESSION
    assert pauses == [5, 5, 10, 10]
    assert said[0] == "Open https://login.example/d?user_code=AB-CD"
    assert "AB-CD" in said[1]
    assert door.requests[-1][2] == b'{"id_token":"i","access_token":"a"}'
    assert "Authorization" not in door.requests[-1][1]


@pytest.mark.parametrize(
    ("begun", "given", "why"),
    [
        ((400, {"error": "unauthorized_client"}), None, "it begins no sign-in (unauthorized_client)"),
        ((200, {"device_code": "d"}), None, "it begins no sign-in (200)"),
        ((502, b"<html>"), None, "it begins no sign-in (502)"),
        ((200, BEGUN), (400, {"error": "access_denied"}), "nobody was signed in (access_denied)"),
        ((200, BEGUN), (500, b"[]"), "nobody was signed in (500)"),
        ((200, {**BEGUN, "expires_in": 0}), (400, {"error": "authorization_pending"}), "nobody signed in in time"),
    ],
)
def test_what_does_not_end_in_a_session_is_told(
    door: Door, pauses: list[float], begun: tuple[int, Any], given: tuple[int, Any] | None, why: str
) -> None:
    door.says("POST /device", begun[1], status=begun[0])
    if given is not None:
        door.says("POST /token", given[1], status=given[0])
    with pytest.raises(CommandFailed) as caught:
        sign_in(door.url, way(door), lambda _line: None)
    assert why in caught.value.reason
    assert caught.value.exit_code is Exit.NOT_ALLOWED


def test_a_gateway_without_a_provider_wants_a_token(door: Door) -> None:
    door.says("GET /api/v1/sign-in", {"title": "Not found"}, status=404)
    assert way_in(door.url) is None


@pytest.mark.parametrize(
    ("status", "body", "code", "said"),
    [
        (200, {"ended": True, "message": "the session has ended"}, 0, "the session has ended"),
        (401, {"title": "Sign in first"}, 0, "it had ended already"),
        (503, {"title": "Unavailable"}, 4, "Unavailable"),
    ],
)
def test_logging_out_forgets_what_counts_no_more(
    door: Door, run: Run, tmp_path: Path, status: int, body: dict[str, Any], code: int, said: str
) -> None:
    door.says("DELETE /api/v1/sign-in", body, status=status)
    kept = tmp_path / "deployctl" / "config.toml"
    kept.parent.mkdir()
    kept.write_text('token = "dgs_x"\n')
    done = run("logout", XDG_CONFIG_HOME=str(tmp_path))
    assert (done.returncode, said in done.stdout + done.stderr) == (code, True)
    assert ("dgs_x" in kept.read_text()) is (code != 0)


def test_a_gateway_that_is_not_well_is_told(door: Door) -> None:
    door.says("GET /api/v1/sign-in", {"title": "Unavailable"}, status=503)
    with pytest.raises(CommandFailed) as caught:
        way_in(door.url)
    assert caught.value.exit_code is Exit.NOT_REACHABLE
