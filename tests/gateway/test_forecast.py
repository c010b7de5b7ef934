"""What will block on a day to come, by the API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from configuration.settings import Settings
from gateway.app import create_app
from pipelines.catalogue import entry_of
from pipelines.findings import Mode
from pipelines.states import StageName, StageState
from store import NewWaiver, Release, Store
from store.queue import RedisQueue

from .conftest import bearer

TODAY = datetime.now(UTC).date()
SOON, LATER = TODAY + timedelta(days=10), TODAY + timedelta(days=20)
Deploy = Callable[..., Release]


@pytest.fixture
def ahead(settings: Settings, store: Store) -> Callable[..., dict[str, Any]]:
    """The forecast by a gateway whose staging has `image-pinned` as a warning until SOON."""
    staging = settings.environments["staging"]
    dated = replace(staging, rule_modes={"image-pinned": Mode.WARN}, rule_dates={"image-pinned": SOON})
    changed = replace(settings, environments={**settings.environments, "staging": dated})
    client: FlaskClient = create_app(changed, store, RedisQueue(settings.redis_url)).test_client()

    def ahead(day: date | None = None, caller: str = "shop-viewer", **query: str) -> dict[str, Any]:
        asked = {"date": day.isoformat(), **query} if day else query
        found: dict[str, Any] = client.get(
            "/api/v1/policies/forecast", query_string=asked, headers=bearer(caller)
        ).get_json()
        return found

    return ahead


@pytest.fixture
def apps(settings: Settings, store: Store) -> Callable[[str], dict[str, Any]]:
    """What a gateway with the same day answers of Apps, by path."""
    staging = settings.environments["staging"]
    dated = replace(staging, rule_modes={"image-pinned": Mode.WARN}, rule_dates={"image-pinned": SOON})
    changed = replace(settings, environments={**settings.environments, "staging": dated})
    client: FlaskClient = create_app(changed, store, RedisQueue(settings.redis_url)).test_client()

    def apps(path: str) -> dict[str, Any]:
        answered: dict[str, Any] = client.get(f"/api/v1/apps{path}", headers=bearer("shop-viewer")).get_json()
        return answered

    return apps


@pytest.fixture
def found(store: Store, deploy: Deploy) -> Release:
    """What runs as checkout in staging, with a finding of image-pinned and one of seccomp."""
    release = deploy(1)
    store.releases.stage(release.id, StageName.POLICY, StageState.RUNNING)
    store.releases.stage(release.id, StageName.POLICY, StageState.PASSED)
    warned = replace(entry_of("image-pinned").finding("Deployment/checkout", "", "w"), mode=Mode.WARN)
    excused = replace(entry_of("seccomp").finding("Deployment/checkout", "", "w"), waiver="Ada")
    store.releases.add_findings(release.id, [warned, excused])
    store.waivers.add(NewWaiver("seccomp", "checkout", "", "*", "Ada", "x", LATER, created_by="admin"))
    return release


def blocked(forecast: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["finding"]["rule"], one["because"]) for app in forecast["blocked"] for one in app["coming"]]


def test_today_nothing_blocks_and_the_days_are_told(ahead: Callable[..., dict[str, Any]], found: Release) -> None:
    seen = ahead(TODAY)
    assert seen["blocked"] == []
    assert [(one["app"], one["release"], one["age_days"]) for one in seen["clear"]] == [("checkout", found.id, 0)]
    assert seen["days"] == [SOON.isoformat(), (LATER + timedelta(days=1)).isoformat()]


@pytest.mark.usefixtures("found")
def test_a_rule_blocks_from_its_day_on(ahead: Callable[..., dict[str, Any]]) -> None:
    assert blocked(ahead(SOON)) == [("image-pinned", f"the rule blocks from {SOON}")]


@pytest.mark.usefixtures("found")
def test_without_a_day_it_is_for_the_last_one_on_which_something_changes(ahead: Callable[..., dict[str, Any]]) -> None:
    assert blocked(ahead()) == [
        ("image-pinned", f"the rule blocks from {SOON}"),
        ("seccomp", f"the waiver of Ada ends on {LATER}"),
    ]


@pytest.mark.usefixtures("found")
def test_apps_without_data_are_told_and_not_taken_for_clear(ahead: Callable[..., dict[str, Any]]) -> None:
    unknown = {(one["app"], one["environment"]): one["why"] for one in ahead()["unknown"]}
    assert unknown.keys() == {("checkout", "production"), ("storefront", "staging"), ("storefront", "production")}
    assert set(unknown.values()) == {"nothing runs there"}


@pytest.mark.usefixtures("found")
def test_another_team_sees_nothing_of_it(ahead: Callable[..., dict[str, Any]]) -> None:
    seen = ahead(caller="bank-viewer", environment="staging")
    assert (seen["blocked"], seen["clear"]) == ([], [])
    assert [one["app"] for one in seen["unknown"]] == ["payments"]


@pytest.mark.parametrize("asked", [{"date": "2020-01-01"}, {"date": "2027-02-30"}, {"date": "x"}, {"environment": "x"}])
def test_a_day_that_is_none_and_a_place_that_is_none_are_refused(client: FlaskClient, asked: dict[str, str]) -> None:
    answer = client.get("/api/v1/policies/forecast", query_string=asked, headers=bearer("admin"))
    assert answer.status_code == (404 if "environment" in asked else 400)


@pytest.mark.usefixtures("found")
def test_an_app_tells_what_will_block_it_in_the_list_and_alone(apps: Callable[[str], dict[str, Any]]) -> None:
    listed = {one["name"]: one for one in apps("")["items"]}
    places = {one["name"]: one["beginning"] for one in listed["checkout"]["environments"]}
    assert [(one["rule"], one["day"], one["resources"]) for one in places["staging"]] == [
        ("image-pinned", SOON.isoformat(), ["Deployment/checkout"]),
        ("seccomp", (LATER + timedelta(days=1)).isoformat(), ["Deployment/checkout"]),
    ]
    assert places["staging"][0]["days_left"] in (9, 10)  # the day may end while this runs
    assert places["production"] == []
    assert {one["name"]: one["beginning"] for one in apps("/checkout")["environments"]} == places
    assert apps("/checkout/environments/staging")["beginning"] == places["staging"]
    assert all(one["beginning"] == [] for one in listed["storefront"]["environments"])


def test_the_end_of_a_bases_life_is_a_day_on_which_something_begins(
    ahead: Callable[..., dict[str, Any]], store: Store, found: Release
) -> None:
    end = (TODAY + timedelta(days=25)).isoformat()
    soon = replace(entry_of("base-image-current").finding("Deployment/checkout", "", "w"), end_of_life=end)
    store.releases.add_findings(found.id, [soon])
    seen = ahead()
    assert seen["days"][-1] == end
    assert ("base-image-end-of-life", f"its base reaches its end of life on {end}") in blocked(seen)
