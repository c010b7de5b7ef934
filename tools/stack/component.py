"""One program of the stack: how it is started, and how it says that it is ready."""

from __future__ import annotations

import random
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path

from pipelines.errors import GatewayError

_PROBE_SECONDS = 2.0
_PORTS = range(20000, 32000)


class ComponentFailed(GatewayError):
    """A program of the stack did not start, or ended by itself; the reason carries the end of its log."""

    code = "component-failed"
    title = "A part of the stack failed"


@dataclass(frozen=True, slots=True)
class Component:
    """A long-running program. `ready` is asked until it is true, for `deadline_seconds` at most."""

    name: str
    argv: tuple[str | Path, ...]
    ready: Callable[[], bool]
    needs: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    deadline_seconds: float = 60.0
    grace_seconds: float = 10.0


def http_ready(port: int, path: str, *, authority: Path | None = None, token: str | None = None) -> Callable[[], bool]:
    """A check that `GET path` on loopback answers 200; over TLS when `authority` (a CA file) is given."""

    def ready() -> bool:
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


def free_ports(count: int) -> list[int]:
    """`count` different ports of loopback that nothing listens on now.

    From below the range that the kernel gives to outgoing connections, so that none of the stack's own
    connections takes a port between this look and the component's start.
    """
    ports: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        if len(ports) == count:
            return ports
        if _is_free(port):
            ports.append(port)
    raise ComponentFailed(
        f"no {count} free ports were found between {_PORTS.start} and {_PORTS.stop - 1} of loopback",
        "See what listens there: `ss -ltnp`",
    )


def _is_free(port: int) -> bool:
    with socket.socket() as attempt:
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
