"""The deploy role: from a Release with a checked Bundle to what runs in the cluster."""

from __future__ import annotations

import structlog

from configuration.parameters import policy_parameters
from pipelines.apps import ReleaseId
from pipelines.bundle import thaw
from pipelines.days import today
from pipelines.deploy import DeployRequest, deploy
from pipelines.errors import BundleMismatch, NotFound
from pipelines.states import ReleaseKind, ReleaseState
from pipelines.waivers import in_force, insist_on_still_allowed
from store import Release
from store.queue import QueueUnavailable
from workers.context import DeployContext
from workers.ending import brought_to_an_end
from workers.lease import LEASE_SECONDS, Lease, end_at_once, new_holder
from workers.reporter import StoreReporter

_log = structlog.get_logger("workers.deploy")


def deploy_release(context: DeployContext, release_id: ReleaseId) -> None:
    """Rolls one Release out, unless somebody else does or its place is taken. Always leaves a true state."""
    store, holder = context.store, new_holder()
    waiting = store.releases.get(release_id)
    if waiting.cluster != context.cluster or waiting.state not in (ReleaseState.READY, ReleaseState.DEPLOYING):
        return
    if not waiting.dry_run and not store.locks.acquire(waiting.app, waiting.environment, release_id):
        return  # whoever holds the place puts this one on the queue when it has ended
    release = store.releases.claim(release_id, {ReleaseState.READY}, ReleaseState.DEPLOYING, holder, LEASE_SECONDS)
    if release is None:
        return
    with Lease(store, release.id, holder, on_lost=end_at_once), brought_to_an_end(store, release, holder):
        done = deploy(_request(context, release), context.ports(), StoreReporter(store, release.id, holder))
        store.releases.transition(
            release.id,
            done.state,
            code=done.code,
            message=done.message,
            revision=done.revision,
            worker=holder,
        )
    _wake_next(context, release)


def _request(context: DeployContext, release: Release) -> DeployRequest:
    if release.bundle is None:
        raise BundleMismatch("the Release has no Bundle", "Release the same ref again")
    day = today()
    environment = context.settings.environment(release.environment).as_of(day, release.app)
    waivers = context.store.waivers.in_force(day)
    findings = context.store.releases.findings(release.id)
    own_waivers = in_force(waivers, release.app, environment.name, day)
    insist_on_still_allowed(findings, own_waivers, environment, day)
    return DeployRequest(
        release_id=release.id,
        digest=release.bundle,
        content=context.store.bundles.get(release.bundle),
        cluster=context.cluster,
        app=release.app,
        environment=environment,
        namespace=release.namespace,
        dry_run=release.dry_run,
        is_resumed=release.attempts > 1,
        rollout_timeout_seconds=environment.rollout_timeout_seconds,
        render_timeout_seconds=context.settings.limits.render_timeout_seconds,
        runs=_what_runs(context, release),
        parameters=policy_parameters(context.settings, context.cluster, waivers, day),
        waivers=own_waivers,
        is_rollback=release.kind is ReleaseKind.ROLLBACK,
    )


def _what_runs(context: DeployContext, release: Release) -> bytes:
    """The manifest that this Release takes the place of; empty when there is none, or it is the same."""
    running = context.store.releases.running(release.app, release.environment)
    if running is None or running.bundle is None or running.bundle == release.bundle:
        return b""
    try:
        bundle = thaw(running.bundle, context.store.bundles.get(running.bundle))
    except (NotFound, BundleMismatch) as error:
        line = f"what would be deleted is not known: what runs can't be read. {error.reason}"
        context.store.events.append(release.id, "log", {"stage": "preflight", "line": line})
        return b""
    return bundle.manifest if (bundle.cluster, bundle.namespace) == (release.cluster, release.namespace) else b""


def _wake_next(context: DeployContext, release: Release) -> None:
    """Puts on the queue what waited for this place; the reconciler would, a moment later."""
    following = context.store.releases.next_ready(release.app, release.environment)
    if following is None:
        return
    try:
        is_rollback = following.kind is ReleaseKind.ROLLBACK
        context.queue.deploy(following.id, following.cluster, at_front=is_rollback)
    except QueueUnavailable as error:
        _log.warning("no hint for the next Release", release_id=following.id, reason=error.reason)
