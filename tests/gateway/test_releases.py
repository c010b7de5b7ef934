from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from redis import Redis
from rq import Queue
from structlog.testing import capture_logs

from configuration.settings import Settings
from gateway.app import create_app
from pipelines.states import ReleaseState
from store import Release, ReleaseFilter, Store
from store.queue import RedisQueue

from .conftest import Server, bearer, free_port, secrets_in

API = "/api/v1/releases"
ASK = {"app": "checkout", "environment": "staging", "ref": "main"}
DEVELOPER = bearer("shop-developer")


@pytest.fixture
def post(client: FlaskClient) -> Callable[..., object]:
    def post(path: str = API, *, headers: dict[str, str] | None = None, **more: object) -> object:
        return client.post(path, headers={**DEVELOPER, **(headers or {})}, **more)

    return post


def stored(store: Store) -> list[Release]:
    return list(store.releases.find(ReleaseFilter(), 200, None).items)


def test_an_accepted_release_is_stored_and_its_address_given(post, store: Store) -> None:
    answer = post(json=ASK)
    assert answer.status_code == 202
    body = answer.get_json()
    assert answer.headers["Location"] == f"{API}/{body['id']}" == body["links"]["self"]
    assert body["links"]["events"] == f"{API}/{body['id']}/events"
    release = store.releases.get(body["id"])
    assert (release.state, release.team, release.cluster) == (ReleaseState.ACCEPTED, "shop", "local")
    assert (release.namespace, release.requested_by) == ("checkout-staging", "shop-developer")


@pytest.mark.parametrize("chart", ["0.1.0", "next"])
def test_a_dry_run_may_name_another_chart(post, store: Store, chart: str) -> None:
    answer = post(json={**ASK, "dry_run": True, "chart_version": chart})
    assert answer.status_code == 202, answer.text
    body = answer.get_json()
    assert (body["chart_version"], body["chart"]) == (chart, None)
    assert store.releases.get(body["id"]).chart_version == chart


def test_a_chart_that_there_is_not_is_told_with_those_that_there_are(post) -> None:
    problem = post(json={**ASK, "dry_run": True, "chart_version": "nxt"}).get_json()
    assert problem["detail"] == "there is no standard chart 'nxt'"
    assert "Did you mean 'next'? There are: stable (" in problem["solution"]


def test_who_pins_the_chart_is_told_to_whoever_wants_another(post) -> None:
    problem = post(json={**ASK, "chart_version": "next"}).get_json()
    assert "the platform pins the version of the chart in gateway.yaml" in problem["detail"]
    assert "dry_run: true" in problem["solution"]


def test_the_workers_get_a_hint_that_holds_the_id_and_nothing_else(post, redis_url: str) -> None:
    release_id = post(json=ASK).get_json()["id"]
    jobs = Queue("check", connection=Redis.from_url(redis_url), serializer="json").jobs
    assert [release_id] in [list(job.args) for job in jobs]
    assert all(not job.kwargs for job in jobs)


@pytest.mark.parametrize(
    ("change", "status", "where"),
    [
        ({"app": "nonesuch"}, 404, "app"),
        ({"environment": "mars"}, 404, "environment"),
        ({"app": None}, 400, "app"),
        ({"app": ["checkout"]}, 400, "app"),
        ({"app": {"name": "checkout"}}, 400, "app"),
        ({"app": 7}, 400, "app"),
        ({"app": ""}, 400, "app"),
        ({"app": "Checkout"}, 400, "app"),
        ({"app": "../checkout"}, 400, "app"),
        ({"app": "c" * 41}, 400, "app"),
        ({"app": "checkout\n"}, 400, "app"),
        ({"environment": None}, 400, "environment"),
        ({"ref": None}, 400, "ref"),
        ({"ref": ""}, 400, "ref"),
        ({"ref": "--upload-pack=touch /tmp/x"}, 400, "ref"),
        ({"ref": "-main"}, 400, "ref"),
        ({"ref": "main;id"}, 400, "ref"),
        ({"ref": "$(id)"}, 400, "ref"),
        ({"ref": "main\nother"}, 400, "ref"),
        ({"ref": "main\n"}, 400, "ref"),
        ({"ref": "a..b"}, 400, "ref"),
        ({"ref": "main\u0000"}, 400, "ref"),
        ({"ref": "r" * 256}, 400, "ref"),
        ({"ref": "\ud800"}, 400, "ref"),
        ({"dry_run": "yes"}, 400, "dry_run"),
        ({"dry_run": 1}, 400, "dry_run"),
        ({"dry_run": None}, 400, "dry_run"),
        ({"chart_version": "next"}, 400, "chart_version"),
        ({"chart_version": "next", "dry_run": False}, 400, "chart_version"),
        ({"chart_version": "../../etc", "dry_run": True}, 400, "chart_version"),
        ({"chart_version": "9.9.9", "dry_run": True}, 400, "chart_version"),
        ({"chart_version": "", "dry_run": True}, 400, "chart_version"),
        ({"chart_version": 0.1, "dry_run": True}, 400, "chart_version"),
        ({"chart_version": "n" * 61, "dry_run": True}, 400, "chart_version"),
        ({"chart_version": "next\n", "dry_run": True}, 400, "chart_version"),
        ({"wait_for": -1}, 400, "wait_for"),
        ({"wait_for": 61}, 400, "wait_for"),
        ({"wait_for": "1y"}, 400, "wait_for"),
        ({"wait_for": "5"}, 400, "wait_for"),
        ({"wait_for": None}, 400, "wait_for"),
        ({"wait_for": True}, 400, "wait_for"),
        ({"sudo": True}, 400, "sudo"),
        ({"requested_by": "somebody-else"}, 400, "requested_by"),
    ],
)
def test_a_bad_field_is_named_and_nothing_is_stored(
    post, store: Store, change: dict[str, object], status: int, where: str
) -> None:
    answer = post(json={**ASK, **change})
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    problem = answer.get_json()
    assert problem["where"] == where
    assert problem["solution"]
    assert stored(store) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"null", 400),
        (b"[]", 400),
        (b'"{}"', 400),
        (b"7", 400),
        (b"{}", 400),
        (b'{"app": "checkout", "app": "checkout", "environment": "staging", "ref": "main"}', 400),
        (b'{"app": "checkout", "environment": "staging", "ref": "main", "wait_for": NaN}', 400),
        (b'{"app": "checkout", "environment": "staging", "ref": "main", "wait_for": Infinity}', 400),
        (b'{"app": "checkout", "environment": "staging", "ref": "main", "wait_for": 1e999}', 400),
        (b'{"wait_for": ' + b"9" * 4050 + b"}", 400),
        (b"\xff\xfe{}", 400),
        (b"[" * 4000, 400),
        (b'{"a":' * 800, 400),
        (b'{"app": "' + b"x" * 5000 + b'"}', 413),
    ],
)
def test_a_body_that_is_no_sound_json_object_is_refused(post, store: Store, body: bytes, status: int) -> None:
    answer = post(data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    assert answer.get_json()["code"] in ("invalid-input", "body-too-large")
    assert stored(store) == []


def test_every_bad_field_is_told_at_once(post) -> None:
    answer = post(json={"app": 1, "sudo": 2})
    assert [fault["where"] for fault in answer.get_json()["errors"]] == ["app", "environment", "ref", "sudo"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/xml"])
def test_a_body_that_is_not_declared_as_json_is_refused(post, content_type: str) -> None:
    answer = post(data=b"{}", headers={"Content-Type": content_type})
    assert (answer.status_code, answer.get_json()["code"]) == (415, "unsupported-media-type")


def test_the_same_key_and_body_give_the_same_release(post, store: Store) -> None:
    answers = [post(json=ASK, headers={"Idempotency-Key": "k-1"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202] * 3
    assert len({answer.get_json()["id"] for answer in answers}) == 1
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert len(stored(store)) == 1


def test_the_same_key_with_another_body_is_a_conflict(post, store: Store) -> None:
    post(json=ASK, headers={"Idempotency-Key": "k-1"})
    answer = post(json={**ASK, "ref": "other"}, headers={"Idempotency-Key": "k-1"})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "idempotency-key-reused")
    assert len(stored(store)) == 1


def test_the_same_key_with_another_chart_is_a_conflict(post) -> None:
    dry = {**ASK, "dry_run": True}
    headers = {"Idempotency-Key": "k-1"}
    assert post(json={**dry, "chart_version": "next"}, headers=headers).status_code == 202
    assert post(json=dry, headers=headers).status_code == 409


def test_no_chart_and_a_chart_that_is_null_are_the_same_request(post) -> None:
    headers = {"Idempotency-Key": "k-1"}
    first, second = post(json=ASK, headers=headers), post(json={**ASK, "chart_version": None}, headers=headers)
    assert first.get_json()["id"] == second.get_json()["id"]


def test_a_key_belongs_to_its_caller(post, store: Store) -> None:
    first = post(json=ASK, headers={"Idempotency-Key": "k-1"})
    second = post(json=ASK, headers={"Idempotency-Key": "k-1", **bearer("shop-on-call")})
    assert first.get_json()["id"] != second.get_json()["id"]


def test_a_key_sent_by_many_at_once_is_still_one_release(app, store: Store) -> None:
    gate = threading.Barrier(6)

    def ask(_: int) -> str:
        gate.wait()
        answer = app.test_client().post(API, json=ASK, headers={**DEVELOPER, "Idempotency-Key": "k-1"})
        assert answer.status_code == 202, answer.text
        return str(answer.get_json()["id"])

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(ask, range(6)))) == 1
    assert len(stored(store)) == 1


@pytest.mark.parametrize("key", ["", "k" * 129, "k k", "ké"])
def test_a_key_that_is_no_key_is_refused(post, key: str) -> None:
    answer = post(json=ASK, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.get_json()["where"]) == (400, "Idempotency-Key")


@pytest.fixture
def no_redis(settings: Settings, store: Store) -> FlaskClient:
    url = f"redis://:hunter2@127.0.0.1:{free_port()}/0"
    return create_app(replace(settings, redis_url=url), store, RedisQueue(url)).test_client()


def test_without_redis_a_release_is_accepted_all_the_same_and_that_is_logged(
    no_redis: FlaskClient, store: Store
) -> None:
    with capture_logs() as lines:
        began = time.monotonic()
        answer = no_redis.post(API, json=ASK, headers=DEVELOPER)
    assert answer.status_code == 202
    assert time.monotonic() - began < 30
    assert [release.id for release in stored(store)] == [answer.get_json()["id"]]
    assert [line for line in lines if line["event"] == "accepted without a hint to the workers"]
    assert "hunter2" not in str(lines)


def test_without_redis_waiting_still_ends_with_the_final_state(no_redis: FlaskClient, store: Store) -> None:
    release = no_redis.post(API, json=ASK, headers={**DEVELOPER, "Idempotency-Key": "w"}).get_json()["id"]
    threading.Timer(0.3, lambda: store.releases.transition(release, ReleaseState.CANCELLED)).start()
    answer = no_redis.post(API, json={**ASK, "wait_for": 20}, headers={**DEVELOPER, "Idempotency-Key": "w"})
    assert (answer.status_code, answer.get_json()["state"]) == (200, "cancelled")


def test_waiting_in_vain_ends_in_time_with_202(post) -> None:
    began = time.monotonic()
    answer = post(json={**ASK, "wait_for": 0.2})
    assert answer.status_code == 202
    assert 0.2 <= time.monotonic() - began < 30


def test_with_all_places_taken_waiting_is_answered_at_once(settings: Settings, store: Store) -> None:
    client = create_app(settings, store, RedisQueue(settings.redis_url), waiters=0).test_client()
    began = time.monotonic()
    assert client.post(API, json={**ASK, "wait_for": 60}, headers=DEVELOPER).status_code == 202
    assert time.monotonic() - began < 50


def test_a_list_is_cut_into_pages_newest_first(client: FlaskClient, accept) -> None:
    made = [accept(environment=environment).id for environment in ("staging", "production") * 3]
    seen, cursor = [], ""
    while True:
        page = client.get(f"{API}?limit=4{cursor}", headers=DEVELOPER).get_json()
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == made[::-1]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        *(("app=checkout", 2), ("app=storefront", 1), ("environment=production", 1), ("state=superseded", 0)),
        *(("team=shop", 3), ("team=bank", 0), ("app=nonesuch", 0), (f"commit={'0' * 40}", 0)),
    ],
)
def test_a_list_is_filtered(client: FlaskClient, accept, query: str, count: int) -> None:
    accept()
    accept(environment="production")
    accept(app="storefront")
    accept(app="payments", team="bank")
    assert len(client.get(f"{API}?{query}", headers=DEVELOPER).get_json()["items"]) == count


@pytest.mark.parametrize(
    ("query", "where"),
    [
        *(("limit=0", "limit"), ("limit=201", "limit"), ("limit=x", "limit"), ("limit=1e999", "limit")),
        *(("state=done", "state"), ("cursor=!!", "cursor"), ("cursor=" + "x" * 201, "cursor")),
        *(("commit=main", "commit"), ("app=A", "app"), ("nope=1", "nope"), ("app=a&app=b", "app")),
        *(("cursor=", "cursor"), ("a[999999999]=1", "a[999999999]")),
    ],
)
def test_a_bad_query_is_refused_by_name(client: FlaskClient, query: str, where: str) -> None:
    answer = client.get(f"{API}?{query}", headers=DEVELOPER)
    assert (answer.status_code, answer.get_json()["where"]) == (400, where), answer.text


def test_a_waiting_release_is_cancelled_at_once_and_twice_is_once(post, client: FlaskClient, accept) -> None:
    release = accept()
    for _ in range(2):
        answer = post(f"{API}/{release.id}/cancel")
        assert answer.status_code == 202
    shown = client.get(f"{API}/{release.id}", headers=DEVELOPER).get_json()
    assert (shown["state"], shown["final"]) == ("cancelled", True)


def test_a_finished_release_can_not_be_cancelled(post, deploy) -> None:
    answer = post(f"{API}/{deploy(1).id}/cancel")
    assert (answer.status_code, answer.get_json()["code"]) == (409, "conflict")


@pytest.mark.parametrize("release_id", ["x", "0" * 26, "../../etc", "%00", "é", "a" * 300])
def test_an_id_that_is_none_is_not_found(client: FlaskClient, release_id: str) -> None:
    assert client.get(f"{API}/{release_id}", headers=DEVELOPER).status_code == 404


def test_a_release_survives_a_gateway_that_is_killed_right_after_its_answer(server: Server, store: Store) -> None:
    import httpx

    answer = httpx.post(f"{server.url}{API}", json=ASK, headers=DEVELOPER, timeout=60)
    server.kill_all()
    assert answer.status_code == 202
    assert store.releases.get(answer.json()["id"]).state is ReleaseState.ACCEPTED


def test_no_answer_and_no_log_line_holds_a_secret(client: FlaskClient, deploy) -> None:
    release = deploy(1)
    with capture_logs() as lines:
        texts = [
            client.open(path, method=method, headers=DEVELOPER, json=body).text
            for method, path, body in [
                ("GET", "/healthz", None),
                ("GET", "/readyz", None),
                ("GET", "/openapi.json", None),
                ("GET", f"{API}/{release.id}", None),
                ("GET", API, None),
                ("GET", "/api/v1/apps", None),
                ("POST", API, ASK),
                ("POST", API, {}),
                ("POST", f"{API}/{release.id}/cancel", None),
            ]
        ]
        texts.append(client.get(API, headers={"Authorization": "Bearer dg_" + "n" * 40}).text)
    everything = "\n".join(texts) + str(lines)
    assert secrets_in(everything) == []
    assert "dg_" + "n" * 40 not in everything
