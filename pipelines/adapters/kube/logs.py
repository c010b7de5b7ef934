"""The logs of a Job's pods: each line once, as it comes, within bounds."""

from __future__ import annotations

import re
from collections import deque
from typing import Any

from pipelines.adapters.kube.connection import Connection

LONGEST_LINE_BYTES = 4096
_WINDOW_LINES = 200
_LIVE_LINES = 100
_LAST_LINES = 100
_TAIL_LINES = 8
_MOST_BYTES = 1024 * 1024
# All that would drive a terminal, or reorder what is read; a tab does no harm.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def escaped(line: str) -> str:
    """`line` with control characters written out (`\\x1b`), cut at 4 KiB."""
    text = _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), line)
    content = text.encode()
    if len(content) <= LONGEST_LINE_BYTES:
        return text
    return content[:LONGEST_LINE_BYTES].decode("utf-8", "ignore") + " … (cut)"


def log_tail(connection: Connection, namespace: str, pod: str, container: str) -> tuple[str, ...]:
    """The end of the container's log; empty where there is none, or where its kubelet does not serve it."""
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
    lines = connection.text_lines(path, container=container, tailLines=_TAIL_LINES, limitBytes=_MOST_BYTES)
    return tuple(escaped(line) for line in lines)


class ContainerLog:
    """The log of one container: the first lines as they come, the last ones when it is over."""

    def __init__(self, connection: Connection, namespace: str, pod: str, container: str) -> None:
        self._connection = connection
        self._path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        self._container = container
        self._newest = ""
        self._told = 0
        self._held: deque[str] = deque(maxlen=_LAST_LINES)
        self._left_out = 0
        self.tail: deque[str] = deque(maxlen=_TAIL_LINES)

    def new_lines(self) -> list[str]:
        """What was written since the last call, as far as it is shown at once."""
        lines = [escaped(line.partition(" ")[2]) for line in self._unread()]
        self.tail.extend(lines)
        live = lines[: max(0, _LIVE_LINES - self._told)]
        self._told += len(live)
        for line in lines[len(live) :]:
            self._left_out += len(self._held) == _LAST_LINES
            self._held.append(line)
        return live

    def rest(self) -> list[str]:
        """The last lines, for when no more will come, after how many were left out."""
        lines = [*([f"… {self._left_out} lines are left out …"] if self._left_out else []), *self._held]
        self._held.clear()
        self._left_out = 0
        return lines

    def _unread(self) -> list[str]:
        """Lines that begin with their time, which tells two lines of the same words apart."""
        window: Any = self._connection.text_lines(
            self._path,
            container=self._container,
            tailLines=_WINDOW_LINES,
            limitBytes=_MOST_BYTES,
            timestamps="true",
        )
        known = next((at for at in range(len(window) - 1, -1, -1) if window[at] == self._newest), -1)
        if window:
            self._newest = window[-1]
        return list(window[known + 1 :])
