"""How components say that they are ready: over HTTP, by an open port, by a Redis ping, by a worker's entry in Redis."""

from __future__ import annotations

import socket
import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from tools.stack.component import Ready

_PROBE_SECONDS = 2.0


def http_ready(port: int, path: str, *, authority: Path | None = None, token: str | None = None) -> Ready:
    """A check that `GET path` on loopback answers 200; over TLS when `authority` (a CA file) is given."""

    def ready(_pid: int) -> bool:
        if authority is None:
            connection = HTTPConnection("127.0.0.1", port, timeout=_PROBE_SECONDS)
        else:
            context = ssl.create_default_context(cafile=str(authority))
            connection = HTTPSConnection("127.0.0.1", port, timeout=_PROBE_SECONDS, context=context)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False  # not ready yet: asked again until the deadline
        finally:
            connection.close()

    return ready


def port_ready(port: int) -> Ready:
    """A check that somebody takes connections on `port` of loopback."""

    def ready(_pid: int) -> bool:
        with socket.socket() as attempt:
            attempt.settimeout(_PROBE_SECONDS)
            return attempt.connect_ex(("127.0.0.1", port)) == 0

    return ready


def redis_ready(url: str) -> Ready:
    """A check that Redis takes the password in `url` and answers."""

    def ready(_pid: int) -> bool:
        try:
            with _client(url) as redis:
                return bool(redis.ping())
        except RedisError:
            return False  # not ready yet: asked again until the deadline

    return ready


def worker_ready(redis_url: str, queue: str) -> Ready:
    """A check that the worker with this process id has registered itself for `queue`, as RQ's workers do."""

    def ready(pid: int) -> bool:
        try:
            with _client(redis_url) as redis:
                keys = redis.smembers(f"rq:workers:{queue}")
                return any(redis.hget(str(key), "pid") == str(pid) for key in keys)
        except RedisError:
            return False  # not ready yet: asked again until the deadline

    return ready


def _client(url: str) -> Redis:
    # The client's own retries take seconds; here it is asked again in a moment anyway.
    retry = Retry(NoBackoff(), 0)
    return Redis.from_url(
        url,
        retry=retry,
        decode_responses=True,
        socket_timeout=_PROBE_SECONDS,
        socket_connect_timeout=_PROBE_SECONDS,
    )
