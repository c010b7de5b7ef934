"""What kube-bench measured: handed in, refused, read again, accepted."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from configuration.file import load
from gateway.app import create_app
from pipelines.apps import ClusterName
from pipelines.ports import ClusterFacts
from store import Store
from store.queue import RedisQueue
from tests.benchmarks import report, report_with

from .conftest import bearer

CLUSTER = "/api/v1/clusters/local"
BENCHMARKS = f"{CLUSTER}/benchmarks"
Push = Callable[..., TestResponse]


@pytest.fixture
def push(client: FlaskClient) -> Push:
    def push(node_class: str = "worker", *, caller: str = "measurer", key: str = "", **more: Any) -> TestResponse:
        body = {"node_class": node_class, "node": f"{node_class}-1", **more}
        body.setdefault("report", report("worker" if node_class == "workers" else node_class))
        return client.post(BENCHMARKS, json=body, headers=bearer(caller) | ({"Idempotency-Key": key} if key else {}))

    return push


def posture(client: FlaskClient, query: str = "") -> dict[str, Any]:
    answer: dict[str, Any] = client.get(BENCHMARKS + query, headers=bearer("shop-viewer")).get_json()
    return answer


def test_what_was_never_measured_says_so(client: FlaskClient) -> None:
    classes = posture(client)["node_classes"]
    assert [(one["name"], one["state"], one["age_days"]) for one in classes] == [
        ("control-plane", "not measured", None),
        ("worker", "not measured", None),
    ]


def test_a_report_shows_what_fails_with_what_to_do(client: FlaskClient, push: Push) -> None:
    stored = push("control-plane")
    assert stored.status_code == 201
    assert stored.get_json()["received_by"] == "measurer"
    control_plane = posture(client)["node_classes"][0]
    assert control_plane["state"] == "measured"
    assert [check["id"] for check in control_plane["failures"]] == ["1.1.12", "1.2.15"]
    assert "--profiling=false" in control_plane["failures"][1]["remediation"]
    assert control_plane["newest"] == stored.get_json()


@pytest.mark.parametrize(
    ("change", "status", "code", "where"),
    [
        ({"report": "{}"}, 422, "unreadable-benchmark", "report"),
        ({"report": report("worker") * 2}, 422, "unreadable-benchmark", "line"),
        ({"report": report("control-plane")}, 422, "unreadable-benchmark", "Controls"),
        ({"report": "x" * (2 * 1024 * 1024 + 1)}, 422, "unreadable-benchmark", "report"),
        ({"report": "x" * (4 * 1024 * 1024 + 4096)}, 413, "body-too-large", None),
        ({"node_class": "workers"}, 400, "invalid-input", "node_class"),
        ({"node": "../x"}, 400, "invalid-input", "node"),
        ({"measured_at": "yesterday"}, 400, "invalid-input", "measured_at"),
        ({"measured_at": "2026-11-24T03:00:00"}, 400, "invalid-input", "measured_at"),
        ({"measured_at": "2126-11-24T03:00:00Z"}, 400, "invalid-input", "measured_at"),
    ],
)
def test_what_can_not_be_believed_is_refused_and_counts_for_nothing(
    client: FlaskClient, push: Push, change: dict[str, str], status: int, code: str, where: str | None
) -> None:
    answer = push(**change)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert str(answer.get_json().get("where")).startswith(where or "None")
    assert posture(client)["history"] == []


def test_other_requests_are_still_bounded_by_the_limit_of_gateway_yaml(client: FlaskClient) -> None:
    body = {"measurement": "0" * 26, "reason": "x" * 5000}
    answer = client.post("/api/v1/clusters/local/baselines", json=body, headers=bearer("admin"))
    assert answer.status_code == 413


def test_a_repeat_with_the_same_key_is_stored_once(client: FlaskClient, push: Push) -> None:
    first, again = push(key="run-1"), push(key="run-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.get_json()["id"] == first.get_json()["id"]
    assert push(key="run-1", report=report_with("worker", **{"4.1.1": "FAIL"})).status_code == 409
    assert len(posture(client)["history"]) == 1


def test_an_accepted_baseline_tells_old_failures_from_new_ones(client: FlaskClient, push: Push) -> None:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    accepted = push(measured_at=yesterday).get_json()["id"]
    body = {"measurement": accepted, "reason": "The network team's"}
    answer = client.post("/api/v1/clusters/local/baselines", json=body, headers=bearer("admin"))
    assert answer.get_json()["accepted_by"] == "admin"
    push(report=report_with("worker", **{"4.1.1": "FAIL"}))
    worker = posture(client)["node_classes"][1]
    assert {check["id"]: check["is_new"] for check in worker["failures"]} == {"4.1.1": True, "4.2.6": False}
    assert worker["baseline"]["reason"] == "The network team's"


def test_the_history_goes_on_with_the_cursor(client: FlaskClient, push: Push) -> None:
    ids = [push(node=f"worker-{n}").get_json()["id"] for n in range(3)]
    first = posture(client, "?limit=2")
    second = posture(client, f"?limit=2&cursor={first['next_cursor']}")
    assert [one["id"] for one in first["history"] + second["history"]] == ids[::-1]
    assert second["next_cursor"] is None


def test_a_cluster_says_what_kube_bench_is_exempted_from(config: Path, store: Store) -> None:
    exempted = '{kube_bench: {namespace: bench, exempted_by: Ada, until: "2126-06-30"}, node_classes: {worker: [node]}}'
    config.write_text(config.read_text().replace("clusters: {local: {}}", f"clusters: {{local: {exempted}}}"))
    settings = load(config)
    client = create_app(settings, store, RedisQueue(settings.redis_url)).test_client()
    (cluster,) = client.get("/api/v1/clusters", headers=bearer("shop-viewer")).get_json()["items"]
    assert cluster == client.get("/api/v1/clusters/local", headers=bearer("shop-viewer")).get_json()
    assert cluster["node_classes"] == ["worker"]
    assert cluster["environments"] == ["production", "staging"]
    assert cluster["kube_bench"] == {
        "namespace": "bench",
        "privileges": ["root", "DAC_READ_SEARCH", "hostPID", "read-only hostPath"],
        "exempted_by": "Ada",
        "reason": "kube-bench reads the processes and files of its node, and changes nothing",
        "until": "2126-06-30",
        "in_force": True,
    }


def test_a_cluster_that_is_not_there_is_not_found(client: FlaskClient) -> None:
    answer = client.get("/api/v1/clusters/nonesuch/benchmarks", headers=bearer("admin"))
    assert answer.status_code == 404
    assert "local" in answer.get_json()["solution"]


FACTS = ClusterFacts("v1.36.3", ("v1", "v1/Pod"), {"v1/Pod": {"type": "object", "properties": {}}})


@pytest.mark.parametrize("accepted", ["identity", "deflate", "gzip, deflate;q=0"])
def test_what_a_cluster_knows_is_given_as_it_was_published(client: FlaskClient, store: Store, accepted: str) -> None:
    store.clusters.publish(ClusterName("local"), FACTS)
    answer = client.get(f"{CLUSTER}/facts", headers=bearer("shop-viewer") | {"Accept-Encoding": accepted})
    is_compressed = accepted == "deflate"
    assert (answer.status_code, answer.content_encoding) == (200, "deflate" if is_compressed else None)
    content = zlib.decompress(answer.data) if is_compressed else answer.data
    assert json.loads(content) == {
        "kubernetes_version": "v1.36.3",
        "api_versions": ["v1", "v1/Pod"],
        "schemas": {"v1/Pod": {"type": "object", "properties": {}}},
    }


def test_what_a_cluster_knows_is_not_sent_again_while_it_is_the_same(client: FlaskClient, store: Store) -> None:
    store.clusters.publish(ClusterName("local"), FACTS)
    first = client.get(f"{CLUSTER}/facts", headers=bearer("shop-viewer"))
    headers = bearer("shop-viewer") | {"If-None-Match": first.headers["ETag"]}
    assert client.get(f"{CLUSTER}/facts", headers=headers).status_code == 304
    store.clusters.publish(ClusterName("local"), replace(FACTS, kubernetes_version="v1.36.4"))
    assert client.get(f"{CLUSTER}/facts", headers=headers).status_code == 200


def test_of_a_cluster_that_has_not_told_of_itself_nothing_is_known(client: FlaskClient) -> None:
    answer = client.get(f"{CLUSTER}/facts", headers=bearer("shop-viewer"))
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not-found")
    assert "worker deploy --cluster local" in answer.get_json()["solution"]
