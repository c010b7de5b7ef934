"""Tells the workers that there is something to do. Only a hint: what counts is in the store."""

from __future__ import annotations

import structlog

from gateway.context import gateway
from pipelines.states import ReleaseKind
from store import Release
from store.queue import QueueUnavailable

_log = structlog.get_logger("gateway.hints")


def hint(release: Release) -> None:
    """Puts `release`, which is stored, on its queue; a rollback before everything else.

    Where the queue is away the reconciler does it later: logged, and no reason to refuse.
    """
    queue = gateway().queue
    try:
        if release.kind is ReleaseKind.ROLLBACK:
            queue.deploy(release.id, release.cluster, at_front=True)
        else:
            queue.check(release.id)
    except QueueUnavailable as error:
        _log.warning("accepted without a hint to the workers", release_id=release.id, reason=error.reason)
