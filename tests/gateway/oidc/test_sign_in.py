"""People sign in at a real OpenID provider: in a browser, and from a terminal."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from configuration.file import load
from configuration.settings import Settings
from gateway.app import create_app
from store import Store
from store.queue import RedisQueue
from tests.gateway.conftest import bearer, serving
from tests.gateway.oidc.conftest import SECRET, SIGN_IN

DEPLOYCTL = str(Path(sys.executable).with_name("deployctl"))


def at_provider(address: str, who: str) -> str:
    """What a browser does at the provider: signs in as `who`. The path that it is sent back to."""
    with httpx.Client(follow_redirects=False, timeout=30) as browser:
        form = browser.get(httpx.URL(address).join(browser.get(address).headers["Location"]))
        (asked,) = re.findall(r'name="id" value="([^"]+)"', form.text)
        sent = {"username": who, "password": who, "id": asked}
        signed = browser.post(httpx.URL(address).join("/login/username"), data=sent)
        back = browser.get(httpx.URL(address).join(signed.headers["Location"])).headers["Location"]
    return back.removeprefix("http://127.0.0.1:8080")


@pytest.fixture
def config(config: Path, openid_provider: str) -> Path:
    (config.parent / "oidc-secret").write_text(SECRET)
    config.write_text(config.read_text().replace("tokens:\n", SIGN_IN.format(issuer=openid_provider) + "tokens:\n"))
    return config


@pytest.fixture
def settings(config: Path) -> Settings:
    return load(config)


@pytest.fixture
def sign_in(client: FlaskClient) -> Callable[..., TestResponse]:
    def sign_in(who: str, wanted: str = "") -> TestResponse:
        address = client.get(f"/sign-in/provider?next={wanted}").headers["Location"]
        return client.get(at_provider(address, who))

    return sign_in


def test_the_page_offers_the_provider_and_leads_on(client: FlaskClient) -> None:
    page = client.get("/sign-in?next=/waivers").text
    assert 'href="/sign-in/provider?next=/waivers"' in page
    assert "Sign in with the test&#39;s provider" in page


def test_whoever_is_sent_away_is_sent_with_a_challenge_and_a_cookie_for_the_way_back(
    client: FlaskClient, openid_provider: str
) -> None:
    answer = client.get("/sign-in/provider")
    asked = {key: value[0] for key, value in parse_qs(urlsplit(answer.headers["Location"]).query).items()}
    assert answer.headers["Location"].startswith(openid_provider)
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert asked["scope"] == "openid profile email"
    assert min(len(asked[key]) for key in ("state", "nonce", "code_challenge")) == 43
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert not any(asked[key] in cookie for key in ("state", "nonce"))


def test_whoever_signs_in_is_who_the_provider_says_with_the_roles_of_their_groups(
    client: FlaskClient, sign_in: Callable[..., TestResponse]
) -> None:
    answer = sign_in("grace", "/waivers")
    assert answer.status_code == 200, answer.text
    assert 'content="0; url=/waivers"' in answer.text
    session = next(one for one in answer.headers.getlist("Set-Cookie") if one.startswith("deploy-gateway="))
    assert "HttpOnly" in session
    assert "SameSite=Strict" in session
    page = client.get("/waivers")
    assert page.status_code == 200
    assert "grace@example.com <small>developer, approver</small>" in page.text
    assert client.post("/sign-out").status_code == 303
    assert client.get("/waivers").status_code == 303


def test_whoever_has_no_role_is_told_why_and_gets_no_session(sign_in: Callable[..., TestResponse]) -> None:
    answer = sign_in("mallory")
    assert answer.status_code == 403
    assert "mallory@example.com has no role" in answer.text
    assert "groups=elsewhere" in answer.text
    assert "(#platform)" in answer.text
    assert not any(one.startswith("deploy-gateway=") for one in answer.headers.getlist("Set-Cookie"))


def test_an_answer_is_taken_once_and_only_in_the_browser_that_asked(client: FlaskClient, app: Flask) -> None:
    back = at_provider(client.get("/sign-in/provider").headers["Location"], "ada")
    stranger = app.test_client().get(back)
    assert (stranger.status_code, "was not begun in this browser" in stranger.text) == (401, True)
    assert client.get(back).status_code == 200
    again = client.get(back)
    assert (again.status_code, "was not begun in this browser" in again.text) == (401, True)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("code=x&state=wrong", "was not begun in this browser"),
        ("code=x", "was not begun in this browser"),
        ("code=made-up&state={state}", "it is not given for this sign-in (invalid_grant)"),
        ("error=access_denied&state={state}", "signed nobody in (access_denied)"),
        ("code=x&state={state}&iss=https://evil.example", "another identity provider answered"),
    ],
)
def test_an_answer_that_is_not_right_signs_nobody_in(client: FlaskClient, query: str, told: str) -> None:
    asked = parse_qs(urlsplit(client.get("/sign-in/provider").headers["Location"]).query)
    answer = client.get("/sign-in/callback?" + query.format(state=asked["state"][0]))
    assert (answer.status_code, told in answer.text) == (401, True), answer.text


def test_what_somebody_may_follows_the_file_as_it_is(
    client: FlaskClient, sign_in: Callable[..., TestResponse], config: Path, store: Store
) -> None:
    sign_in("ada")
    cookie = client.get_cookie("deploy-gateway")
    assert cookie is not None
    text = config.read_text()
    for changed, status in ((text.replace("shop-developers", "others"), 403), (_without_sign_in(text), 303)):
        config.write_text(changed)
        settings = load(config)
        later = create_app(settings, store, RedisQueue(settings.redis_url)).test_client()
        later.set_cookie("deploy-gateway", cookie.value)
        assert later.get("/waivers").status_code == status


def test_where_nobody_signs_in_any_more_a_session_of_a_terminal_is_none(config: Path, store: Store) -> None:
    config.write_text(_without_sign_in(config.read_text()))
    settings = load(config)
    client = create_app(settings, store, RedisQueue(settings.redis_url)).test_client()
    terminal = store.page_sessions.open(claims={"email": "ada@example.com"}, prefix="dgs_")
    assert client.get("/api/v1/apps", headers={"Authorization": f"Bearer {terminal}"}).status_code == 401
    answer = client.get("/sign-in/provider")
    assert (answer.status_code, "knows no identity provider" in answer.text) == (404, True)
    assert "Set-Cookie" not in answer.headers


def _without_sign_in(text: str) -> str:
    return re.sub(r"sign_in:\n(  .*\n)+", "", text)


def test_a_terminal_signs_in_by_any_browser_and_acts_as_who_did(config: Path, tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    with serving(config, tmp_path / "gateway.log") as server:
        command = [DEPLOYCTL, "login", "--device", "--url", server.url]
        with subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        ) as login:
            assert login.stderr is not None
            address = login.stderr.readline().removeprefix("Open ").strip()
            code = login.stderr.readline()
            _allow(address, "ada")
            said, failed = login.communicate(timeout=120)
        assert login.returncode == 0, failed
        assert parse_qs(urlsplit(address).query)["user_code"][0] in code
        assert "You are ada@example.com: developer for team shop in staging" in said
        status = subprocess.run(
            [DEPLOYCTL, "status"], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert (status.returncode, "checkout" in status.stdout) == (0, True), status.stderr
        kept = (tmp_path / ".config" / "deployctl" / "config.toml").read_text()
        (session,) = re.findall(r'"(dgs_[A-Za-z0-9_-]{43})"', kept)
        asked = {"app": "checkout", "environment": "production", "ref": "main"}
        headers = {"Authorization": f"Bearer {session}"}
        refused = httpx.post(f"{server.url}/api/v1/releases", json=asked, headers=headers)
        assert refused.status_code == 403
        assert "ada@example.com may not release checkout in production" in refused.json()["detail"]
        accepted = httpx.post(
            f"{server.url}/api/v1/releases", json={**asked, "environment": "staging"}, headers=headers
        )
        assert accepted.json()["requested_by"] == "ada@example.com"
        out = subprocess.run(
            [DEPLOYCTL, "logout"], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert (out.returncode, "the session has ended" in out.stdout) == (0, True), out.stderr
        assert httpx.get(f"{server.url}/api/v1/apps", headers=headers).status_code == 401
        assert session not in (tmp_path / ".config" / "deployctl" / "config.toml").read_text()


def _allow(address: str, who: str) -> None:
    """Signs in at `address` as `who`, and lets the device in."""
    with httpx.Client(timeout=30) as browser:
        (code,) = parse_qs(urlsplit(address).query)["user_code"]
        sent = {"user_code": code, "username": who, "password": who}
        page = browser.post(httpx.URL(address).join("/device/login"), data=sent)
        assert "confirm?action=allowed" in page.text
        done = browser.get(httpx.URL(address).join("/device/confirm?action=allowed"))
        assert "allowed" in done.text


def test_a_session_of_a_terminal_is_none_of_a_browser_nor_the_other_way(
    client: FlaskClient, store: Store, sign_in: Callable[..., TestResponse], openid_provider: str
) -> None:
    claims = {"iss": openid_provider, "sub": "ada", "email": "ada@example.com", "groups": ["shop-developers"]}
    terminal = store.page_sessions.open(claims=claims, prefix="dgs_")
    assert client.get("/api/v1/apps", headers={"Authorization": f"Bearer {terminal}"}).status_code == 200
    client.set_cookie("deploy-gateway", terminal)
    assert client.get("/waivers").status_code == 303
    sign_in("ada")
    cookie = client.get_cookie("deploy-gateway")
    assert cookie is not None
    assert client.get("/api/v1/apps", headers={"Authorization": f"Bearer {cookie.value}"}).status_code == 401
    assert client.get("/api/v1/apps", headers={"Authorization": "Bearer dgs_made-up"}).status_code == 401


def test_signing_out_leaves_a_token_of_another_kind_as_it_is(client: FlaskClient) -> None:
    for _ in range(2):
        answer = client.delete("/api/v1/sign-in", headers=bearer("shop-viewer"))
        assert (answer.status_code, answer.get_json()["ended"]) == (200, False)


def test_a_terminal_is_told_where_to_sign_in(client: FlaskClient, openid_provider: str) -> None:
    way = client.get("/api/v1/sign-in").get_json()
    assert (way["issuer"], way["client_id"]) == (openid_provider, "deployctl")
    assert way["device_authorization_endpoint"].startswith(openid_provider)
    answer = client.post("/api/v1/sign-in", json={"id_token": "eyJhIjoxfQ.e30.x"})
    assert (answer.status_code, answer.get_json()["code"]) == (401, "identity-token-refused")


def test_without_a_client_for_devices_a_terminal_is_told_so(config: Path, store: Store) -> None:
    config.write_text(config.read_text().replace("  device_client_id: deployctl\n", ""))
    settings = load(config)
    client = create_app(settings, store, RedisQueue(settings.redis_url)).test_client()
    for answer in (client.get("/api/v1/sign-in"), client.post("/api/v1/sign-in", json={"id_token": "x"})):
        assert (answer.status_code, "takes nobody in from a terminal" in answer.text) == (404, True)
