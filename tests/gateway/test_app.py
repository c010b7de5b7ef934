from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from configuration.settings import Settings
from gateway.app import create_app
from store import Store
from store.queue import RedisQueue

from .conftest import bearer, free_port

DEVELOPER = bearer("shop-developer")


def test_every_answer_tells_browsers_to_be_careful(client: FlaskClient) -> None:
    for path in ("/healthz", "/nope", "/api/v1/releases"):
        headers = client.get(path, headers=DEVELOPER).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "Strict-Transport-Security" not in headers


def test_behind_https_browsers_are_told_to_stay_there(settings: Settings, store: Store) -> None:
    secure = replace(settings, public_url="https://gateway.example.com")
    answer = create_app(secure, store, RedisQueue(settings.redis_url)).test_client().get("/healthz")
    assert "max-age=" in answer.headers["Strict-Transport-Security"]


def test_a_request_id_is_kept_when_it_is_sound(client: FlaskClient) -> None:
    assert client.get("/healthz", headers={"X-Request-Id": "build-4711_x"}).headers["X-Request-Id"] == "build-4711_x"


@pytest.mark.parametrize("bad", ["", "short", "x" * 65, "a b c d e f", '"},{"x":"', "éééééééééé"])
def test_a_request_id_that_is_not_sound_is_replaced(client: FlaskClient, bad: str) -> None:
    sent = client.get("/healthz", headers={"X-Request-Id": bad}).headers["X-Request-Id"]
    assert re.fullmatch(r"[0-9a-f]{32}", sent)


def test_each_request_is_one_line_in_the_log(client: FlaskClient) -> None:
    with capture_logs() as lines:
        client.get("/api/v1/releases?limit=7", headers={**DEVELOPER, "X-Request-Id": "request-1"}).close()
    (line,) = [line for line in lines if line["event"] == "request"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/v1/releases", 200)
    assert (line["principal"], line["request_id"]) == ("shop-developer", "request-1")
    assert line["milliseconds"] >= 0


def test_an_unforeseen_error_is_a_problem_with_a_reference_and_no_details(app: Flask) -> None:
    @app.get("/boom")
    def boom() -> str:
        raise ZeroDivisionError("hunter2")

    with capture_logs() as lines:
        answer = app.test_client().get("/boom", headers={**DEVELOPER, "X-Request-Id": "request-1"})
    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (500, "internal-error")
    assert "request-1" in problem["detail"]
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text
    assert [line["reference"] for line in lines if line["event"] == "unexpected error"] == ["request-1"]


@pytest.mark.parametrize(("status", "code"), [(418, "invalid-input"), (413, "body-too-large"), (502, "internal-error")])
def test_an_error_of_the_framework_is_a_problem_like_any_other(app: Flask, status: int, code: str) -> None:
    @app.get("/refused")
    def refused() -> str:
        abort(status)

    answer = app.test_client().get("/refused", headers=DEVELOPER)
    assert (answer.content_type, answer.get_json()["code"]) == ("application/problem+json", code)


def test_a_new_address_needs_a_token_unless_it_is_named_public(app: Flask) -> None:
    @app.get("/new")
    def new() -> str:
        return "secret"

    assert app.test_client().get("/new").status_code == 401


def test_alive_needs_neither_store_nor_queue(settings: Settings, store: Store) -> None:
    url = f"redis://127.0.0.1:{free_port()}/0"
    client = create_app(replace(settings, redis_url=url), store, RedisQueue(url)).test_client()
    store.close()
    assert client.get("/healthz").get_json() == {"status": "alive"}


def test_ready_when_store_and_queue_answer(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "ready")
    assert {part["name"]: part["state"] for part in answer.get_json()["parts"]} == {
        "store": "ok",
        "queue": "ok",
    }


def test_ready_without_a_queue_since_nothing_accepted_is_lost(settings: Settings, store: Store) -> None:
    url = f"redis://:hunter2@127.0.0.1:{free_port()}/0"
    answer = create_app(settings, store, RedisQueue(url)).test_client().get("/readyz")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "degraded")
    assert {"name": "queue", "state": "unreachable", "needed": False} in answer.get_json()["parts"]
    assert "hunter2" not in answer.text


def test_not_ready_when_the_store_is_gone(client: FlaskClient, settings: Settings) -> None:
    for file in Path(settings.database_url.removeprefix("sqlite:///")).parent.glob("gateway.db*"):
        file.write_bytes(b"no database" * 1000)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()["status"]) == (503, "not-ready")
    assert str(settings.database_url) not in answer.text


def test_apps_are_listed_by_name_in_pages(client: FlaskClient) -> None:
    first = client.get("/api/v1/apps?limit=1", headers=DEVELOPER).get_json()
    rest = client.get(f"/api/v1/apps?limit=1&cursor={first['next_cursor']}", headers=DEVELOPER).get_json()
    assert [item["name"] for item in first["items"] + rest["items"]] == ["checkout", "storefront"]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize("cursor", ["%", "é", "____", "A"])
def test_a_cursor_that_is_none_is_refused(client: FlaskClient, cursor: str) -> None:
    answer = client.get("/api/v1/apps", query_string={"cursor": cursor}, headers=DEVELOPER)
    assert (answer.status_code, answer.get_json()["where"]) == (400, "cursor")


def test_an_app_shows_what_runs_and_what_came_last(client: FlaskClient, deploy, accept) -> None:
    running, latest = deploy(1), accept()
    (staging,) = [
        place
        for place in client.get("/api/v1/apps/checkout", headers=DEVELOPER).get_json()["environments"]
        if place["name"] == "staging"
    ]
    assert staging["running"]["id"] == running.id
    assert staging["latest"]["id"] == latest.id
    place = client.get("/api/v1/apps/checkout/environments/staging", headers=DEVELOPER).get_json()
    assert [release["id"] for release in place["history"]] == [latest.id, running.id]


def test_a_release_shows_stages_findings_and_changes(client: FlaskClient, accept, store: Store) -> None:
    from pipelines.findings import Finding, Mode, Severity
    from pipelines.ports import Change
    from pipelines.states import StageName, StageState

    release = accept()
    store.releases.stage(release.id, StageName.CHECKOUT, StageState.RUNNING, "")
    store.releases.stage(release.id, StageName.CHECKOUT, StageState.PASSED, "3 files")
    finding = Finding(
        "image-tag",
        Severity.HIGH,
        Mode.WARN,
        "Deployment/checkout",
        "spec",
        "deploy.yaml:4",
        *"abcd",
        "policy",
    )
    store.releases.add_findings(release.id, [finding])
    store.releases.set_changes(release.id, [Change("Deployment/checkout", "create", "+x")])
    shown = client.get(f"/api/v1/releases/{release.id}", headers=DEVELOPER).get_json()
    (stage,) = shown["stages"]
    assert (stage["name"], stage["state"], stage["detail"]) == ("checkout", "passed", "3 files")
    assert stage["seconds"] >= 0
    assert shown["findings"] == [{**json.loads(json.dumps(finding.to_json())), "blocks": False}]
    assert shown["changes"] == [{"resource": "Deployment/checkout", "action": "create", "diff": "+x"}]
