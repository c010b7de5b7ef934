"""Each address × each role × own and other team: a new address without an entry here fails."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from pipelines.apps import RELEASE_ID_PATTERN, ClusterName
from pipelines.ports import ClusterFacts
from pipelines.states import ReleaseState
from store import NewWaiver, Release, Store, WaiverFilter
from tests.benchmarks import report

from .conftest import TOKENS, bearer

API = "/api/v1"
MEASURED = {"node_class": "worker", "node": "worker-1", "report": report("worker")}
WAIVER = {
    "rule": "image-pinned",
    "app": "{app}",
    "resource": "Deployment/checkout",
    "owner": "Ada",
    "reason": "The vendor has no tags",
    "until": (datetime.now(UTC) + timedelta(days=30)).date().isoformat(),
}
ALL = (200, 200, 200, 200, 200)
ASK = {"app": "{app}", "environment": "staging", "ref": "main"}

# (method, rule) → body, then the answers for: viewer, developer, approver, on-call and platform-admin of the App's
# team; None in place of all: needs no token; "signed": takes a signature, and no token
# whatever; "no provider": needs no token, and there is nowhere to sign in.
ROUTES: dict[tuple[str, str], tuple[dict[str, object] | None, tuple[int, int, int, int, int] | str | None]] = {
    ("GET", "/healthz"): (None, None),
    ("GET", "/readyz"): (None, None),
    ("GET", "/openapi.json"): (None, None),
    ("GET", "/schemas/deploy.yaml.json"): (None, None),
    ("POST", f"{API}/webhooks/<forge>"): ({}, "signed"),
    ("GET", f"{API}/sign-in"): (None, "no provider"),
    ("POST", f"{API}/sign-in"): ({"id_token": "eyJ.e.x"}, "no provider"),
    ("DELETE", f"{API}/sign-in"): (None, ALL),
    ("GET", f"{API}/releases"): (None, ALL),
    ("POST", f"{API}/releases"): (ASK, (403, 202, 403, 202, 202)),
    ("GET", f"{API}/releases/<release_id>"): (None, ALL),
    ("GET", f"{API}/releases/<release_id>/events"): (None, ALL),
    ("POST", f"{API}/releases/<release_id>/cancel"): (None, (403, 202, 403, 202, 202)),
    ("GET", f"{API}/apps"): (None, ALL),
    ("GET", f"{API}/apps/<app>"): (None, ALL),
    ("GET", f"{API}/apps/<app>/environments/<environment>"): (None, ALL),
    ("POST", f"{API}/apps/<app>/environments/<environment>/rollback"): (
        {"reason": "it is 3 a.m."},
        (403, 202, 403, 202, 202),
    ),
    ("GET", f"{API}/policies"): (None, ALL),
    ("GET", f"{API}/policies/<path:rule>"): (None, ALL),
    ("GET", f"{API}/policies/forecast"): (None, ALL),
    ("GET", f"{API}/waivers"): (None, ALL),
    ("POST", f"{API}/waivers"): (WAIVER, (403, 403, 403, 403, 201)),
    ("GET", f"{API}/waivers/<waiver_id>"): (None, ALL),
    ("DELETE", f"{API}/waivers/<waiver_id>"): (None, (403, 403, 403, 403, 200)),
    ("GET", f"{API}/clusters"): (None, ALL),
    ("GET", f"{API}/clusters/<cluster>"): (None, ALL),
    ("GET", f"{API}/clusters/<cluster>/facts"): (None, ALL),
    ("GET", f"{API}/clusters/<cluster>/benchmarks"): (None, ALL),
    ("POST", f"{API}/clusters/<cluster>/benchmarks"): (MEASURED, (403, 403, 403, 403, 201)),
    ("POST", f"{API}/clusters/<cluster>/baselines"): (
        {"measurement": "0" * 26, "reason": "known"},
        (403, 403, 403, 403, 404),
    ),
}
LISTS = {f"{API}/releases", f"{API}/apps", f"{API}/waivers"}
NO_TEAMS = {rule for _, rule in ROUTES if any(part in rule for part in ("/clusters", "/policies", "/sign-in"))}
CALLERS = {"shop-viewer": 0, "shop-developer": 1, "shop-approver": 2, "shop-on-call": 3, "admin": 4}
MATRIX = [
    (method, rule, caller)
    for method, rule in ROUTES
    for caller in [*CALLERS, "bank-developer", "bank-approver", "bank-on-call", "measurer"]
]
PROTECTED = [key for key, (_, expected) in ROUTES.items() if isinstance(expected, tuple)]


@pytest.fixture
def history(deploy: Callable[..., Release], accept: Callable[..., Release], store: Store) -> Release:
    """Two good Releases and one that waits, in a cluster that has told of itself."""
    store.clusters.publish(ClusterName("local"), ClusterFacts("v1.36.3", ("v1",), {"v1/Pod": {}}))
    deploy(1)
    deploy(2)
    store.waivers.add(
        NewWaiver("image-pinned", "checkout", "", "*", "Ada", "x", datetime.now(UTC).date(), created_by="admin")
    )
    return accept()


@pytest.fixture
def call(client: FlaskClient, store: Store) -> Callable[..., TestResponse]:
    def call(method: str, rule: str, *, app: str, release: str, headers: dict[str, str]) -> TestResponse:
        body, _ = ROUTES[method, rule]
        path = rule.replace("<release_id>", release).replace("<app>", app).replace("<environment>", "staging")
        waivers = store.waivers.find(WaiverFilter(), 1).items if release != "0" * 26 else ()
        path = path.replace("<waiver_id>", waivers[0].id if waivers else "0" * 26)
        path = (
            path.replace("<forge>", "github")
            .replace("<cluster>", "local")
            .replace("<path:rule>", "kube-score/pod-probes")
        )
        sent = None if body is None else {key: str(value).replace("{app}", app) for key, value in body.items()}
        return client.open(path, method=method, json=sent, headers=headers)

    return call


def test_every_address_has_an_entry(app: Flask) -> None:
    served = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
        if method != "HEAD" and not rule.endpoint.startswith("pages.")  # tests/gateway/test_pages.py has those
    }
    assert served == set(ROUTES)


@pytest.mark.parametrize(("method", "rule", "caller"), MATRIX)
def test_each_role_gets_what_it_may(
    call: Callable[..., TestResponse], history: Release, store: Store, method: str, rule: str, caller: str
) -> None:
    if "events" in rule:
        store.releases.transition(history.id, ReleaseState.CANCELLED)
    answer = call(method, rule, app="checkout", release=history.id, headers=bearer(caller))
    expected = ROUTES[method, rule][1]
    if expected is None:
        assert answer.status_code == 200
    elif expected == "no provider":
        assert (answer.status_code, "knows no identity provider" in answer.text) == (404, True)
    elif expected == "signed":
        assert (answer.status_code, answer.get_json()["code"]) == (401, "not-signed")
    elif caller in CALLERS:
        assert answer.status_code == expected[CALLERS[caller]], answer.text
        if answer.status_code == 403:
            assert_tells_what_is_missing(answer, caller)
    elif rule in NO_TEAMS:
        measures = caller == "measurer" and rule.endswith("/benchmarks") and method == "POST"
        assert answer.status_code == (201 if measures else expected[0])
    elif rule in LISTS and method == "GET":
        assert "checkout" not in answer.text
    else:
        assert answer.status_code == 404


def assert_tells_what_is_missing(answer: TestResponse, caller: str) -> None:
    problem = answer.get_json()
    assert f"the permission `{problem['permission']}`" in problem["detail"]
    assert caller.removeprefix("shop-") not in problem["roles"]
    assert "platform-admin" in problem["roles"]
    assert "#platform" in problem["solution"]


@pytest.mark.parametrize(("method", "rule"), PROTECTED)
def test_without_a_valid_token_there_is_nothing(
    call: Callable[..., TestResponse], history: Release, method: str, rule: str
) -> None:
    """All that is no token in one test: a gateway for each took more time than all that it answers."""
    near_miss = f"Bearer {TOKENS['admin'][:-1]}!"
    no_scheme, another_scheme = TOKENS["admin"], f"Basic {TOKENS['admin']}"
    for sent in (None, "", "Bearer", "Bearer ", "Bearer dg_nope", another_scheme, no_scheme, near_miss):
        headers = {} if sent is None else {"Authorization": sent}
        answers = [
            call(method, rule, app=app, release=release, headers=headers)
            for app, release in (("checkout", history.id), ("nonesuch", "0" * 26))
        ]
        assert [answer.status_code for answer in answers] == [401, 401], sent
        bodies = [{**answer.get_json(), "instance": ""} for answer in answers]
        assert bodies[0] == bodies[1], sent
        assert answers[0].headers["WWW-Authenticate"].startswith("Bearer"), sent


@pytest.mark.parametrize(
    ("method", "rule"),
    [key for key in PROTECTED if key[1] not in NO_TEAMS and (key[1] not in LISTS or key[0] == "POST")],
)
@pytest.mark.parametrize("role", ["viewer", "developer", "on-call"])
def test_another_teams_app_answers_like_one_that_does_not_exist(
    call: Callable[..., TestResponse], history: Release, method: str, rule: str, role: str
) -> None:
    absent = "0" * 26
    theirs = call(method, rule, app="checkout", release=history.id, headers=bearer(f"bank-{role}"))
    nobodys = call(method, rule, app="nonesuch", release=absent, headers=bearer(f"bank-{role}"))

    def shape(answer: TestResponse, app: str, release: str) -> dict[str, str]:
        texts = {key: str(value).replace(app, "APP").replace(release, "ID") for key, value in answer.get_json().items()}
        return {key: re.sub(RELEASE_ID_PATTERN, "ID", text) for key, text in texts.items()}

    assert theirs.status_code == nobodys.status_code == 404
    assert shape(theirs, "checkout", history.id) == shape(nobodys, "nonesuch", absent)
    ignored = {"X-Request-Id", "Content-Length"}
    assert {k: v for k, v in theirs.headers if k not in ignored} == {
        k: v for k, v in nobodys.headers if k not in ignored
    }


@pytest.mark.parametrize("path", [*sorted({rule for _, rule in ROUTES}), "/nope"])
def test_an_unknown_address_or_method_is_a_problem(client: FlaskClient, path: str) -> None:
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
    for method in (one for one in methods if (one, path) not in ROUTES):
        answer = client.open(path, method=method, headers=bearer("admin"))
        assert answer.status_code in (404, 405), method
        assert answer.content_type == "application/problem+json", method
        assert answer.get_json()["solution"], method
        if answer.status_code == 405:
            assert answer.headers["Allow"], method


@pytest.mark.parametrize("query", ["team=shop", "app=checkout", "environment=staging", "state=deployed"])
def test_no_filter_leads_to_another_teams_releases(client: FlaskClient, history: Release, query: str) -> None:
    answer = client.get(f"{API}/releases?{query}", headers=bearer("bank-on-call"))
    assert answer.get_json() == {"items": [], "next_cursor": None}
