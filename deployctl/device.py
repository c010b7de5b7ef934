"""Signing in from a terminal: the OAuth 2.0 device flow (RFC 8628), at the identity provider that the gateway names."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from deployctl.client import Client
from deployctl.config import Config
from deployctl.exits import Exit
from deployctl.problems import CommandFailed

_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_TIMEOUT_SECONDS = 10.0
_LONGEST_WAIT_SECONDS = 1800.0
_SLOWER_BY_SECONDS = 5.0

Say = Callable[[str], None]


def way_in(url: str) -> dict[str, Any] | None:
    """Where the gateway at `url` has people sign in; None when they need a token. Raises `CommandFailed`."""
    try:
        return Client(Config(url, "")).get("/api/v1/sign-in")
    except CommandFailed as failure:
        if failure.status == 404:
            return None
        raise


def sign_in(url: str, way: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """The session of whoever signs in, as the gateway answers it; `say` tells them where. Raises `CommandFailed`."""
    with httpx.Client(timeout=_TIMEOUT_SECONDS, follow_redirects=False) as http:
        begun = _begun(http, way)
        say(f"Open {begun.get('verification_uri_complete') or begun['verification_uri']}")
        say(f"and see that it shows the code {begun['user_code']}. Waiting; Ctrl-C gives up.")
        given = _given(http, way, begun)
    sent = {key: str(given[key]) for key in ("id_token", "access_token") if given.get(key)}
    return Client(Config(url, "")).post("/api/v1/sign-in", sent)


def _begun(http: httpx.Client, way: Mapping[str, Any]) -> dict[str, Any]:
    asked = {"client_id": way["client_id"], "scope": way["scope"]}
    status, answer = _ask(http, way["device_authorization_endpoint"], asked)
    if status != 200 or not all(answer.get(key) for key in ("device_code", "user_code", "verification_uri")):
        raise _failed(f"it begins no sign-in ({answer.get('error', status)})")
    return answer


def _given(http: httpx.Client, way: Mapping[str, Any], begun: Mapping[str, Any]) -> dict[str, Any]:
    asked = {"grant_type": _GRANT, "device_code": begun["device_code"], "client_id": way["client_id"]}
    pause = float(begun.get("interval", 5))
    ends = time.monotonic() + min(float(begun.get("expires_in", 600)), _LONGEST_WAIT_SECONDS)
    while time.monotonic() < ends:
        time.sleep(pause)
        try:
            status, answer = _ask(http, way["token_endpoint"], asked)
        except httpx.TransportError:
            pause += _SLOWER_BY_SECONDS
            continue
        if status == 200:
            return answer
        error = answer.get("error")
        if error == "slow_down":
            pause += _SLOWER_BY_SECONDS
        elif error != "authorization_pending":
            raise _failed(f"nobody was signed in ({error or status})")
    raise _failed("nobody signed in in time")


def _ask(http: httpx.Client, address: str, sent: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    response = http.post(address, data=sent, headers={"Accept": "application/json"})
    try:
        answer = response.json()
    except ValueError:
        answer = {}
    return response.status_code, answer if isinstance(answer, dict) else {}


def _failed(why: str) -> CommandFailed:
    return CommandFailed(
        "Nobody is signed in",
        f"the identity provider answers: {why}",
        "Run `deployctl login` again, or `deployctl login --token` with a token",
        Exit.NOT_ALLOWED,
    )
