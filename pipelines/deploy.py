"""The deploy zone's half of a Pipeline: from a frozen Bundle to what runs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pipelines.apps import Environment
from pipelines.bundle import Bundle, BundleDigest, thaw
from pipelines.errors import BundleMismatch, PreflightRefused, RolloutFailed
from pipelines.namespaces import namespace_labels
from pipelines.ports import Change, Cluster, Helm, Reporter
from pipelines.reporting import stage
from pipelines.stages.needs import insist_on_what_is_needed
from pipelines.stages.preflight import preflight, verify_bundle
from pipelines.stages.rollout import rollout
from pipelines.stages.verify import verify
from pipelines.states import ReleaseState, StageName
from pipelines.waivers import Waiver

_SETTLING_TRIALS, _SETTLING_SECONDS = 6, 0.5


@dataclass(frozen=True, slots=True)
class DeployRequest:
    """What is to be rolled out: the name of a Bundle, and the bytes that claim to be it.

    `runs` is the manifest that was rolled out there last, for what would be deleted; empty when there is none.
    `parameters` are what the policies of the cluster are to be given; None: they are left as they are.
    `waivers` are those in force for this App in this Environment. `is_rollback`: it was checked on an earlier day, and
    the rules may be others by now.
    """

    release_id: str
    digest: BundleDigest
    content: bytes
    cluster: str
    app: str
    environment: Environment
    namespace: str
    dry_run: bool
    is_resumed: bool
    rollout_timeout_seconds: float
    render_timeout_seconds: float = 15.0
    runs: bytes = b""
    parameters: Mapping[str, str] | None = None
    waivers: tuple[Waiver, ...] = ()
    is_rollback: bool = False


@dataclass(frozen=True, slots=True)
class DeployPorts:
    """The adapters that a rollout works with."""

    cluster: Cluster
    helm: Helm


@dataclass(frozen=True, slots=True)
class Deployed:
    """What came of it: `deployed`, `planned` or `rolled_back`, and Helm's revision when something runs."""

    state: ReleaseState
    code: str | None
    message: str
    revision: int | None


def deploy(request: DeployRequest, ports: DeployPorts, reporter: Reporter) -> Deployed:
    """Runs preflight, rollout and verify. Raises GatewayErrors, `Cancelled` among them; a rollout that was undone
    is no error here, but the state `rolled_back`.
    """
    with stage(reporter, StageName.PREFLIGHT) as outcome:
        bundle = thaw(request.digest, request.content)
        _insist_on_its_place(bundle, request)
        with ThreadPoolExecutor(1) as beside:
            # The dry-run writes nothing, so it need not wait for the second rendering: the rollout does.
            same = beside.submit(verify_bundle, bundle, ports.helm, timeout_seconds=request.render_timeout_seconds)
            changes = _tried(bundle, request, ports.cluster)
            same.result()
        reporter.changes(changes)
        # After the dry-run, which makes the namespace: teams can make what is missing only in one that is there.
        for line in insist_on_what_is_needed(
            bundle, request.environment, request.waivers, ports.cluster, changes, dry_run=request.dry_run
        ):
            reporter.log(StageName.PREFLIGHT, line)
        outcome.detail = summary(changes)
    if request.dry_run:
        return Deployed(ReleaseState.PLANNED, None, f"nothing was changed; it would {summary(changes)}", None)
    try:
        with stage(reporter, StageName.ROLLOUT) as outcome:
            done = rollout(
                bundle,
                request.release_id,
                ports.cluster,
                ports.helm,
                reporter,
                is_resumed=request.is_resumed,
                timeout_seconds=request.rollout_timeout_seconds,
            )
            outcome.detail = f"revision {done.revision}"
    except RolloutFailed as error:
        return _undone(bundle, ports.helm, error)
    # It is in the cluster now: to say that it was cancelled would not be true.
    with stage(reporter, StageName.VERIFY, may_cancel=False) as outcome:
        if not request.is_rollback:
            # Only now are the pods gone that more was allowed to.
            ports.cluster.ensure_namespace(bundle.namespace, _labels(bundle, request))
        count = verify(bundle, ports.cluster)
        outcome.detail = f"{count} objects are as they were checked"
    message = f"revision {done.revision} of {bundle.app} runs in {bundle.namespace}"
    return Deployed(ReleaseState.DEPLOYED, None, message, done.revision)


def _tried(bundle: Bundle, request: DeployRequest, cluster: Cluster) -> tuple[Change, ...]:
    """The preflight, with the cluster's policies given what they need. Raises `PreflightRefused`.

    An API server hears of new parameters a moment after they are written, by this Release or just before it by the
    worker itself: until then it may refuse what is waived.
    """
    is_new = request.parameters is not None and cluster.write_parameters(request.parameters)
    labels = _labels(bundle, request)
    for _ in range(_SETTLING_TRIALS):
        try:
            return preflight(bundle, labels, request.runs, cluster, dry_run=request.dry_run)
        except PreflightRefused as refused:
            if not is_new and not _is_waived(refused, request.waivers):
                raise
            time.sleep(_SETTLING_SECONDS)
    return preflight(bundle, labels, request.runs, cluster, dry_run=request.dry_run)


def _labels(bundle: Bundle, request: DeployRequest) -> dict[str, str]:
    return namespace_labels(bundle, request.environment, request.waivers)


def _is_waived(refused: PreflightRefused, waivers: tuple[Waiver, ...]) -> bool:
    """Whether a policy of the cluster refuses what is waived."""
    return bool({fault.policy for fault in refused.errors} & {waiver.rule for waiver in waivers})


def summary(changes: tuple[Change, ...]) -> str:
    """`create 2, update 1, leave 6 as they are`."""
    words = {"create": "create {}", "update": "update {}", "delete": "delete {}", "none": "leave {} as they are"}
    counts = {action: sum(1 for change in changes if change.action == action) for action in words}
    return ", ".join(words[action].format(count) for action, count in counts.items() if count)


def _insist_on_its_place(bundle: Bundle, request: DeployRequest) -> None:
    """A Bundle is for one App in one namespace of one cluster, and is taken nowhere else."""
    wanted = (request.cluster, request.app, request.namespace)
    if (bundle.cluster, bundle.app, bundle.namespace) != wanted:
        raise BundleMismatch(
            f"the Bundle is for {bundle.app} in {bundle.namespace} of {bundle.cluster}, not for {wanted}",
            "Release the same ref again",
        )


def _undone(bundle: Bundle, helm: Helm, error: RolloutFailed) -> Deployed:
    """Says what runs after Helm's rollback; when Helm could not roll back, that is an error after all."""
    history = helm.history(release=bundle.helm_release, namespace=bundle.namespace)
    if not history:
        after = "Nothing of it ran before, so it was removed again."
    elif history[-1].status == "deployed":
        after = "What ran before runs again."
    else:
        raise RolloutFailed(
            f"{error.reason} Helm did not get back to what ran before either: its release is {history[-1].status}",
            "Roll back: `deployctl rollback`",
        ) from error
    message = f"{error.reason} {error.solution}. {after}"
    return Deployed(ReleaseState.ROLLED_BACK, error.code, message, None)
