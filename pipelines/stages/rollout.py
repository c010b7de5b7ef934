"""rollout: `helm upgrade`, watched; and when it does not become healthy, why, in words for people."""

from __future__ import annotations

import re
import threading

from pipelines.bundle import Bundle
from pipelines.errors import RolloutFailed
from pipelines.ports import Cluster, Helm, HelmRevision, PodTrouble, Reporter, RolloutProgress
from pipelines.states import StageName

_JOIN_SECONDS = 0.2


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
    with _Watched(bundle, cluster, reporter) as watched:
        try:
            return helm.upgrade(bundle, description=description, timeout_seconds=timeout_seconds)
        except RolloutFailed as error:
            raise _explained(error, watched.last) from error


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
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, args=(bundle, cluster, reporter), daemon=True)

    def __enter__(self) -> _Watched:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        # It may be waiting for the API server's next word: nothing that it does matters any more.
        self._thread.join(_JOIN_SECONDS)

    def _follow(self, bundle: Bundle, cluster: Cluster, reporter: Reporter) -> None:
        shown: dict[str, RolloutProgress] = {}
        for progress in cluster.watch(release=bundle.helm_release, namespace=bundle.namespace, stop=self._stop):
            if self._stop.is_set():
                return
            known = shown.get(progress.resource)
            if known is None and progress.is_complete:
                continue  # still what ran before
            if progress.troubles or progress.resource not in self.last:
                self.last[progress.resource] = progress
            if known is None or _is_news(progress, known):
                shown[progress.resource] = progress
                reporter.progress(progress)


def _is_news(progress: RolloutProgress, known: RolloutProgress) -> bool:
    """Whether a number has changed, or troubles are told that were not: not asking for them is no news."""
    counts = (progress.ready, progress.updated, progress.wanted) != (known.ready, known.updated, known.wanted)
    return counts or (bool(progress.troubles) and progress.troubles != known.troubles)


def _explained(error: RolloutFailed, last: dict[str, RolloutProgress]) -> RolloutFailed:
    troubles = [(progress, trouble) for progress in last.values() for trouble in progress.troubles]
    if not troubles:
        return error
    progress, trouble = troubles[0]
    head = f"{progress.resource} had {progress.ready} of {progress.wanted} new replicas ready. {_sentence(trouble)}"
    more = len(troubles) - 1
    others = f" {more} more {'pod is' if more == 1 else 'pods are'} in trouble." if more else ""
    return RolloutFailed(f"{head}{others}", _advice(trouble), where=trouble.pod)


def _sentence(trouble: PodTrouble) -> str:
    text = f"Pod {trouble.pod}, container {trouble.container}: {trouble.condition}"
    if trouble.message:
        text += f" ({trouble.message})"
    if trouble.events:
        text += f". Last event: {trouble.events[-1]}"
    if trouble.log_tail:
        text += f". End of its log: {trouble.log_tail[-1]}"
    return text if text.endswith(".") else f"{text}."


_ADVICE = (
    (r"ImagePull|ErrImage|InvalidImage", "See that the image exists, and that the cluster may pull it"),
    (r"CrashLoop|Error|OOMKilled", "See the container's log for why it ends; OOMKilled means memory is too small"),
    (r"Unschedulable|PodScheduled", "No node has room: lower resources, or ask the platform for nodes"),
    (
        r"not ready|Unhealthy",
        "See that it listens on `port` and answers `health.readiness` with 200 within two minutes",
    ),
)


def _advice(trouble: PodTrouble) -> str:
    text = " ".join((trouble.condition, trouble.message, *trouble.events))
    return next((advice for pattern, advice in _ADVICE if re.search(pattern, text)), "See the pod's events and log")
