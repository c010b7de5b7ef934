"""How far a role reaches: its team, its Environments, its Apps, and its last day."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from configuration.file import load
from configuration.identity import Grant, Place, Role
from gateway.app import create_app
from gateway.authentication import Principal
from gateway.authorization import Permission, holders_of, insist_on_four_eyes, may, require
from pipelines.errors import Forbidden, OwnRelease
from store import Release, ReleaseFilter, Store
from store.queue import RedisQueue

API = "/api/v1"
TODAY = datetime.now(UTC).date()
SCOPED = {
    "staging-only": "team: shop, role: developer, environments: [staging]",
    "storefront-only": "team: shop, role: developer, apps: [storefront]",
    "admin-of-staging": "role: platform-admin, environments: [staging]",
    "yesterday": f'team: shop, role: developer, last_day: "{TODAY - timedelta(days=1)}"',
    "owned": "team: shop, role: developer, owner: ada@example.com",
    "today": f'team: shop, role: developer, last_day: "{TODAY}"',
}
WAIVER = {
    "rule": "image-pinned",
    "app": "checkout",
    "resource": "*",
    "owner": "Ada",
    "reason": "The vendor has no tags",
    "until": (TODAY + timedelta(days=30)).isoformat(),
}


def text_of(name: str) -> str:
    return f"dg_{name}-{'s' * 30}"


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text_of(name)}"}


@pytest.fixture
def app(config: Path, store: Store) -> Flask:
    with config.open("a") as file:
        for name, scope in SCOPED.items():
            digest = hashlib.sha256(text_of(name).encode()).hexdigest()
            file.write(f"  - {{name: {name}, {scope}, sha256: {digest}}}\n")
    settings = load(config)
    return create_app(settings, store, RedisQueue(settings.redis_url))


def release(client: FlaskClient, holder: str, app: str, environment: str) -> int:
    asked = {"app": app, "environment": environment, "ref": "main"}
    return client.post(f"{API}/releases", json=asked, headers=bearer(holder)).status_code


def test_a_token_for_some_environments_releases_only_there_and_sees_all(client: FlaskClient) -> None:
    assert release(client, "staging-only", "checkout", "staging") == 202
    assert release(client, "staging-only", "checkout", "production") == 403
    assert client.get(f"{API}/apps/checkout/environments/production", headers=bearer("staging-only")).status_code == 200


def test_a_refusal_names_what_is_missing_where_and_who_grants_it(client: FlaskClient) -> None:
    asked = {"app": "checkout", "environment": "production", "ref": "main"}
    problem = client.post(f"{API}/releases", json=asked, headers=bearer("staging-only")).get_json()
    assert problem["detail"] == (
        "staging-only may not release checkout in production: it needs the permission `release` there, and the roles "
        "of staging-only are: developer for team shop in staging"
    )
    assert problem["solution"] == (
        "Developer, on-call or platform-admin for team shop may. Such a role is granted by the platform team "
        "(#platform), in gateway.yaml"
    )
    assert (problem["permission"], problem["roles"]) == ("release", ["developer", "on-call", "platform-admin"])


def test_for_a_token_of_some_apps_the_others_do_not_exist(client: FlaskClient, accept: Callable[..., Release]) -> None:
    other, own = accept(app="checkout"), accept(app="storefront")
    assert release(client, "storefront-only", "storefront", "production") == 202
    assert release(client, "storefront-only", "checkout", "staging") == 404
    assert client.get(f"{API}/releases/{other.id}", headers=bearer("storefront-only")).status_code == 404
    listed = client.get(f"{API}/releases?environment=staging", headers=bearer("storefront-only")).get_json()["items"]
    assert [one["id"] for one in listed] == [own.id]
    apps = client.get(f"{API}/apps", headers=bearer("storefront-only")).get_json()["items"]
    assert [one["name"] for one in apps] == ["storefront"]


@pytest.mark.parametrize(("environment", "answer"), [("staging", 201), ("production", 403), (None, 403)])
def test_an_admin_of_one_environment_waives_there_alone(
    client: FlaskClient, environment: str | None, answer: int
) -> None:
    body = WAIVER if environment is None else {**WAIVER, "environment": environment}
    assert client.post(f"{API}/waivers", json=body, headers=bearer("admin-of-staging")).status_code == answer


def test_an_admin_of_one_environment_has_no_say_over_its_whole_cluster(client: FlaskClient) -> None:
    body = {"measurement": "0" * 26, "reason": "known"}
    answer = client.post(f"{API}/clusters/local/baselines", json=body, headers=bearer("admin-of-staging"))
    assert answer.status_code == 403
    assert answer.get_json()["permission"] == "accept-baseline"


def test_a_token_is_taken_on_its_last_day_and_then_says_that_it_ended(client: FlaskClient) -> None:
    assert client.get(f"{API}/apps", headers=bearer("today")).status_code == 200
    answer = client.get(f"{API}/apps", headers=bearer("yesterday"))
    assert (answer.status_code, answer.get_json()["code"]) == (401, "token-ended")
    assert answer.get_json()["detail"] == f"the token yesterday ended with {TODAY - timedelta(days=1)}"


def test_a_token_that_has_ended_opens_no_page_and_says_so(client: FlaskClient) -> None:
    answer = client.post("/sign-in", data={"token": text_of("yesterday")})
    assert answer.status_code == 401
    assert "the token yesterday ended with" in answer.text
    assert "Set-Cookie" not in answer.headers


def principal(*grants: Grant) -> Principal:
    return Principal("ada", grants, "ada@example.com")


STAGING = Place("shop", "checkout", frozenset({"staging"}))


@pytest.mark.parametrize("permission", list(Permission))
@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_what_its_permissions_say_and_only_for_its_team(role: Role, permission: Permission) -> None:
    teamless = role in (Role.PLATFORM_ADMIN, Role.MEASURER)
    someone = principal(Grant(role, "" if teamless else "shop"))
    assert may(someone, permission, STAGING) is (role in holders_of(permission))
    assert may(someone, permission, Place("bank", "payments")) is (teamless and role in holders_of(permission))


def test_several_roles_add_up_and_each_keeps_its_own_reach() -> None:
    both = principal(Grant(Role.VIEWER, "shop"), Grant(Role.APPROVER, "bank", frozenset({"production"})))
    assert may(both, Permission.READ, STAGING)
    assert not may(both, Permission.APPROVE, STAGING)
    assert may(both, Permission.APPROVE, Place("bank", "payments", frozenset({"production"})))
    assert not may(both, Permission.APPROVE, Place("bank", "payments"))


def test_whoever_has_no_role_is_told_so(app: Flask) -> None:
    settings = app.extensions["deploy-gateway"].settings
    with pytest.raises(Forbidden, match="the roles of ada are: none"):
        require(settings, principal(), Permission.FREEZE, Place("shop", "checkout"))


@pytest.mark.parametrize(
    ("requested_by", "person"),
    [("ada", ""), ("ada@example.com", ""), ("shop-ci", "ada@example.com"), ("shop-ci", "ada")],
)
def test_nobody_approves_what_they_asked_for(accept: Callable[..., Release], requested_by: str, person: str) -> None:
    with pytest.raises(OwnRelease, match="asked for this Release"):
        insist_on_four_eyes(principal(), accept(requested_by=requested_by, person=person))


def test_somebody_else_may_approve(accept: Callable[..., Release]) -> None:
    insist_on_four_eyes(principal(), accept(requested_by="grace", person="grace@example.com"))
    insist_on_four_eyes(Principal("ci", ()), accept(requested_by="grace"))


def test_whose_token_asked_stands_beside_the_release(client: FlaskClient, store: Store) -> None:
    assert release(client, "owned", "checkout", "staging") == 202
    (asked,) = store.releases.find(ReleaseFilter(), 10).items
    assert (asked.requested_by, asked.person) == ("owned", "ada@example.com")
    with pytest.raises(OwnRelease):
        insist_on_four_eyes(principal(), asked)
