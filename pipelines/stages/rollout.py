"""rollout: `helm upgrade`, watched; and when it does not become healthy, why, in words for people."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace

from pipelines.bundle import Bundle
from pipelines.errors import GatewayError, RolloutFailed
from pipelines.manifests import parse
from pipelines.ports import Cluster, Helm, HelmRevision, JobLine, Reporter, RolloutProgress
from pipelines.stages.failure import explained
from pipelines.states import StageName

_JOIN_SECONDS = 5.0


def rollout(
    bundle: Bundle,
    release_id: str,
    cluster: Cluster,
    helm: Helm,
    reporter: Reporter,
    *,
    is_resumed: bool,
    timeout_seconds: float,
) -> HelmRevision:
    """Rolls the Bundle out and returns Helm's revision. Raises `RolloutFailed` with the pods that are the reason.

    A release that a dead worker left pending is recovered first. When this Release `is_resumed` after a crash, a
    rollout of it that came to its end is not done a second time.
    """
    recovered = cluster.recover_pending(release=bundle.helm_release, namespace=bundle.namespace)
    if recovered:
        reporter.log(StageName.ROLLOUT, f"recovered what an interrupted rollout left: {recovered}")
    description = describe(bundle, release_id)
    done = _already_done(helm, bundle, release_id) if is_resumed else None
    if done is not None:
        reporter.log(StageName.ROLLOUT, f"revision {done.revision} is this Release already")
        return done
    objects = parse(bundle.manifest)
    # Not one that failed in this very Release: how often it may be tried is the Job's own to say.
    removed = () if is_resumed else cluster.remove_failed_jobs(objects, namespace=bundle.namespace)
    for line in (*removed, *cluster.keep_replicas(objects, namespace=bundle.namespace)):
        reporter.log(StageName.ROLLOUT, line)
    watched = _Watched(bundle, cluster, reporter)
    try:
        with watched:
            return helm.upgrade(bundle, description=description, timeout_seconds=timeout_seconds)
    except RolloutFailed as error:
        raise explained(error, watched.last, bundle, timeout_seconds) from error


def describe(bundle: Bundle, release_id: str) -> str:
    """What `helm history` shows of it."""
    return f"release {release_id} commit {bundle.commit}"


def _already_done(helm: Helm, bundle: Bundle, release_id: str) -> HelmRevision | None:
    history = helm.history(release=bundle.helm_release, namespace=bundle.namespace)
    newest = history[-1] if history else None
    if newest is None or newest.status != "deployed":
        return None
    return newest if newest.description.startswith(f"release {release_id} ") else None


class _Watched:
    """Follows the rollout beside Helm, and keeps the last troubles seen: Helm's rollback removes the pods."""

    def __init__(self, bundle: Bundle, cluster: Cluster, reporter: Reporter) -> None:
        self.last: dict[str, RolloutProgress] = {}
        self._shown: dict[str, RolloutProgress] = {}
        self._reporter = reporter
        self._commit = bundle.commit
        self._stop = threading.Event()
        self._told = cluster.watch(release=bundle.helm_release, namespace=bundle.namespace, stop=self._stop)
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> _Watched:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        # What the Jobs wrote last is read now; an API server that does not answer is not waited for.
        self._thread.join(_JOIN_SECONDS)

    def _follow(self) -> None:
        for told in self._told:
            # What can't be told now is no reason to see nothing of what comes: helm goes on too.
            with contextlib.suppress(GatewayError):
                self._pass_on(told)

    def _pass_on(self, told: RolloutProgress | JobLine) -> None:
        if isinstance(told, JobLine):
            self._reporter.log(StageName.ROLLOUT, f"{told.job} | {told.line}")
        elif told.hook or told.failure or not self._stop.is_set():
            self._moved(told)

    def _moved(self, progress: RolloutProgress) -> None:
        if progress.commit not in ("", self._commit):
            # Helm puts back what ran before: the reason that was seen last stays the reason.
            self._show(replace(progress, troubles=(), goes_back=True))
            return
        if progress.failure or progress.troubles or progress.resource not in self.last:
            self.last[progress.resource] = progress
        self._show(progress)

    def _show(self, progress: RolloutProgress) -> None:
        known = self._shown.get(progress.resource)
        if known is None and progress.goes_back:
            return  # it still is what ran before
        if known is None or _is_news(progress, known):
            self._shown[progress.resource] = progress
            self._reporter.progress(progress)


def _is_news(progress: RolloutProgress, known: RolloutProgress) -> bool:
    """Whether a number has changed, or troubles are told that were not: not asking for them is no news."""
    counts = _counts(progress) != _counts(known)
    return (
        counts or progress.failure != known.failure or (bool(progress.troubles) and progress.troubles != known.troubles)
    )


def _counts(progress: RolloutProgress) -> tuple[int, int, int, bool]:
    return progress.ready, progress.updated, progress.wanted, progress.goes_back
