"""The pages as a browser gets them: who sees what, and what is never in them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from configuration.file import load
from gateway.app import create_app
from gateway.pages.trend import trend
from gateway.postures import MeasurementView
from pipelines.apps import ClusterName
from store import NewMeasurement, NewWaiver, Store
from store.page_sessions import PageSessions
from store.queue import RedisQueue
from tests.benchmarks import benchmark

from .conftest import TOKENS, bearer, secrets_in

SignIn = Callable[..., TestResponse]
# Every page, and what it answers to somebody who is signed in.
PAGES = {
    "/": 303,
    "/policies": 200,
    "/policies/<path:rule_id>": 200,
    "/policies/forecast": 200,
    "/waivers": 200,
    "/clusters": 200,
    "/clusters/<name>": 200,
}
OPEN = {("GET", "/sign-in"), ("POST", "/sign-in"), ("GET", "/static/<path:filename>")}
OPEN |= {("GET", "/sign-in/provider"), ("GET", "/sign-in/callback")}
POSTS = {("POST", "/sign-out")}


def address(rule: str) -> str:
    return rule.replace("<path:rule_id>", "image-pinned").replace("<name>", "local")


@pytest.fixture
def sign_in(client: FlaskClient) -> SignIn:
    def sign_in(holder: str = "shop-viewer", **form: str) -> TestResponse:
        return client.post("/sign-in", data={"token": TOKENS[holder], **form})

    return sign_in


@pytest.fixture
def measured(store: Store) -> None:
    now = datetime.now(UTC)
    for days, error in ((3, ""), (2, "report: it is <empty>"), (1, "")):
        store.benchmarks.record(
            NewMeasurement(
                cluster=ClusterName("local"),
                node_class="worker",
                node="worker-1",
                source="pushed",
                received_by="<b>ci</b>",
                measured_at=now - timedelta(days=days),
                benchmark=None if error else benchmark("worker"),
                error=error,
            )
        )


def test_every_page_is_tried_here(app: Flask) -> None:
    served = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
        if method != "HEAD" and rule.endpoint.startswith("pages.")
    }
    assert served == {("GET", rule) for rule in PAGES} | OPEN | POSTS


@pytest.mark.parametrize("headers", [{}, bearer("admin"), {"Cookie": "deploy-gateway=nonsense"}], ids=str)
def test_nobody_sees_a_page_before_signing_in(client: FlaskClient, headers: dict[str, str]) -> None:
    for rule in PAGES:
        answer = client.get(address(rule), headers=headers)
        assert answer.status_code == 303, rule
        assert answer.headers["Location"].startswith("/sign-in")


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize(
    "holder", ["shop-viewer", "shop-developer", "shop-approver", "shop-on-call", "admin", "measurer"]
)
def test_whoever_is_signed_in_sees_every_page(client: FlaskClient, sign_in: SignIn, holder: str) -> None:
    sign_in(holder)
    for rule, status in PAGES.items():
        answer = client.get(address(rule))
        assert answer.status_code == status, rule
        assert secrets_in(answer.text) == []
        assert TOKENS[holder] not in str(answer.headers)


@pytest.mark.parametrize("path", [*map(address, PAGES), "/sign-in", "/policies/nope"])
def test_a_page_runs_nothing_and_is_framed_by_nobody(client: FlaskClient, sign_in: SignIn, path: str) -> None:
    sign_in()
    answer = client.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert answer.headers.getlist("Content-Security-Policy") == [policy]
    assert policy.startswith("default-src 'none'; style-src 'self';")
    assert "frame-ancestors 'none'" in policy
    assert not re.search(r"<script|\son\w+=|\sstyle=|javascript:", answer.text)
    assert answer.headers["Cache-Control"] == "no-store"


class _Outline(HTMLParser):
    """What somebody who does not see the page is told of it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize("path", [*map(address, [rule for rule in PAGES if rule != "/"]), "/sign-in", "/policies/nope"])
def test_a_page_has_landmarks_one_heading_and_labels(
    client: FlaskClient, sign_in: SignIn, measured: None, path: str
) -> None:
    sign_in()
    outline = _Outline()
    outline.feed(client.get(path).text)
    names = [tag for tag, _ in outline.tags]
    assert [names.count(tag) for tag in ("main", "header", "h1", "title")] == [1, 1, 1, 1]
    assert dict(outline.tags)["html"]["lang"] == "en"
    labelled = {attributes.get("for") for tag, attributes in outline.tags if tag == "label"}
    fields = [one for tag, one in outline.tags if tag in ("input", "select") and one.get("type") != "hidden"]
    assert {one.get("id") for one in fields} <= labelled
    levels = [int(tag[1]) for tag in names if re.fullmatch(r"h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_signing_in_gives_a_cookie_that_no_script_and_no_other_site_can_use(
    client: FlaskClient, sign_in: SignIn
) -> None:
    answer = sign_in()
    cookie = answer.headers["Set-Cookie"]
    assert answer.status_code == 303
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert TOKENS["shop-viewer"] not in cookie
    assert secrets_in(cookie) == []


def test_over_https_the_cookie_is_bound_to_https_and_this_host(config: Path, store: Store) -> None:
    config.write_text(config.read_text().replace("http://127.0.0.1:8080", "https://gateway.example.com"))
    settings = load(config)
    client = create_app(settings, store, RedisQueue(settings.redis_url)).test_client()
    cookie = client.post("/sign-in", data={"token": TOKENS["admin"]}).headers["Set-Cookie"]
    assert cookie.startswith("__Host-deploy-gateway=")
    assert "Secure" in cookie
    assert "Path=/" in cookie


@pytest.mark.parametrize("token", ["", " ", "dg_nope", TOKENS["admin"][:-1] + "!", "x" * 300])
def test_what_is_no_token_is_refused_and_not_repeated(client: FlaskClient, token: str) -> None:
    answer = client.post("/sign-in", data={"token": token})
    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers
    assert len(token) < 3 or token not in answer.text


def test_signing_out_ends_the_session_wherever_its_cookie_is(client: FlaskClient, sign_in: SignIn) -> None:
    kept = sign_in().headers["Set-Cookie"].split(";")[0]
    assert client.post("/sign-out").status_code == 303
    assert client.get("/policies").status_code == 303
    assert client.get("/policies", headers={"Cookie": kept}).status_code == 303


def test_a_session_ends_with_its_time_and_with_its_token(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch, app: Flask
) -> None:
    stranger = store.page_sessions.open("0" * 64)
    client.set_cookie("deploy-gateway", stranger)
    assert client.get("/policies").status_code == 303

    monkeypatch.setattr("store.page_sessions.SESSION_SECONDS", -1)
    digest = next(one.sha256 for one in app.extensions["deploy-gateway"].settings.tokens if one.name == "admin")
    client.set_cookie("deploy-gateway", store.page_sessions.open(digest))
    assert client.get("/policies").status_code == 303


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://["}, {"Sec-Fetch-Site": "cross-site"}],
)
@pytest.mark.parametrize("path", ["/sign-in", "/sign-out"])
def test_a_form_from_another_site_is_refused(
    client: FlaskClient, sign_in: SignIn, path: str, headers: dict[str, str]
) -> None:
    sign_in()
    answer = client.post(path, data={"token": TOKENS["admin"]}, headers=headers)
    assert answer.status_code == 403
    assert "another site" in answer.text
    assert client.get("/policies").status_code == 200


def test_a_form_of_our_own_is_taken(client: FlaskClient) -> None:
    headers = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/sign-in", data={"token": TOKENS["admin"]}, headers=headers).status_code == 303


@pytest.mark.parametrize(
    ("wanted", "goes_to"),
    [
        ("/clusters/local?cursor=7", "/clusters/local?cursor=7"),
        ("https://evil.example", "/policies"),
        ("//evil.example", "/policies"),
        ("/policies//evil.example", "/policies"),
        ("/policies/\\evil", "/policies"),
        ("/api/v1/apps", "/policies"),
    ],
)
def test_signing_in_leads_on_to_the_page_that_was_asked_for_and_nowhere_else(
    sign_in: SignIn, wanted: str, goes_to: str
) -> None:
    assert sign_in(next=wanted).headers["Location"] == goes_to


def test_a_page_that_needs_a_session_is_asked_for_again_after_it(client: FlaskClient) -> None:
    assert (
        client.get("/clusters/local?cursor=7").headers["Location"] == "/sign-in?next=%2Fclusters%2Flocal%3Fcursor%3D7"
    )
    assert 'name="next" value="/clusters/local?cursor=7"' in client.get("/sign-in?next=/clusters/local?cursor=7").text


def test_a_rule_shows_why_what_to_write_and_how_it_counts(client: FlaskClient, sign_in: SignIn) -> None:
    sign_in()
    text = client.get("/policies/image-pinned").text
    for said in (
        "What runs could change without a",
        "image: registry.example.com",
        "staging",
        "<strong>enforce</strong>",
    ):
        assert said in text


@pytest.mark.parametrize(
    ("query", "shown"),
    [("", True), ("?q=fixed+image", True), ("?severity=critical", True), ("?severity=low", False), ("?q=zzz", False)],
)
def test_the_catalogue_is_narrowed_by_words_and_severity(
    client: FlaskClient, sign_in: SignIn, query: str, shown: bool
) -> None:
    sign_in()
    assert ("image-pinned" in client.get(f"/policies{query}").text) is shown


def test_a_cluster_shows_what_fails_what_to_do_and_how_it_came(
    client: FlaskClient, sign_in: SignIn, measured: None
) -> None:
    sign_in()
    text = client.get("/clusters/local").text
    assert "makeIPTablesUtilChains: true" in text
    assert "3 measurements: from 1 to 1 failures, 1 could not be read" in text
    assert "report: it is &lt;empty&gt;" in text
    assert "&lt;b&gt;ci&lt;/b&gt;" in text
    assert "not measured" in text


@pytest.mark.parametrize("path", ["/policies/nope", "/clusters/nope", "/clusters/local?cursor=x", "/policies?q=a&q=b"])
def test_what_is_not_there_is_told_kindly_and_as_a_page(client: FlaskClient, sign_in: SignIn, path: str) -> None:
    sign_in()
    answer = client.get(path)
    assert answer.status_code in (400, 404)
    assert answer.mimetype == "text/html"
    assert '<a href="/">' in answer.text


def test_no_address_is_a_page_for_a_browser_and_a_problem_for_a_program(client: FlaskClient) -> None:
    browser = client.get("/nowhere", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    program = client.get("/nowhere", headers={"Accept": "*/*"})
    assert (browser.status_code, browser.mimetype) == (404, "text/html")
    assert (program.status_code, program.mimetype) == (404, "application/problem+json")


def test_what_breaks_inside_a_page_shows_a_reference_and_no_trace(
    client: FlaskClient, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in()

    def broken(*_: Any) -> None:
        raise RuntimeError("hunter2")

    monkeypatch.setattr(PageSessions, "holder", broken)
    answer = client.get("/policies")
    assert answer.status_code == 500
    assert "reference" in answer.text
    assert "hunter2" not in answer.text


@pytest.fixture
def waived(store: Store) -> None:
    for app, reason in (("checkout", "The vendor has <no> tags"), ("payments", "The bank's secret reason")):
        store.waivers.add(
            NewWaiver(
                rule="image-pinned",
                app=app,
                environment="",
                resource="*",
                owner="Ada",
                reason=reason,
                until=datetime.now(UTC).date() + timedelta(days=7),
                created_by="admin",
            )
        )


def test_waivers_are_shown_to_the_team_that_has_them(client: FlaskClient, sign_in: SignIn, waived: None) -> None:
    sign_in()
    text = client.get("/waivers").text
    assert "The vendor has &lt;no&gt; tags" in text
    assert "7 days left" in text
    assert "secret reason" not in text
    sign_in("admin")
    assert "secret reason" in client.get("/waivers?ended=yes").text


def test_a_forecast_tells_of_the_readers_apps_alone(client: FlaskClient, sign_in: SignIn, waived: None) -> None:
    sign_in()
    text = client.get("/policies/forecast?environment=staging").text
    assert (datetime.now(UTC).date() + timedelta(days=8)).isoformat() in text
    assert "checkout in staging" in text
    assert "payments" not in text
    assert client.get("/policies/forecast?date=yesterday").status_code == 400


def measurement(day: int, failed: int, error: str = "") -> MeasurementView:
    at = datetime(2026, 11, day, tzinfo=UTC)
    counts = {"passed": 0, "failed": failed, "warned": 0, "informed": 0}
    texts = dict.fromkeys(("id", "node_class", "node", "source", "received_by", "version"), "")
    return MeasurementView(measured_at=at, received_at=at, error=error, **texts, **counts)


def test_a_trend_goes_from_left_to_right_and_up_with_what_fails() -> None:
    drawn = trend([measurement(3, 4), measurement(1, 0), measurement(2, 2)])
    assert drawn is not None
    assert (drawn.most, drawn.line) == (4, "28.0,62.0 170.0,36.0 312.0,10.0")
    assert drawn.summary == "3 measurements: from 0 to 4 failures"


def test_one_measurement_is_no_trend_and_unreadable_ones_are_not_drawn_as_good() -> None:
    assert trend([measurement(1, 1)]) is None
    drawn = trend([measurement(1, 0, "empty"), measurement(2, 0, "empty")])
    assert drawn is not None
    assert (drawn.line, drawn.summary) == ("", "2 measurements: no report could be read")
