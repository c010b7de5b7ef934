"""How a rollout is watched, on an API server that says what a test wants."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from pipelines.adapters.kube.connection import Connection
from pipelines.adapters.kube.logs import ContainerLog, escaped
from pipelines.adapters.kube.progress import RolloutWatch, Told
from pipelines.adapters.kube.workloads import progress_of
from pipelines.ports import JobLine, PodTrouble, RolloutProgress
from tests.pipelines.live import Serve, live_deployment

# --- how a rollout goes -------------------------------------------------------------------------------------


def _job(*conditions: str, hook: str = "", uid: str = "j1", containers: tuple[str, ...] = ("c",), **status: Any) -> Any:
    """A Job `d-migrate`; `conditions` are those that are true."""
    metadata = {"name": "d-migrate", "namespace": "ns", "uid": uid, "annotations": {"helm.sh/hook": hook}}
    told = [{"type": one, "status": "True", "reason": "DeadlineExceeded", "message": "too long"} for one in conditions]
    pod = {"containers": [{"name": name} for name in containers]}
    return {"metadata": metadata, "spec": {"template": {"spec": pod}}, "status": {"conditions": told, **status}}


def _pod(name: str, **status: Any) -> dict[str, Any]:
    metadata = {"name": name, "creationTimestamp": "2026-01-01T00:00:00Z"}
    return {"metadata": metadata, "spec": {"containers": [{"name": "c"}]}, "status": status}


class Cluster:
    """Answers for one namespace: what it has of each kind, and the pods, events and logs."""

    def __init__(self, pods: Iterable[Any] = (), events: Any = (), log: bytes = b"", **kinds: list[Any]) -> None:
        self.pods, self.events, self.log = list(pods), events, log
        self.kinds = kinds
        self.watched: dict[str, bytes] = {}
        self.failures = 0

    def __call__(self, _method: str, path: str) -> tuple[int, bytes]:
        if "/log" in path:
            return (200, self.log) if self.log else (500, b"")
        if "/events" in path:
            return (403, b"{}") if self.events is None else (200, json.dumps({"items": self.events}).encode())
        if "/pods" in path:
            return (403, b"{}") if self.pods == [None] else (200, json.dumps({"items": self.pods}).encode())
        kind = path.partition("?")[0].rpartition("/")[2]
        if self.failures:
            self.failures -= 1
            return 403, b"{}"
        if "watch=true" in path:
            time.sleep(0.01)
            return 200, self.watched.pop(kind, b"")
        listed = {"metadata": {"resourceVersion": "1"}, "items": self.kinds.get(kind, [])}
        return 200, json.dumps(listed).encode()


def _moved(connection: Connection, live: dict[str, Any], kind: str = "Deployment") -> list[Told]:
    """What is told when `live` moves, its troubles being asked for."""
    watch = RolloutWatch(connection, "d", "ns")
    watch._asked[f"{kind}/{live['metadata']['name']}"] = 0.0
    return list(watch._moved(kind, live))


def _first(connection: Connection, live: dict[str, Any], kind: str = "Deployment") -> RolloutProgress:
    (progress,) = (one for one in _moved(connection, live, kind) if isinstance(one, RolloutProgress))
    return progress


@pytest.mark.parametrize(
    ("status", "ready"),
    [
        pytest.param({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 1}, 1, id="one of two"),
        pytest.param({"replicas": 3, "updatedReplicas": 1, "availableReplicas": 2}, 0, id="old ones are no progress"),
        pytest.param(
            {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}, 0, id="stale"
        ),
        pytest.param({}, 0, id="nothing yet"),
    ],
)
def test_only_new_replicas_count_as_ready(server: Serve, status: dict[str, Any], ready: int) -> None:
    progress = _first(server(Cluster()), live_deployment(**status))
    assert (progress.resource, progress.ready, progress.wanted, progress.troubles) == ("Deployment/d", ready, 2, ())


def test_a_rollout_that_is_through_has_no_troubles(server: Serve) -> None:
    live = live_deployment(replicas=2, updatedReplicas=2, availableReplicas=2)
    progress = _first(server(Cluster([_pod("p")])), live)
    assert progress.is_complete
    assert progress.troubles == ()


WAITING = {
    "name": "c",
    "ready": False,
    "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}},
}
CRASHED = {
    "name": "c",
    "ready": False,
    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
    "lastState": {"terminated": {"exitCode": 137}},
}
STARTING = {"name": "c", "ready": False, "state": {"waiting": {"reason": "ContainerCreating"}}}
RUNNING = {"name": "c", "ready": False, "state": {"running": {}}}
ENDED = {"name": "c", "ready": False, "state": {"terminated": {"reason": "Error", "message": ""}}}
EXITED = {"name": "c", "state": {"terminated": {"reason": "OOMKilled", "message": "it grew\n", "exitCode": 137}}}
WELL = {"name": "c", "ready": True, "state": {"running": {}}}
UNSCHEDULED = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node"}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ({"containerStatuses": [WAITING]}, ("c", "ImagePullBackOff", "no such image")),
        ({"containerStatuses": [CRASHED]}, ("c", "CrashLoopBackOff", "back-off, last exit code 137")),
        ({"containerStatuses": [ENDED]}, ("c", "Error", "")),
        ({"containerStatuses": [EXITED]}, ("c", "OOMKilled", "it grew, exit code 137")),
        ({"containerStatuses": [STARTING]}, ("c", "not ready", "not started")),
        ({"containerStatuses": [WELL, RUNNING]}, ("c", "not ready", "running, readiness probe not answered")),
        ({"initContainerStatuses": [{**WAITING, "name": "i"}]}, ("i", "ImagePullBackOff", "no such image")),
        ({"conditions": [{"type": "X", "status": "True"}, UNSCHEDULED]}, ("c", "PodScheduled is false", "no node")),
        ({"conditions": [{"type": "Ready", "status": "False"}]}, ("c", "Ready is false", "")),
        ({"phase": "Pending"}, ("c", "Pending", "")),
        ({"phase": "Pending", "containerStatuses": [WELL]}, ("c", "Pending", "")),
        ({}, ("c", "Unknown", "")),
    ],
)
def test_why_a_pod_is_not_ready_is_told(server: Serve, status: dict[str, Any], reason: tuple[str, str, str]) -> None:
    events = [
        {"reason": "BackOff", "message": "second", "lastTimestamp": "2026-01-01T00:00:02Z"},
        {"reason": "Failed", "message": "first", "eventTime": "2026-01-01T00:00:01Z"},
    ]
    answers = Cluster([_pod("p", **status)], events, b"line\n")
    (trouble,) = _first(server(answers), live_deployment()).troubles
    assert (trouble.container, trouble.condition, trouble.message) == reason
    assert trouble.events == ("Failed: first", "BackOff: second")
    assert trouble.log_tail == ("line",)


def test_pods_that_are_ready_or_going_are_no_trouble(server: Serve) -> None:
    ready = _pod("ready", conditions=[{"type": "Ready", "status": "True"}])
    going = _pod("going")
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert _first(server(Cluster([ready, going])), live_deployment()).troubles == ()


def test_events_that_may_not_be_read_are_none(server: Serve) -> None:
    (trouble,) = _first(server(Cluster([_pod("p")], None)), live_deployment()).troubles
    assert (trouble.events, trouble.log_tail) == ((), ())


def test_pods_that_may_not_be_read_are_no_trouble(server: Serve) -> None:
    assert _first(server(Cluster([None])), live_deployment()).troubles == ()
    assert _moved(server(Cluster([None])), _job(active=1), "Job") == [RolloutProgress("Job/d-migrate", 0, 1, 1, ())]


@pytest.mark.parametrize(
    ("status", "counts"),
    [
        pytest.param({"replicas": 3, "updatedReplicas": 3, "readyReplicas": 3}, (3, 3), id="done"),
        pytest.param({"replicas": 3, "updatedReplicas": 1, "readyReplicas": 3}, (1, 1), id="one new one is ready"),
        pytest.param({"replicas": 3, "updatedReplicas": 1, "readyReplicas": 2}, (0, 1), id="one new one is not"),
        pytest.param(
            {"observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3}, (0, 0), id="stale"
        ),
    ],
)
def test_a_stateful_set_is_counted_by_its_new_pods(status: dict[str, Any], counts: tuple[int, int]) -> None:
    live = live_deployment(**status)
    live["spec"]["replicas"] = 3
    progress = progress_of("StatefulSet", live)
    assert (progress.resource, progress.ready, progress.updated) == ("StatefulSet/d", *counts)


def test_a_stateful_set_whose_pods_nobody_replaces_is_not_waited_for() -> None:
    live = live_deployment(replicas=2, updatedReplicas=0, readyReplicas=2)
    live["spec"]["updateStrategy"] = {"type": "OnDelete"}
    assert progress_of("StatefulSet", live).is_complete


@pytest.mark.parametrize(
    ("job", "counts"),
    [
        (_job("Complete", succeeded=1), (1, 1, "")),
        (_job("Complete"), (1, 1, "")),
        (_job(active=1), (0, 1, "")),
        (_job(), (0, 0, "")),
        (_job("Failed", failed=1), (0, 1, "DeadlineExceeded: too long")),
    ],
)
def test_a_job_is_counted_by_the_pods_that_succeeded(job: Any, counts: tuple[int, int, str]) -> None:
    progress = progress_of("Job", job)
    assert (progress.ready, progress.updated, progress.failure) == counts


# --- Jobs and what they write -------------------------------------------------------------------------------

FAILED_POD = {"phase": "Failed", "containerStatuses": [{"name": "c", "state": {"terminated": {"exitCode": 3}}}]}
PROXY = {"name": "istio-proxy", "state": {"terminated": {"exitCode": 137, "reason": "Error"}}}


def _of_job(name: str = "p", **status: Any) -> dict[str, Any]:
    pod = _pod(name, **status)
    pod["metadata"]["namespace"] = "ns"
    return pod


def test_a_hook_that_is_over_when_first_seen_is_told_with_its_log(server: Serve) -> None:
    answers = Cluster([_of_job()], log=b"T1 one\nT2 two\n")
    told = _moved(server(answers), _job("Complete", hook="pre-upgrade"), "Job")
    assert told[:-1] == [JobLine("migrate", "one"), JobLine("migrate", "two")]


def test_a_line_of_several_containers_says_which(server: Serve) -> None:
    told = _moved(server(Cluster([_of_job()], log=b"T1 one\n")), _job(containers=("a", "b")), "Job")
    assert told[:-1] == [JobLine("d-migrate/a", "one"), JobLine("d-migrate/b", "one")]


def test_a_pod_that_failed_is_told_by_the_container_of_the_team(server: Serve) -> None:
    pod = _of_job(**{**FAILED_POD, "initContainerStatuses": [PROXY]})
    (trouble,) = _first(server(Cluster([pod])), _job("FailureTarget"), "Job").troubles
    assert (trouble.container, trouble.condition, trouble.message) == ("c", "terminated", "exit code 3")


def test_a_job_that_ran_out_of_time_is_told_with_what_its_pod_wrote_before_it_was_ended(server: Serve) -> None:
    answers = Cluster([_of_job(phase="Running")], log=b"T1 waiting for a lock\n")
    watch = RolloutWatch(server(answers), "d", "ns")
    assert JobLine("d-migrate", "waiting for a lock") in watch._moved("Job", _job(active=1))
    answers.pods = []
    (told,) = watch._moved("Job", _job("Failed", failed=1))
    assert isinstance(told, RolloutProgress)
    assert told.troubles == (PodTrouble("p", "c", "DeadlineExceeded", "too long", (), ("waiting for a lock",)),)


def test_a_job_of_which_no_pod_or_line_was_seen_is_told_all_the_same(server: Serve) -> None:
    answers = Cluster()
    told = _first(server(answers), _job("Failed"), "Job")
    assert told.troubles == (PodTrouble("", "c", "DeadlineExceeded", "too long", (), ()),)
    watch = RolloutWatch(server(answers), "d", "ns")
    answers.pods = [_of_job(phase="Running")]
    list(watch._moved("Job", _job(active=1)))
    (silent,) = (one for one in watch._moved("Job", _job("Failed")) if isinstance(one, RolloutProgress))
    assert (silent.troubles[0].pod, silent.troubles[0].log_tail) == ("p", ())


def test_what_a_cron_job_started_is_no_part_of_a_rollout(server: Serve) -> None:
    job = _job(active=1)
    job["metadata"]["ownerReferences"] = [{"kind": "CronJob", "name": "d"}]
    assert _moved(server(Cluster()), job, "Job") == []


def test_what_is_being_removed_is_no_progress(server: Serve) -> None:
    job = _job(active=1)
    job["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert _moved(server(Cluster()), job, "Job") == []


def test_a_log_is_told_once_and_within_bounds(server: Serve) -> None:
    answers = Cluster(log=b"")
    log = ContainerLog(server(answers), "ns", "p", "c")
    assert log.new_lines() == []
    answers.log = b"T1 a\nT2 a\n"
    assert log.new_lines() == ["a", "a"]
    answers.log += b"T3 b\n"
    assert log.new_lines() == ["b"]
    assert log.new_lines() == []
    answers.log = b"".join(b"T%03d line %d\n" % (100 + one, one) for one in range(199))
    assert len(log.new_lines()) == 97
    answers.log = b"T900 last\n"
    assert log.new_lines() == []
    rest = log.rest()
    assert (rest[0], len(rest), rest[-1]) == ("… 3 lines are left out …", 101, "last")
    assert log.rest() == []
    assert log.tail[-1] == "last"


def test_a_line_can_not_drive_a_terminal_nor_fill_the_store() -> None:
    assert escaped("\x1b[31mred\x07\tand\u202eback") == "\\x1b[31mred\\x07\tand\\u202eback"
    assert escaped("ü" * 4096) == "ü" * 2048 + " … (cut)"


# --- the watch itself ---------------------------------------------------------------------------------------


def _event(kind: str, live: Any) -> bytes:
    return json.dumps({"type": kind, "object": live}).encode() + b"\n"


def _watch(server: Serve, answers: Cluster, until: int, meanwhile: Callable[[], None] = lambda: None) -> list[Told]:
    """What a watch tells that is stopped after so many things were told; `meanwhile` happens when it has begun."""
    stop, told = threading.Event(), []
    watch = RolloutWatch(server(answers), "d", "ns")
    meanwhile()
    if not until:
        stop.set()
    for one in watch.told(stop):
        told.append(one)
        if len(told) == until:
            stop.set()
    return told


def test_a_watch_tells_each_move_of_each_kind_and_ends_when_it_should(server: Serve) -> None:
    moved = live_deployment(replicas=2, updatedReplicas=2, availableReplicas=2)
    answers = Cluster(deployments=[live_deployment()])
    answers.watched = {"deployments": _event("BOOKMARK", {}) + _event("MODIFIED", moved)}
    answers.watched["jobs"] = _event("ADDED", _job(active=1))
    missing = {("Deployment/d", 0), ("Deployment/d", 2), ("Job/d-migrate", 0)}
    stop = threading.Event()
    threading.Timer(5, stop.set).start()  # for when it is never told
    for one in RolloutWatch(server(answers), "d", "ns").told(stop):
        assert isinstance(one, RolloutProgress)
        missing.discard((one.resource, one.ready))
        if not missing:
            stop.set()
    assert missing == set()


@pytest.mark.parametrize(
    ("kind", "live"),
    [
        ("deployments", live_deployment(replicas=2, updatedReplicas=2, availableReplicas=2)),
        ("jobs", _job("Complete")),
        ("jobs", _job("Failed")),
        ("jobs", _job(active=1, hook="pre-upgrade")),
    ],
)
def test_what_was_settled_before_the_rollout_is_not_of_it(server: Serve, kind: str, live: Any) -> None:
    answers = Cluster(**{kind: [live]})
    assert _watch(server, answers, 0) == []
    watch = RolloutWatch(server(answers), "d", "ns")
    assert list(watch._moved({"jobs": "Job"}.get(kind, "Deployment"), live)) == []


def test_what_was_settled_and_is_touched_is_of_the_rollout(server: Serve) -> None:
    done = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}
    watch = RolloutWatch(server(Cluster(deployments=[live_deployment(generation=2, **done)])), "d", "ns")
    assert len(list(watch._moved("Deployment", live_deployment(generation=3, **done)))) == 1


def test_a_hook_that_ended_after_the_last_look_is_told_with_all_it_wrote(server: Serve) -> None:
    answers = Cluster([_of_job()], log=b"".join(b"T%d x\n" % one for one in range(102)))

    def ended() -> None:
        answers.kinds["jobs"] = [_job("Complete", hook="post-upgrade"), _job("Complete", uid="j2")]

    told = _watch(server, answers, 0, ended)
    assert len([one for one in told if isinstance(one, JobLine)]) == 102
    assert [one.resource for one in told if isinstance(one, RolloutProgress)] == ["Job/d-migrate"]


def test_a_job_that_failed_after_the_last_look_is_told_with_its_reason(server: Serve) -> None:
    answers = Cluster([_of_job(phase="Failed")])
    told = _watch(server, answers, 0, lambda: answers.kinds.update(jobs=[_job("FailureTarget")]))
    (progress,) = (one for one in told if isinstance(one, RolloutProgress))
    assert progress.failure == "DeadlineExceeded: too long"
    assert progress.troubles


def test_what_a_job_wrote_that_did_not_end_is_told_when_nobody_waits_for_it(server: Serve) -> None:
    answers = Cluster([_of_job()], log=b"".join(b"T%d x\n" % one for one in range(102)))
    told = _watch(server, answers, 101, lambda: answers.kinds.update(jobs=[_job(active=1)]))
    assert len([one for one in told if isinstance(one, JobLine)]) == 102


def test_a_log_is_read_again_while_the_job_goes_on(server: Serve) -> None:
    answers = Cluster([_of_job(phase="Running")], log=b"T1 one\n")
    watch = RolloutWatch(server(answers), "d", "ns")
    list(watch._moved("Job", _job(active=1)))
    answers.log += b"T2 two\n"
    assert list(watch._written()) == [JobLine("d-migrate", "two")]
    answers.log += b"T3 three\n"
    assert list(watch._written()) == []  # it was asked a moment ago


def test_a_watch_that_breaks_is_begun_again(server: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.adapters.kube.progress._EVERY_SECONDS", 0.01)
    answers = Cluster()

    def breaks() -> None:
        answers.failures = 3
        answers.kinds["deployments"] = [live_deployment()]

    assert [one.ready for one in _watch(server, answers, 1, breaks) if isinstance(one, RolloutProgress)] == [0]


def test_jobs_that_may_not_be_listed_in_the_end_are_none(server: Serve) -> None:
    answers = Cluster()
    assert _watch(server, answers, 0, lambda: setattr(answers, "failures", 99)) == []
