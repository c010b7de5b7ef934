"""Ports of loopback: free ones for the stack's own parts, and one that somebody asked for."""

from __future__ import annotations

import random
import socket
from contextlib import suppress
from pathlib import Path

from pipelines.errors import GatewayError

_PROC = Path("/proc")
# Below the range that the kernel gives to outgoing connections, so that none of the stack's own connections
# takes a port between the look and the start of who is to listen there.
_RANGE = range(20000, 32000)
_LISTENING = "0A"


class PortBusy(GatewayError):
    """Somebody else listens on the port that was asked for."""

    code = "port-busy"
    exit_code = 2
    title = "The port is taken"


def free_ports(count: int) -> list[int]:
    """`count` different ports of loopback that nothing listens on now. Raises `PortBusy`."""
    ports: list[int] = []
    for port in random.sample(_RANGE, len(_RANGE)):
        if len(ports) == count:
            return ports
        if is_free(port):
            ports.append(port)
    raise PortBusy(
        f"no {count} free ports were found between {_RANGE.start} and {_RANGE.stop - 1} of 127.0.0.1",
        "See what listens there: `ss -ltnp`",
    )


def claim(port: int) -> int:
    """`port`, when nothing listens there. Raises `PortBusy`, which names who does."""
    if is_free(port):
        return port
    raise PortBusy(
        f"port {port} of 127.0.0.1 is taken by {_listener(port)}",
        f"End that program, or choose another port than {port}",
        where=f"127.0.0.1:{port}",
    )


def is_free(port: int) -> bool:
    """Whether a program could listen on `port` now."""
    with socket.socket() as attempt:
        # As servers do it: a connection that was closed a moment ago doesn't keep the port.
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _listener(port: int) -> str:
    """Who listens on `port`: program and process id, as far as this user may see it."""
    inodes = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for process in _PROC.iterdir():
        if process.name.isdigit() and inodes & _open_files(process):
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
            return f"`{' '.join(words).strip()[:80]}` (process {process.name})"
    return "a program of another user (see it with `sudo ss -ltnp`)"


def _listening_inodes(port: int) -> set[str]:
    found = set()
    for table in ("tcp", "tcp6"):
        path = _PROC / "net" / table
        for row in path.read_text().splitlines()[1:] if path.exists() else []:
            fields = row.split()
            if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(fields[9])
    return found


def _open_files(process: Path) -> set[str]:
    found = set()
    try:
        for entry in (process / "fd").iterdir():
            # One may have been closed since it was listed: the one that does the listing always has been.
            with suppress(FileNotFoundError):
                found.add(str(entry.readlink()))
    except OSError:
        return found  # another user's process, or one that has just ended: nothing to be seen
    return found
