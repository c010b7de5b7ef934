from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from redis import Redis
from rq import Queue

from pipelines.states import ReleaseKind, ReleaseState
from store import Release, Store

from .conftest import bearer

PATH = "/api/v1/apps/checkout/environments/staging/rollback"
ON_CALL = bearer("shop-on-call")


def test_a_rollback_is_a_release_with_the_bundle_of_the_last_good_one(
    client: FlaskClient, deploy, store: Store
) -> None:
    good, _ = deploy(1), deploy(2)
    answer = client.post(PATH, json={"reason": " errors at checkout "}, headers=ON_CALL)
    assert answer.status_code == 202, answer.text
    release = store.releases.get(answer.get_json()["id"])
    assert (release.kind, release.state) == (ReleaseKind.ROLLBACK, ReleaseState.READY)
    assert (release.bundle, release.commit, release.rollback_of) == (good.bundle, good.commit, good.id)
    assert release.chart == "standard-app 1.0.0"
    assert (release.reason, release.requested_by) == ("errors at checkout", "shop-on-call")
    assert answer.headers["Location"].endswith(release.id)


def test_where_it_would_go_can_be_read_before(client: FlaskClient, deploy) -> None:
    place = PATH.removesuffix("/rollback")
    deploy(1)
    assert client.get(place, headers=ON_CALL).get_json()["rollback_to"] is None
    deploy(2)
    back = client.get(place, headers=ON_CALL).get_json()["rollback_to"]
    done = client.post(PATH, json={"reason": "x"}, headers=ON_CALL).get_json()
    assert (back["id"], back["revision"]) == (done["rollback_of"], 1)


def test_a_rollback_goes_before_everything_else_on_the_queue(client: FlaskClient, deploy, redis_url: str) -> None:
    deploy(1)
    deploy(2)
    queue = Queue("deploy.local", connection=Redis.from_url(redis_url), serializer="json")
    queue.enqueue("somebody.elses", "waiting")
    release = client.post(PATH, json={"reason": "now"}, headers=ON_CALL).get_json()["id"]
    assert list(queue.jobs[0].args) == [release]


def test_a_revision_can_be_named(client: FlaskClient, deploy, store: Store) -> None:
    first, _, _ = deploy(1), deploy(2), deploy(3)
    answer = client.post(PATH, json={"reason": "x", "revision": 1}, headers=ON_CALL)
    assert answer.get_json()["rollback_of"] == first.id


def test_a_bundle_that_is_gone_is_no_way_back(client: FlaskClient, deploy, config: Path) -> None:
    good, _ = deploy(1), deploy(2)
    with sqlite3.connect(config.with_name("gateway.db")) as database:
        database.execute("DELETE FROM bundles WHERE digest = ?", (good.bundle,))
    answer = client.post(PATH, json={"reason": "x"}, headers=ON_CALL)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "nothing-to-go-back-to")
    assert good.id in answer.get_json()["detail"]


def test_an_unknown_revision_lists_the_known_ones(client: FlaskClient, deploy) -> None:
    deploy(3)
    deploy(4)
    answer = client.post(PATH, json={"reason": "x", "revision": 9}, headers=ON_CALL)
    assert (answer.status_code, answer.get_json()["where"]) == (404, "revision")
    assert "4, 3" in answer.get_json()["solution"]


def test_the_revision_that_runs_is_no_way_back(client: FlaskClient, deploy) -> None:
    deploy(3)
    deploy(4)
    answer = client.post(PATH, json={"reason": "x", "revision": 4}, headers=ON_CALL)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "conflict")


@pytest.mark.parametrize("deployed", [0, 1])
def test_where_there_is_nothing_to_go_back_to_it_says_what_to_do(
    client: FlaskClient, deploy: Callable[..., Release], deployed: int
) -> None:
    for revision in range(deployed):
        deploy(revision + 1)
    answer = client.post(PATH, json={"reason": "x"}, headers=ON_CALL)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "nothing-to-go-back-to")
    assert "deployctl release --app checkout --env staging" in answer.get_json()["solution"]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "reason"),
        ({"reason": None}, "reason"),
        ({"reason": ""}, "reason"),
        ({"reason": "   "}, "reason"),
        ({"reason": "x" * 501}, "reason"),
        ({"reason": "a\nb"}, "reason"),
        ({"reason": "\x1b[2J"}, "reason"),
        ({"reason": ["x"]}, "reason"),
        ({"reason": "x", "revision": 0}, "revision"),
        ({"reason": "x", "revision": "1"}, "revision"),
        ({"reason": "x", "revision": 1.5}, "revision"),
        ({"reason": "x", "revision": 2**31}, "revision"),
        ({"reason": "x", "revision": True}, "revision"),
        ({"reason": "x", "to": 3}, "to"),
    ],
)
def test_a_bad_field_is_named(client: FlaskClient, deploy, body: dict[str, object], where: str) -> None:
    deploy(1)
    answer = client.post(PATH, json=body, headers=ON_CALL)
    assert (answer.status_code, answer.get_json()["where"]) == (400, where)


def test_the_same_key_rolls_back_once(client: FlaskClient, deploy) -> None:
    deploy(1)
    deploy(2)
    headers = {**ON_CALL, "Idempotency-Key": "night"}
    answers = [client.post(PATH, json={"reason": "x"}, headers=headers) for _ in range(2)]
    assert len({answer.get_json()["id"] for answer in answers}) == 1
    other = client.post(PATH, json={"reason": "y"}, headers=headers)
    assert (other.status_code, other.get_json()["code"]) == (409, "idempotency-key-reused")


def test_an_unknown_environment_names_the_known_ones(client: FlaskClient) -> None:
    answer = client.post(PATH.replace("staging", "mars"), json={"reason": "x"}, headers=ON_CALL)
    assert answer.status_code == 404
    assert "production, staging" in answer.get_json()["solution"]
