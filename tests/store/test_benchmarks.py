"""Measurements and baselines, on each database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipelines.apps import ClusterName
from pipelines.errors import Conflict, InvalidInput, NotFound
from store import NewMeasurement, Store
from tests.benchmarks import benchmark

LOCAL, NOW = ClusterName("local"), datetime.now(UTC)


def measured(**more: Any) -> NewMeasurement:
    wanted: dict[str, Any] = {
        "cluster": LOCAL,
        "node_class": "worker",
        "node": "worker-1",
        "source": "pushed",
        "received_by": "ci",
        "measured_at": NOW,
        "benchmark": benchmark("worker"),
        "digest": "d" * 64,
    }
    return NewMeasurement(**{**wanted, **more})


def test_what_was_measured_last_is_the_posture_whatever_came_in_last(store: Store) -> None:
    newest, _ = store.benchmarks.record(measured(benchmark=benchmark("worker", **{"4.2.6": "PASS"})))
    store.benchmarks.record(measured(measured_at=NOW - timedelta(days=1), node="worker-2"))
    never, worker = store.benchmarks.posture(LOCAL, ["control-plane", "worker"]).classes
    assert (never.newest, never.benchmark, never.baseline) == (None, None, None)
    assert worker.newest == newest
    assert (newest.passed, newest.failed) == (3, 0)
    assert worker.benchmark is not None
    assert worker.benchmark.failed() == {}
    assert store.benchmarks.posture(ClusterName("other"), ["worker"]).classes[0].newest is None


def test_a_newer_report_that_can_not_be_read_takes_the_place_of_one_that_could(store: Store) -> None:
    store.benchmarks.record(measured())
    store.benchmarks.record(
        measured(measured_at=NOW + timedelta(seconds=1), benchmark=None, error="report: it is empty")
    )
    (worker,) = store.benchmarks.posture(LOCAL, ["worker"]).classes
    assert worker.benchmark is None
    assert worker.newest is not None
    assert worker.newest.error == "report: it is empty"


def test_history_is_read_page_by_page_newest_first(store: Store) -> None:
    ids = [store.benchmarks.record(measured(node=f"worker-{n}"))[0].id for n in range(5)]
    first = store.benchmarks.history(LOCAL, 2)
    second = store.benchmarks.history(LOCAL, 2, first.next_cursor)
    third = store.benchmarks.history(LOCAL, 2, second.next_cursor)
    assert [one.id for page in (first, second, third) for one in page.items] == ids[::-1]
    assert third.next_cursor is None
    with pytest.raises(InvalidInput, match="not a cursor"):
        store.benchmarks.history(LOCAL, 2, "x")


def test_the_same_run_is_recorded_once(store: Store) -> None:
    first, is_new = store.benchmarks.record(measured(key="job:1"))
    again, is_new_again = store.benchmarks.record(measured(key="job:1"))
    assert (is_new, is_new_again) == (True, False)
    assert again.id == first.id
    assert store.benchmarks.known_keys(["job:1", "job:2"]) == {"job:1"}
    with pytest.raises(Conflict, match="another report"):
        store.benchmarks.record(measured(key="job:1", digest="e" * 64))


def test_an_accepted_baseline_tells_what_is_new_mended_and_no_longer_measured(store: Store) -> None:
    accepted, _ = store.benchmarks.record(measured(measured_at=NOW - timedelta(days=2)))
    store.benchmarks.record(measured(benchmark=benchmark("worker", **{"4.2.6": "PASS", "4.1.1": "FAIL"})))
    (before,) = store.benchmarks.posture(LOCAL, ["worker"]).classes
    assert [check.id for check in before.new_failures()] == ["4.1.1"]
    assert (before.mended(), before.no_longer_measured()) == ((), ())

    store.benchmarks.accept(LOCAL, accepted.id, accepted_by="admin", reason="iptables are the network team's")
    (after,) = store.benchmarks.posture(LOCAL, ["worker"]).classes
    assert after.baseline is not None
    assert (after.baseline.measurement_id, after.baseline.reason) == (accepted.id, "iptables are the network team's")
    assert [check.id for check in after.new_failures()] == ["4.1.1"]
    assert [check.id for check in after.mended()] == ["4.2.6"]


def test_only_what_is_there_and_readable_can_be_accepted(store: Store) -> None:
    broken, _ = store.benchmarks.record(measured(benchmark=None, error="it is empty"))
    with pytest.raises(InvalidInput, match="can't be read"):
        store.benchmarks.accept(LOCAL, broken.id, accepted_by="admin", reason="x")
    with pytest.raises(NotFound, match="no measurement"):
        store.benchmarks.accept(ClusterName("other"), broken.id, accepted_by="admin", reason="x")
