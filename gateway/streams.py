"""Server-Sent Events of one Release: resumable, bounded in number, and ended when nobody listens."""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import structlog

from gateway.wakeups import Wakeups
from pipelines.apps import ReleaseId
from pipelines.errors import Unavailable
from store import Event, Store

POLL_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0
_BATCH = 200
_log = structlog.get_logger("gateway.streams")


class TooManyStreams(Unavailable):
    """As many streams as this process serves are open."""

    code = "too-many-streams"
    title = "Too many event streams are open"


class Waiters:
    """How many requests may wait at the same time in this process: each holds a thread."""

    def __init__(self, limit: int) -> None:
        """`limit` leaves threads for requests that don't wait."""
        self._free = threading.BoundedSemaphore(limit)
        self.stop = threading.Event()

    def enter(self) -> Place | None:
        """A place to wait in, to be left again; None when all are taken or the process is stopping."""
        if self.stop.is_set() or not self._free.acquire(blocking=False):
            return None
        return Place(self._free)


@dataclass(slots=True)
class Place:
    """One place of `Waiters`."""

    _free: threading.BoundedSemaphore
    _left: bool = field(default=False)

    def leave(self) -> None:
        """Gives the place back; only the first call counts."""
        if not self._left:
            self._left = True
            self._free.release()


def too_many() -> TooManyStreams:
    """The error for a stream that finds no place."""
    return TooManyStreams(
        "all places for event streams are taken",
        "Try again in a moment, or poll GET /api/v1/releases/{id}; a stream resumes by Last-Event-ID",
    )


@dataclass(frozen=True, slots=True)
class Listener:
    """The client's end of a stream: `socket` where the server shows it, else only writing tells."""

    socket: socket.socket | None

    def is_gone(self) -> bool:
        """Whether the client has closed its end."""
        if self.socket is None:
            return False
        try:
            readable, _, _ = select.select([self.socket], [], [], 0)
            return bool(readable) and self.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except (OSError, ValueError):
            return True


def follow(
    store: Store,
    wakeups: Wakeups,
    release_id: ReleaseId,
    after: int,
    listener: Listener,
    stop: threading.Event,
) -> Iterator[bytes]:
    """The events of a Release with ids above `after`, as they come, until its final one.

    Looks into the store each second and at each hint. Ends early when `listener` is gone or `stop` is
    set; whoever still wants more resumes by the id of the last event.
    """
    yield b"retry: 1000\n\n"
    with wakeups.of(release_id) as news:
        quiet_since = time.monotonic()
        while not stop.is_set() and not listener.is_gone():
            news.clear()
            is_final = store.releases.get(release_id).state.is_final
            events = store.events.after(release_id, after, _BATCH)
            for event in events:
                yield encode(event)
                after, quiet_since = event.id, time.monotonic()
                if event.type == "state" and event.data.get("final"):
                    return
            if events:
                continue
            if is_final:
                return
            if time.monotonic() - quiet_since >= HEARTBEAT_SECONDS:
                yield b": still here\n\n"
                quiet_since = time.monotonic()
            news.wait(POLL_SECONDS)


def guarded(chunks: Iterator[bytes], release_id: ReleaseId) -> Iterator[bytes]:
    """`chunks`, ended with a line in the log where they fail: the client resumes."""
    try:
        yield from chunks
    except Exception:  # noqa: BLE001 - the status is sent long since, so that there is nobody else to tell
        _log.exception("event stream broke off", release_id=release_id)


def encode(event: Event) -> bytes:
    """One event as Server-Sent Events write it; the JSON is a single line."""
    data = json.dumps(event.data, ensure_ascii=False, separators=(",", ":"), default=str)
    return f"id: {event.id}\nevent: {event.type}\ndata: {data}\n\n".encode()


def wait_until_final(
    store: Store, wakeups: Wakeups, release_id: ReleaseId, seconds: float, stop: threading.Event
) -> bool:
    """Waits until the Release is final, `seconds` at most; whether it is."""
    deadline = time.monotonic() + seconds
    with wakeups.of(release_id) as news:
        while True:
            news.clear()
            if store.releases.get(release_id).state.is_final:
                return True
            left = deadline - time.monotonic()
            if left <= 0 or stop.is_set():
                return False
            news.wait(min(POLL_SECONDS, left))
