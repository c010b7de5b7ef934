"""The check role: from an accepted Release to one that is ready for its rollout, or blocked."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import structlog

from configuration.parameters import platform_parameters
from pipelines.apps import ReleaseId
from pipelines.check import Checked, CheckPorts, CheckRequest, check
from pipelines.days import today
from pipelines.errors import ClusterUnavailable
from pipelines.findings import blocking
from pipelines.place import Place
from pipelines.ports import ClusterFacts
from pipelines.posture import BenchmarkCheck
from pipelines.states import ReleaseCode, ReleaseState
from pipelines.waivers import in_force
from store import Release
from store.queue import QueueUnavailable
from workers.context import CheckContext
from workers.ending import brought_to_an_end
from workers.lease import LEASE_SECONDS, Lease, new_holder
from workers.reporter import StoreReporter

_log = structlog.get_logger("workers.check")


def check_release(context: CheckContext, release_id: ReleaseId) -> None:
    """Checks one Release, unless somebody else does or it needs none. Always leaves a true state."""
    store, holder = context.store, new_holder()
    release = store.releases.claim(release_id, {ReleaseState.ACCEPTED}, ReleaseState.CHECKING, holder, LEASE_SECONDS)
    if release is None:
        return
    scratch = context.scratch / holder.replace(":", "-")
    try:
        with Lease(store, release.id, holder), brought_to_an_end(store, release, holder):
            request = _request(context, release, scratch)
            checked = check(request, _ports(context, release), StoreReporter(store, release.id, holder))
            _settle(context, release, holder, checked)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _request(context: CheckContext, release: Release, scratch: Path) -> CheckRequest:
    settings = context.settings
    app, day = settings.app(release.app), today()
    environment = settings.environment(release.environment).as_of(day, app.name)
    waivers = in_force(context.store.waivers.in_force(day), app.name, environment.name, day)
    prefixes = tuple(registry.prefix for registry in settings.registries)
    place = Place(
        app=app,
        environment=environment,
        namespaces={name: environment.namespace_of(other) for name, other in settings.apps.items()},
        registries=prefixes,
        standard_chart=settings.chart(app, environment, release.chart_version).path,
        smoke_image=settings.smoke_image,
    )
    return CheckRequest(
        place=place,
        # A push is released as it was announced, wherever its branch has gone since.
        ref=release.commit or release.ref,
        environments=settings.environments,
        facts=_facts(context, release),
        parameters=platform_parameters(settings, environment.cluster),
        waivers=waivers,
        scratch=scratch,
        checkout_timeout_seconds=settings.limits.checkout_timeout_seconds,
        render_timeout_seconds=settings.limits.render_timeout_seconds,
        check_timeout_seconds=settings.limits.check_timeout_seconds,
    )


def _ports(context: CheckContext, release: Release) -> CheckPorts:
    """The checks that are the same for all, and what the Release's Environment requires of its cluster."""
    settings, requirement = context.settings, context.settings.environment(release.environment).benchmark
    if requirement is None:
        return context.ports
    posture = context.store.benchmarks.posture(release.cluster, settings.node_classes[release.cluster])
    proof = BenchmarkCheck(requirement, posture, datetime.now(UTC))
    return replace(context.ports, policy=(*context.ports.policy, proof))


def _facts(context: CheckContext, release: Release) -> ClusterFacts:
    facts = context.store.clusters.facts(release.cluster)
    if facts is None:
        raise ClusterUnavailable(
            f"no deploy worker of the cluster {release.cluster} has been seen yet",
            f"Start one: deploy-gateway worker deploy --cluster {release.cluster} --kubeconfig FILE",
        )
    return facts


def _settle(context: CheckContext, release: Release, holder: str, checked: Checked) -> None:
    releases = context.store.releases
    releases.add_findings(release.id, checked.findings, worker=holder)
    if checked.bundle is None:
        stopping = blocking(checked.findings)
        rules = sorted({finding.rule for finding in stopping})
        releases.transition(
            release.id,
            ReleaseState.BLOCKED,
            code=ReleaseCode.BLOCKED_BY_POLICY.value,
            message=f"{len(stopping)} {'finding' if len(stopping) == 1 else 'findings'}: {', '.join(rules)}",
            commit=checked.commit,
            commit_subject=checked.subject,
            chart=checked.chart,
            worker=holder,
        )
        return
    digest, content = checked.bundle
    context.store.bundles.put(digest, content)
    is_ready = releases.transition(
        release.id,
        ReleaseState.READY,
        commit=checked.commit,
        commit_subject=checked.subject,
        chart=checked.chart,
        bundle=digest,
        worker=holder,
    )
    if not is_ready:
        return  # superseded, cancelled or in other hands meanwhile, and told so
    try:
        context.queue.deploy(release.id, release.cluster, at_front=False)
    except QueueUnavailable as error:
        _log.warning("ready without a hint to the deploy workers", release_id=release.id, reason=error.reason)
