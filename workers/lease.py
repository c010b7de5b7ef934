"""A worker's hold on a Release: renewed while it works, and lost when it dies."""

from __future__ import annotations

import os
import secrets
import socket
import threading
from types import TracebackType

import structlog

from pipelines.apps import ReleaseId
from pipelines.errors import GatewayError
from store import Store

LEASE_SECONDS = 15.0
_RENEW_SECONDS = 4.0

_log = structlog.get_logger("workers.lease")


def new_holder() -> str:
    """A name for one attempt of one worker: never the same again."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


class Lease:
    """Renews the lease of `holder` from a thread of its own, until the block is left."""

    def __init__(self, store: Store, release_id: ReleaseId, holder: str) -> None:
        self._store = store
        self._id = release_id
        self._holder = holder
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)

    def __enter__(self) -> Lease:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _renew(self) -> None:
        while not self._done.wait(_RENEW_SECONDS):
            try:
                if not self._store.releases.heartbeat(self._id, self._holder, LEASE_SECONDS):
                    _log.warning("the lease is lost", release_id=self._id, holder=self._holder)
                    return
            except GatewayError as error:
                # The lease outlasts three missed renewals.
                _log.warning("the lease could not be renewed", release_id=self._id, reason=error.reason)
