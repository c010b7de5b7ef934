"""A worker's hold on a Release: renewed while it works, and lost when it dies."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType

import structlog

from pipelines.apps import ReleaseId
from pipelines.errors import GatewayError
from store import Store

LEASE_SECONDS = 15.0
_RENEW_SECONDS = 4.0
_OWN_END_SECONDS = 1.0

_log = structlog.get_logger("workers.lease")


def new_holder() -> str:
    """A name for one attempt of one worker: never the same again."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


def end_at_once() -> None:
    """Ends this job's process and the helm that it runs, as if the machine had died: another worker goes on.

    SIGKILL, since at anything gentler helm would begin a rollback of its own, beside what the other one does.
    """
    if os.getpgrp() == os.getpid():  # as RQ has it for each job
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _no_matter() -> None:
    """Where an attempt does no harm: the store takes nothing more from it, which ends it at its next stage."""


class Lease:
    """Renews the lease of `holder` from a thread of its own, until the block is left."""

    def __init__(
        self,
        store: Store,
        release_id: ReleaseId,
        holder: str,
        *,
        on_lost: Callable[[], None] = _no_matter,
        lease_seconds: float = LEASE_SECONDS,
        renew_seconds: float = _RENEW_SECONDS,
    ) -> None:
        """`on_lost` is called, in that thread, when another worker may have taken the Release up."""
        self._store = store
        self._id = release_id
        self._holder = holder
        self._on_lost = on_lost
        self._lease_seconds = lease_seconds
        self._renew_seconds = renew_seconds
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
        until = time.monotonic() + self._lease_seconds
        while not self._done.wait(self._renew_seconds):
            at = time.monotonic()
            try:
                is_held = self._store.releases.heartbeat(self._id, self._holder, self._lease_seconds)
                until = at + self._lease_seconds
            except GatewayError as error:
                # The lease outlasts three missed renewals. After that somebody who reaches the store may have it.
                _log.warning("the lease could not be renewed", release_id=self._id, reason=error.reason)
                is_held = time.monotonic() < until
            # A Release that has just come to its end here has no holder either: then the block is about to be left.
            if not is_held and not self._done.wait(_OWN_END_SECONDS):
                _log.warning("the lease is lost", release_id=self._id, holder=self._holder)
                self._on_lost()
                return
