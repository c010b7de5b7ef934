"""The deploy zone's half: preflight, rollout, verify, on a cluster and a Helm that do as a test says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from pipelines.apps import Environment, Mesh
from pipelines.errors import BundleMismatch, PreflightRefused, RolloutFailed, Unavailable
from pipelines.findings import Mode
from pipelines.namespaces import POD_SECURITY_LABEL
from pipelines.ports import (
    Change,
    HelmRevision,
    HostHolder,
    JobLine,
    Manifest,
    PodTrouble,
    RolloutProgress,
)
from pipelines.reporting import Cancelled
from pipelines.states import ReleaseState, StageName, StageState
from pipelines.waivers import Waiver
from tests.pipelines.deploying import BUNDLE, MANIFEST, TROUBLE, Place, Told, run_deploy
from tests.pipelines.test_apps import STAGING


def test_what_is_well_is_deployed_and_told() -> None:
    place = Place()
    done, told, _ = run_deploy(place)
    assert (done.state, done.revision) == (ReleaseState.DEPLOYED, 3)
    assert place.made == ["checkout-staging"]
    assert told.stages == [
        (StageName.PREFLIGHT, StageState.RUNNING, ""),
        (StageName.PREFLIGHT, StageState.PASSED, "update 1"),
        (StageName.ROLLOUT, StageState.RUNNING, ""),
        (StageName.ROLLOUT, StageState.PASSED, "revision 3"),
        (StageName.VERIFY, StageState.RUNNING, ""),
        (StageName.VERIFY, StageState.PASSED, "1 objects are as they were checked"),
    ]


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_host_that_another_app_has_is_refused_before_anything_is_written(dry_run: bool) -> None:
    rules = b"spec: {rules: [{host: a.example.com}]}\n"
    ingress = b"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: checkout}\n" + rules
    place = Place(has_namespace=False, holders=(HostHolder("a.example.com", "Ingress/x", "x-staging", "x"),))
    with pytest.raises(PreflightRefused, match=r"the host a\.example\.com is taken: the App x exposes it"):
        run_deploy(place, bundle=replace(BUNDLE, manifest=ingress), rendered=ingress, dry_run=dry_run)
    assert place.made == []


@pytest.mark.parametrize(("is_resumed", "lines"), [(False, ["removed"]), (True, [])])
def test_a_job_that_failed_in_an_earlier_release_is_removed_and_not_one_of_this(
    is_resumed: bool, lines: list[str]
) -> None:
    _, told, _ = run_deploy(Place(removed=("removed",)), is_resumed=is_resumed)
    assert told.lines == lines


@pytest.mark.parametrize("there", [True, False])
def test_a_dry_run_writes_nothing(there: bool) -> None:
    place = Place(has_namespace=there)
    done, told, helm = run_deploy(place, dry_run=True)
    action = "update" if there else "create"
    assert (done.state, done.message) == (ReleaseState.PLANNED, f"nothing was changed; it would {action} 1")
    assert [one.action for one in told.changed] == [action]
    assert place.made == []
    assert helm.upgrades == 0


@pytest.mark.parametrize(
    ("environment", "label", "value"),
    [
        pytest.param(STAGING, "pod-security.kubernetes.io/enforce", "restricted", id="enforced"),
        pytest.param(
            replace(STAGING, rule_modes={"seccomp": Mode.WARN}),
            "pod-security.kubernetes.io/enforce",
            "privileged",
            id="warned",
        ),
        pytest.param(replace(STAGING, mode=Mode.WARN), "pod-security.kubernetes.io/warn", "restricted", id="told"),
        pytest.param(STAGING, "istio-injection", "enabled", id="mesh"),
        pytest.param(replace(STAGING, mesh=Mesh.NONE), "istio-injection", "disabled", id="no mesh"),
        pytest.param(STAGING, "deploy-gateway.dev/managed", "true", id="managed"),
    ],
)
def test_the_namespace_is_labelled_as_its_environment_is(environment: Environment, label: str, value: str) -> None:
    place = Place()
    run_deploy(place, environment=environment)
    assert place.labels[label] == value


_MADE = datetime(2026, 1, 1, tzinfo=UTC)
WAIVER = Waiver("w1", "seccomp", "checkout", "", "*", "ann", "it is rebuilt", date(2030, 1, 1), _MADE, "p")
OTHER = replace(WAIVER, rule="service-type")


@pytest.mark.parametrize(
    ("was", "more", "seen"),
    [
        pytest.param("", {}, ["restricted", "restricted"], id="new"),
        pytest.param("restricted", {}, ["restricted", "restricted"], id="as it was"),
        pytest.param("", {"waivers": (WAIVER,)}, ["privileged", "privileged"], id="new and waived"),
        pytest.param("restricted", {"waivers": (OTHER, WAIVER)}, ["privileged", "privileged"], id="waived from now on"),
        pytest.param("restricted", {"waivers": (OTHER,)}, ["restricted", "restricted"], id="something else is waived"),
        pytest.param("privileged", {}, ["privileged", "restricted"], id="waived no more"),
        pytest.param("privileged", {"is_rollback": True}, ["privileged"], id="back to what may have been waived"),
        pytest.param("restricted", {"is_rollback": True}, ["restricted"], id="back"),
    ],
)
def test_pods_that_a_waiver_is_for_are_let_in_until_they_are_gone(was: str, more: Any, seen: list[str]) -> None:
    place = Place(labels={POD_SECURITY_LABEL: was} if was else {})
    run_deploy(place, **more)
    assert place.pod_security == seen


def test_a_namespace_stays_open_for_what_runs_when_a_release_fails() -> None:
    place = Place(labels={POD_SECURITY_LABEL: "privileged"})
    run_deploy(place, failure=FAILED, rows=(HelmRevision(4, "deployed", ""),))
    assert place.pod_security == ["privileged"]


_GONE = "apiVersion: {api}\nkind: {kind}\nmetadata: {{name: checkout, annotations: {annotations}}}\n"


@pytest.mark.parametrize(
    ("api", "kind", "annotations", "actions"),
    [
        pytest.param("v1", "ConfigMap", "{}", ["update", "delete"], id="another kind"),
        pytest.param("serving.knative.dev/v1", "Service", "null", ["update", "delete"], id="another group"),
        pytest.param("v1beta1", "Service", "{}", ["update"], id="another version of the same"),
        pytest.param("batch/v1", "Job", "{helm.sh/hook: pre-upgrade}", ["update"], id="a hook"),
        pytest.param("v1", "ConfigMap", "{helm.sh/resource-policy: keep}", ["update"], id="to be kept"),
        pytest.param("v1", "ConfigMap", "{helm.sh/resource-policy: ' Keep'}", ["update"], id="to be kept, to Helm"),
    ],
)
def test_what_runs_and_is_not_in_it_is_told_as_deleted(
    api: str, kind: str, annotations: str, actions: list[str]
) -> None:
    runs = _GONE.format(api=api, kind=kind, annotations=annotations).encode()
    told = run_deploy(dry_run=True, runs=runs)[1]
    assert [one.action for one in told.changed] == actions


def test_what_becomes_a_hook_is_deleted_before() -> None:
    hook = _GONE.format(api="batch/v1", kind="Job", annotations="{helm.sh/hook: pre-upgrade}")
    before = _GONE.format(api="batch/v1", kind="Job", annotations="{}").encode()
    bundle = replace(BUNDLE, manifest=hook.encode())
    told = run_deploy(bundle=bundle, rendered=bundle.manifest, dry_run=True, runs=before)[1]
    assert [(one.resource, one.action) for one in told.changed] == [
        ("Job/checkout", "update"),
        ("Job/checkout", "delete"),
    ]


@pytest.mark.parametrize("other", [{"app": "orders"}, {"namespace": "kube-system"}, {"cluster": "production"}])
def test_a_bundle_is_taken_nowhere_else(other: dict[str, str]) -> None:
    with pytest.raises(BundleMismatch, match="is for checkout in checkout-staging of local"):
        run_deploy(**other)


def test_a_bundle_that_renders_to_something_else_is_refused() -> None:
    with pytest.raises(BundleMismatch, match="render to something else"):
        run_deploy(rendered=MANIFEST + b"\n")


@pytest.mark.parametrize("before", [StageName.PREFLIGHT, StageName.ROLLOUT])
def test_it_can_be_cancelled_until_the_rollout_begins(before: StageName) -> None:
    with pytest.raises(Cancelled):
        run_deploy(told=Told(stop_before=before))


def test_what_runs_is_not_said_to_be_cancelled() -> None:
    assert run_deploy(told=Told(stop_before=StageName.VERIFY))[0].state is ReleaseState.DEPLOYED


def test_what_a_dead_worker_left_is_recovered_and_told() -> None:
    assert run_deploy(Place(recovered="pending-upgrade, revision 2"))[1].lines == [
        "recovered what an interrupted rollout left: pending-upgrade, revision 2"
    ]


@pytest.mark.parametrize(
    ("rows", "upgrades"),
    [
        pytest.param((HelmRevision(7, "deployed", "release r1 commit x"),), 0, id="done"),
        pytest.param((HelmRevision(7, "failed", "release r1 commit x"),), 1, id="failed"),
        pytest.param((HelmRevision(7, "deployed", "release r0 commit x"),), 1, id="of another"),
        pytest.param((), 1, id="nothing"),
    ],
)
def test_a_resumed_release_is_not_rolled_out_twice(rows: tuple[HelmRevision, ...], upgrades: int) -> None:
    done, _, helm = run_deploy(rows=rows, is_resumed=True)
    assert helm.upgrades == upgrades
    assert done.revision == (3 if upgrades else 7)


def test_progress_is_told_once_for_each_move() -> None:
    moves = (
        RolloutProgress("Deployment/a", 0, 1, 2, ()),
        RolloutProgress("Deployment/a", 0, 1, 2, ()),
        RolloutProgress("Deployment/a", 0, 1, 2, (TROUBLE,)),
        RolloutProgress("Deployment/a", 0, 1, 2, ()),  # not asked for this time
        RolloutProgress("Deployment/a", 1, 1, 2, ()),
        RolloutProgress("Deployment/a", 2, 2, 2, ()),
    )
    told = run_deploy(Place(moves=moves))[1]
    assert told.moves == [moves[0], moves[2], moves[4], moves[5]]


def test_the_way_back_is_told_as_such_and_what_ran_before_is_no_move() -> None:
    ours, before = BUNDLE.commit, "b" * 40
    moves = (
        RolloutProgress("Deployment/a", 2, 2, 2, (), commit=before),
        RolloutProgress("Deployment/a", 0, 1, 2, (), commit=ours),
        RolloutProgress("Deployment/a", 2, 2, 2, (TROUBLE,), commit=before),
    )
    told = run_deploy(Place(moves=moves))[1]
    assert told.moves == [moves[1], replace(moves[2], troubles=(), goes_back=True)]


def test_a_watch_that_ends_by_itself_changes_nothing() -> None:
    assert run_deploy(Place(is_over=True))[0].state is ReleaseState.DEPLOYED


FAILED = RolloutFailed("helm upgrade: context deadline exceeded", "Correct it, and release again")
STUCK = RolloutProgress("Deployment/checkout", 0, 1, 2, (TROUBLE,))


def test_why_pods_are_not_ready_is_told_when_what_ran_before_runs_again() -> None:
    done = run_deploy(Place(moves=(STUCK,)), failure=FAILED, rows=(HelmRevision(4, "deployed", "Rollback"),))[0]
    assert (done.state, done.code, done.revision) == (ReleaseState.ROLLED_BACK, "rollout-failed", None)
    assert done.message == (
        "Deployment/checkout had 0 of 2 new replicas ready. Pod checkout-1, container checkout: not ready "
        "(probe not answered). Last event: Unhealthy: refused. End of its log: listening. "
        "See that it listens on `port` and answers `health.readiness` with 200 in time (`health.start_seconds`). "
        "What ran before runs again."
    )


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (replace(TROUBLE, condition="ImagePullBackOff", events=()), "cluster may pull it"),
        (replace(TROUBLE, condition="CrashLoopBackOff", events=()), "container's log"),
        (replace(TROUBLE, condition="PodScheduled is false", events=(), log_tail=()), "No node has room"),
        (PodTrouble("p", "c", "Odd", "", (), ()), "See the pod's events and log"),
        (PodTrouble("p", "c", "Odd", "it ended.", ("It ended.",), ()), "Last event: It ended. See"),
    ],
)
def test_what_to_do_is_told_by_what_is_wrong(trouble: PodTrouble, words: str) -> None:
    assert words in run_deploy(Place(moves=(replace(STUCK, troubles=(trouble,)),)), failure=FAILED)[0].message


@pytest.mark.parametrize(("count", "words"), [(2, " 1 more pod is in trouble."), (3, " 2 more pods are in trouble.")])
def test_how_many_more_are_in_trouble_is_told(count: int, words: str) -> None:
    stuck = replace(STUCK, troubles=(TROUBLE,) * count)
    assert words in run_deploy(Place(moves=(stuck,)), failure=FAILED)[0].message


class Refuses(Place):
    """A cluster that takes nothing."""

    def dry_run(self, objects: Iterable[Manifest], *, namespace: str) -> tuple[Change, ...]:
        raise PreflightRefused("Service/checkout: no", "Correct it")


def test_what_the_cluster_refuses_is_blocked_and_has_not_failed() -> None:
    told = Told()
    with pytest.raises(PreflightRefused):
        run_deploy(Refuses(), told)
    assert told.stages[-1] == (StageName.PREFLIGHT, StageState.BLOCKED, "Service/checkout: no")


class Forgetful(Told):
    """Like one whose store is away while the rollout moves."""

    def log(self, stage: StageName, line: str) -> None:
        raise Unavailable("the store does not answer", "Wait")


def test_what_can_not_be_told_for_a_moment_is_no_reason_to_look_away() -> None:
    place = Place(moves=(JobLine("migrate", "one"), STUCK))
    done, told, _ = run_deploy(place, Forgetful(), failure=FAILED)
    assert told.moves == [STUCK]
    assert "probe not answered" in done.message


def test_what_jobs_write_is_told_also_after_helm_has_ended() -> None:
    place = Place(moves=(JobLine("migrate", "one"),), last=(JobLine("migrate", "two"),))
    assert run_deploy(place)[1].lines == ["migrate | one", "migrate | two"]


def test_a_hook_that_ended_last_is_progress_and_a_late_move_of_anything_else_is_not() -> None:
    verify = RolloutProgress("Job/checkout-verify", 1, 1, 1, (), hook="post-upgrade")
    assert run_deploy(Place(last=(verify,)))[1].moves == [verify]


def test_what_is_kept_for_an_autoscaler_is_told() -> None:
    assert run_deploy(Place(kept=("Deployment/checkout keeps 3 replicas",)))[1].lines == [
        "Deployment/checkout keeps 3 replicas"
    ]


MIGRATE = RolloutProgress(
    "Job/checkout-migrate", 0, 1, 1, (), "pre-install,pre-upgrade", "BackoffLimitExceeded: too often"
)
ENDED = PodTrouble("m-1", "migrate", "Error", "exit code 3", (), ("a", "b", "c", "no such table"))


def _reason(progress: RolloutProgress, *others: RolloutProgress, words: str = "") -> str:
    failure = RolloutFailed(f"helm upgrade: {words}", "Correct it")
    return run_deploy(Place(moves=(*others, progress)), failure=failure)[0].message


def test_a_step_before_the_rollout_that_failed_is_told_and_that_nothing_was_changed() -> None:
    assert _reason(replace(MIGRATE, troubles=(ENDED,)), STUCK) == (
        "The migration step failed (Job/checkout-migrate: BackoffLimitExceeded: too often). "
        "Pod m-1, container migrate: Error (exit code 3). End of its log: b | c | no such table. "
        "It runs before the rollout, so nothing of checkout was changed by it. "
        "See its log for why it ends; release again, and it runs again from its beginning. "
        "Nothing of it ran before, so it was removed again."
    )


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (replace(MIGRATE, resource="Job/checkout-verify", hook="post-upgrade"), "The smoke check failed (Job/"),
        (replace(MIGRATE, resource="Job/checkout-seed"), "The hook seed failed (Job/checkout-seed: "),
        (replace(MIGRATE, resource="Job/checkout-1f", hook=""), "The job failed (Job/checkout-1f: "),
        (replace(MIGRATE, failure="DeadlineExceeded: "), "Make it end sooner, or give it more time"),
        (replace(MIGRATE, troubles=(replace(ENDED, pod="", message=""),)), "Container migrate: Error. End of"),
        (replace(MIGRATE, failure="", troubles=(replace(TROUBLE, condition="ErrImagePull"),)), "the image exists"),
    ],
)
def test_a_job_that_failed_is_told_by_what_it_is(progress: RolloutProgress, words: str) -> None:
    assert words in _reason(progress)


def test_the_one_that_helm_gave_up_on_is_told_not_one_whose_troubles_have_passed() -> None:
    late = replace(MIGRATE, failure="")
    words = "resource Job/checkout-staging/checkout-migrate not ready. status: InProgress"
    assert _reason(late, words=words).startswith("The migration step did not end within 1 s (Job/checkout-migrate).")
    other = replace(STUCK, resource="StatefulSet/checkout")
    words = "resource StatefulSet/checkout-staging/checkout not ready"
    assert _reason(other, STUCK, words=words).startswith("StatefulSet/checkout had 0 of 2")


def test_what_never_ran_is_removed() -> None:
    assert run_deploy(failure=FAILED)[0].message.endswith("Nothing of it ran before, so it was removed again.")


def test_a_rollback_that_failed_too_is_an_error() -> None:
    with pytest.raises(RolloutFailed, match="did not get back to what ran before either: its release is failed"):
        run_deploy(failure=FAILED, rows=(HelmRevision(4, "failed", ""),))


def test_a_cluster_that_says_otherwise_than_helm_is_believed() -> None:
    told = Told()
    with pytest.raises(RolloutFailed, match="the cluster says otherwise: Service/checkout is not there"):
        run_deploy(Place(differs=("Service/checkout is not there",)), told)
    assert told.stages[-1][:2] == (StageName.VERIFY, StageState.FAILED)


def test_a_cluster_that_has_not_heard_of_a_new_waiver_yet_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.deploy._SETTLING_SECONDS", 0.0)
    place = Place(refusals=2)
    done, _, _ = run_deploy(place, parameters={"waivers": "seccomp checkout-staging checkout *"})
    assert done.state is ReleaseState.DEPLOYED
    assert place.written == [{"waivers": "seccomp checkout-staging checkout *"}]


def test_one_that_has_not_heard_of_what_was_written_just_before_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.deploy._SETTLING_SECONDS", 0.0)
    refusal = "ValidatingAdmissionPolicy 'seccomp' with binding 'seccomp' denied request"
    done, _, _ = run_deploy(Place(refusals=2, refusal=refusal), waivers=(WAIVER,))
    assert done.state is ReleaseState.DEPLOYED
    with pytest.raises(PreflightRefused, match="not allowed"):
        run_deploy(Place(refusals=1), waivers=(WAIVER,))
    quoted = "ValidatingAdmissionPolicy 'service-type' with binding 'service-type' denied request: not 'seccomp'"
    with pytest.raises(PreflightRefused, match="not 'seccomp'"):
        run_deploy(Place(refusals=1, refusal=quoted), waivers=(WAIVER,))


def test_what_a_cluster_goes_on_refusing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.deploy._SETTLING_SECONDS", 0.0)
    with pytest.raises(PreflightRefused, match="not allowed"):
        run_deploy(Place(refusals=99), parameters={"waivers": ""})


def test_without_new_parameters_a_refusal_is_final_at_once() -> None:
    with pytest.raises(PreflightRefused, match="not allowed"):
        run_deploy(Place(refusals=1))
