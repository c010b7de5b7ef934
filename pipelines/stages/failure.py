"""Why a rollout failed, in words for people: Helm names the object, what was watched tells the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pipelines.bundle import Bundle
from pipelines.errors import RolloutFailed
from pipelines.hooks import runs_before, step_words
from pipelines.ports import PodTrouble, RolloutProgress

_LOG_LINES = 3
_LONGEST_LINE = 300


def explained(
    error: RolloutFailed, last: Mapping[str, RolloutProgress], bundle: Bundle, timeout_seconds: float
) -> RolloutFailed:
    """`error` with the workload, pod and container that are the reason; as it is when none is known."""
    progress = _reason_among(error, last, bundle.namespace)
    if progress is None:
        return error
    if progress.resource.startswith("Job/"):
        return _of_job(progress, bundle.app, timeout_seconds)
    trouble = progress.troubles[0]
    head = f"{progress.resource} had {progress.ready} of {progress.wanted} new replicas ready. {_sentence(trouble)}"
    more = sum(len(one.troubles) for one in last.values()) - 1
    others = f" {more} more {'pod is' if more == 1 else 'pods are'} in trouble." if more else ""
    return RolloutFailed(f"{head}{others}", _advice(trouble), where=trouble.pod)


def _reason_among(error: RolloutFailed, last: Mapping[str, RolloutProgress], namespace: str) -> RolloutProgress | None:
    """The one that Helm gave up on: others may have had troubles that passed."""
    named = [one for one in last.values() if _is_named(one, error.reason, namespace)]
    for candidates in (named, list(last.values())):
        for is_reason in (_has_failed, _has_troubles):
            found = next(filter(is_reason, candidates), None)
            if found is not None:
                return found
    return next((one for one in named if one.resource.startswith("Job/")), None)


def _is_named(progress: RolloutProgress, words: str, namespace: str) -> bool:
    kind, _, name = progress.resource.partition("/")
    return f"{kind}/{namespace}/{name} " in words


def _has_failed(progress: RolloutProgress) -> bool:
    return bool(progress.failure)


def _has_troubles(progress: RolloutProgress) -> bool:
    return bool(progress.troubles)


def _of_job(progress: RolloutProgress, app: str, timeout_seconds: float) -> RolloutFailed:
    name = progress.resource.removeprefix("Job/")
    what = step_words(name, app) if progress.hook else "the job"
    trouble = progress.troubles[0] if progress.troubles else None
    is_late = not progress.failure or progress.failure.startswith("DeadlineExceeded")
    how = "failed" if progress.failure else f"did not end within {timeout_seconds:.0f} s"
    because = f": {progress.failure}" if progress.failure else ""
    parts = [f"{what[0].upper()}{what[1:]} {how} ({progress.resource}{because})."]
    if trouble is not None:
        parts.append(_sentence(trouble))
    if runs_before(progress.hook):
        parts.append(f"It runs before the rollout, so nothing of {app} was changed by it.")
    return RolloutFailed(" ".join(parts), _job_advice(trouble, is_late=is_late), where=trouble.pod if trouble else name)


def _sentence(trouble: PodTrouble) -> str:
    pod = f"Pod {trouble.pod}, container" if trouble.pod else "Container"
    text = f"{pod} {trouble.container}: {trouble.condition}"
    if trouble.message:
        text += f" ({trouble.message})"
    if trouble.events:
        text += f". Last event: {trouble.events[-1]}"
    lines = [line[:_LONGEST_LINE] for line in trouble.log_tail if line.strip()][-_LOG_LINES:]
    if lines:
        text += f". End of its log: {' | '.join(lines)}"
    return text if text.endswith(".") else f"{text}."


_NO_IMAGE = "See that the image exists, and that the cluster may pull it"
_NO_ROOM = "No node has room: lower resources, or ask the platform for nodes"
_ADVICE = (
    (r"ImagePull|ErrImage|InvalidImage", _NO_IMAGE),
    (r"CrashLoop|Error|OOMKilled", "See the container's log for why it ends; OOMKilled means memory is too small"),
    (r"Unschedulable|PodScheduled", _NO_ROOM),
    (
        r"not ready|Unhealthy",
        "See that it listens on `port` and answers `health.readiness` with 200 in time (`health.start_seconds`)",
    ),
)
_LATE = "Make it end sooner, or give it more time; release again, and it runs again from its beginning"
_ENDED = "See its log for why it ends; release again, and it runs again from its beginning"


def _advice(trouble: PodTrouble) -> str:
    text = " ".join((trouble.condition, trouble.message, *trouble.events))
    return next((advice for pattern, advice in _ADVICE if re.search(pattern, text)), "See the pod's events and log")


def _job_advice(trouble: PodTrouble | None, *, is_late: bool) -> str:
    advice = _advice(trouble) if trouble is not None else ""
    # What keeps a pod from starting at all is the same for every kind.
    if advice in (_NO_IMAGE, _NO_ROOM):
        return advice
    return _LATE if is_late else _ENDED
