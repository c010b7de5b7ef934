"""Waivers by the API: made by the platform, seen by the team, ended and never deleted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from .conftest import bearer

WAIVERS, TODAY = "/api/v1/waivers", datetime.now(UTC).date()
Make = Callable[..., TestResponse]


def _in(days: int) -> str:
    return (TODAY + timedelta(days=days)).isoformat()


@pytest.fixture
def make(client: FlaskClient) -> Make:
    def make(*, caller: str = "admin", key: str = "", **more: Any) -> TestResponse:
        body = {
            "rule": "image-pinned",
            "app": "checkout",
            "resource": "Deployment/checkout",
            "owner": "Ada",
            "reason": "The vendor has no tags",
            "until": _in(30),
            **more,
        }
        return client.post(WAIVERS, json=body, headers=bearer(caller) | ({"Idempotency-Key": key} if key else {}))

    return make


def listed(client: FlaskClient, query: str = "", caller: str = "shop-viewer") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(WAIVERS + query, headers=bearer(caller)).get_json()["items"]
    return found


def test_a_waiver_says_who_answers_for_it_who_made_it_and_until_when(client: FlaskClient, make: Make) -> None:
    made = make(environment="staging").get_json()
    assert listed(client) == [made]
    wanted = ("owner", "created_by", "until", "days_left", "in_force", "environment", "ended_by")
    assert [made[name] for name in wanted] == ["Ada", "admin", _in(30), 30, True, "staging", None]


def test_one_that_is_ended_stays_with_who_ended_it(client: FlaskClient, make: Make) -> None:
    made = make().get_json()
    ended = client.delete(f"{WAIVERS}/{made['id']}", headers=bearer("admin")).get_json()
    assert (ended["in_force"], ended["ended_by"], ended["days_left"]) == (False, "admin", 0)
    assert listed(client) == []
    assert listed(client, "?ended=true") == [ended]
    again = client.delete(f"{WAIVERS}/{made['id']}", headers=bearer("admin")).get_json()
    assert again == ended


@pytest.mark.parametrize(
    ("change", "where", "told"),
    [
        ({"rule": "image-pined"}, "rule", "image-pinned"),
        ({"rule": "team-scope"}, "rule", "can't be waived"),
        ({"environment": "stagin"}, "environment", "staging"),
        ({"resource": "checkout"}, "resource", "Kind/name"),
        ({"resource": "Deployment/a b"}, "resource", "Kind/name"),
        ({"until": _in(-1)}, "until", "over already"),
        ({"until": _in(181)}, "until", "180 days"),
        ({"until": "2027-02-30"}, "until", "no day"),
        ({"until": "soon"}, "until", ""),
        ({"owner": " "}, "owner", ""),
        ({"reason": "two\nlines"}, "reason", ""),
        ({"colour": "red"}, "colour", ""),
    ],
)
def test_what_makes_no_waiver_is_told_by_its_field(
    client: FlaskClient, make: Make, change: dict[str, str], where: str, told: str
) -> None:
    answer = make(**change)
    problem = answer.get_json()
    assert answer.status_code == 400
    assert where in (problem.get("where"), *(fault["where"] for fault in problem.get("errors") or ()))
    assert told in answer.text
    assert listed(client, "?ended=true") == []


@pytest.mark.parametrize("rule", ["kube-score/pod-probes", "schema/invalid", "benchmark-recent"])
def test_what_no_cluster_holds_can_be_waived_too(make: Make, rule: str) -> None:
    assert make(rule=rule).status_code == 201


def test_a_waiver_lasts_to_the_end_of_its_last_day(make: Make) -> None:
    made = make(until=_in(0)).get_json()
    assert (made["in_force"], made["days_left"]) == (True, 0)


def test_a_repeat_with_the_same_key_is_stored_once(client: FlaskClient, make: Make) -> None:
    first, again = make(key="w-1"), make(key="w-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.get_json() == first.get_json()
    assert make(key="w-1", reason="another").status_code == 409
    assert len(listed(client)) == 1


def test_a_team_sees_its_own_and_nobody_elses(client: FlaskClient, make: Make) -> None:
    made = make().get_json()
    assert listed(client, caller="bank-viewer") == []
    assert listed(client, "?app=checkout", caller="bank-viewer") == []
    assert client.get(f"{WAIVERS}/{made['id']}", headers=bearer("bank-viewer")).status_code == 404
    assert listed(client, "?app=payments", caller="admin") == []
    assert listed(client, "?rule=image-pinned", caller="admin") == [made]


def test_the_list_goes_on_with_the_cursor(client: FlaskClient, make: Make) -> None:
    made = [make(reason=str(n)).get_json()["id"] for n in range(3)]
    first = client.get(f"{WAIVERS}?limit=2", headers=bearer("admin")).get_json()
    second = client.get(f"{WAIVERS}?limit=2&cursor={first['next_cursor']}", headers=bearer("admin")).get_json()
    assert [one["id"] for one in first["items"] + second["items"]] == made[::-1]
    assert second["next_cursor"] is None
