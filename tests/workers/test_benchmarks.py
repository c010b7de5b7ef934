"""What kube-bench measured in a cluster is collected once, and what failed is no pass."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from configuration.settings import KubeBench, Settings
from pipelines.apps import ClusterName
from pipelines.benchmark import NODE_CLASSES
from pipelines.ports import BenchmarkJob
from store import Store
from tests.benchmarks import report
from workers.benchmarks import collect

LOCAL, NOW = ClusterName("local"), datetime.now(UTC).replace(microsecond=0)
JOB = BenchmarkJob("uid-1", "kube-bench-worker-1", "worker", NOW, "")


class Jobs:
    """Implements `pipelines.ports.BenchmarkJobs`: those that a test says, all on node-a."""

    def __init__(self, *jobs: tuple[BenchmarkJob, str]) -> None:
        self._jobs = jobs
        self.asked: list[str] = []

    def finished(self, namespace: str) -> tuple[BenchmarkJob, ...]:
        assert namespace == "bench"
        return tuple(job for job, _ in self._jobs)

    def report(self, namespace: str, job: BenchmarkJob) -> tuple[str, str]:
        self.asked.append(job.uid)
        return "node-a", next(text for one, text in self._jobs if one == job)


def settings(until: date = date(2126, 1, 1), **more: Any) -> Settings:
    wanted = {
        "kube_bench": {"local": KubeBench("bench", "Ada", "it reads", until)},
        "node_classes": {"local": NODE_CLASSES},
    }
    return cast(Settings, SimpleNamespace(**{**wanted, **more}))


def test_each_job_is_collected_once(store: Store) -> None:
    jobs = Jobs((JOB, report("worker")))
    assert [collect(settings(), store, LOCAL, jobs) for _ in range(2)] == [1, 0]
    assert jobs.asked == ["uid-1"]
    (worker,) = store.benchmarks.posture(LOCAL, ["worker"]).classes
    assert worker.newest is not None
    assert (worker.newest.node, worker.newest.source, worker.newest.measured_at) == ("node-a", "collected", NOW)
    assert worker.benchmark is not None


@pytest.mark.parametrize(
    ("job", "text", "error"),
    [
        (replace(JOB, failure="DeadlineExceeded: too slow"), report("worker"), "failed: DeadlineExceeded: too slow"),
        (JOB, "", "report: it is empty"),
        (JOB, report("worker")[:-50], "breaks off"),
        (JOB, "x" * (2 * 1024 * 1024 + 1), "larger than 2 MiB"),
        (replace(JOB, node_class="control-plane"), report("worker"), "not measured: master"),
    ],
)
def test_what_failed_or_can_not_be_read_takes_the_place_of_what_was_good(
    store: Store, job: BenchmarkJob, text: str, error: str
) -> None:
    good = replace(job, uid="uid-0", finished_at=NOW - timedelta(days=1), failure="")
    collect(settings(), store, LOCAL, Jobs((good, report(job.node_class)), (job, text)))
    (posture,) = store.benchmarks.posture(LOCAL, [job.node_class]).classes
    assert posture.benchmark is None
    assert posture.newest is not None
    assert error in posture.newest.error


@pytest.mark.parametrize(
    "reviewed", [{"kube_bench": {}}, {"until": date(2020, 1, 1)}, {"node_classes": {"local": {"master": ("master",)}}}]
)
def test_nothing_is_collected_that_nobody_has_reviewed_or_asked_for(store: Store, reviewed: dict[str, Any]) -> None:
    jobs = Jobs((JOB, report("worker")))
    assert collect(settings(**reviewed), store, LOCAL, jobs) == 0
    assert jobs.asked == []
