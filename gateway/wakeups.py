"""Hints that a Release has news, so that who waits for it need not wait for the next poll."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from redis import Redis
from redis.exceptions import RedisError

from store.queue import ANSWER_SECONDS, CHANNEL

_log = structlog.get_logger("gateway.wakeups")


class Wakeups:
    """One subscription for the whole process, however many wait.

    Only ever a hint: whoever waits looks into the store at least each second, whether Redis is there or not.
    """

    def __init__(self, redis_url: str) -> None:
        """Connects to nothing yet: the first who waits starts the one listening thread."""
        self._redis_url = redis_url
        self._waiting: defaultdict[str, set[threading.Event]] = defaultdict(set)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()

    @contextmanager
    def of(self, release_id: str) -> Iterator[threading.Event]:
        """An Event that is set each time this Release has news; whoever waits clears it."""
        event = threading.Event()
        with self._lock:
            self._waiting[release_id].add(event)
            if self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(target=self._listen, name="wakeups", daemon=True)
                self._thread.start()
        try:
            yield event
        finally:
            with self._lock:
                self._waiting[release_id].discard(event)
                if not self._waiting[release_id]:
                    del self._waiting[release_id]

    def close(self) -> None:
        """Ends the listening thread within a second, and wakes whoever waits."""
        self._closed.set()
        with self._lock:
            for events in self._waiting.values():
                for event in events:
                    event.set()

    def _listen(self) -> None:
        reachable = True
        while not self._closed.is_set():
            try:
                self._subscribe()
            except RedisError as error:
                if reachable:
                    _log.warning("no wake-ups, polling only", reason=type(error).__name__)
                reachable = False
                self._closed.wait(1.0)
            else:
                reachable = True

    def _subscribe(self) -> None:
        """Passes hints on until closed, or until nothing has been heard for a while; raises RedisError."""
        with (
            Redis.from_url(
                self._redis_url,
                socket_connect_timeout=ANSWER_SECONDS,
                socket_timeout=2.0,
                health_check_interval=10,
            ) as redis,
            redis.pubsub(ignore_subscribe_messages=True) as subscription,
        ):
            subscription.psubscribe(f"{CHANNEL}*")
            while not self._closed.is_set():
                message = subscription.get_message(timeout=1.0)
                if message is not None:
                    self._wake(message)

    def _wake(self, message: dict[str, Any]) -> None:
        release_id = message["channel"].decode("utf-8", "replace").removeprefix(CHANNEL)
        with self._lock:
            for event in self._waiting.get(release_id, ()):
                event.set()
