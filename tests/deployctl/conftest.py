"""A gateway's door of our own: answers what a test tells it to, on a real socket."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.deployctl.answers import PROGRAM

Run = Callable[..., subprocess.CompletedProcess[str]]


@dataclass
class Door:
    """`answers` maps `METHOD /path` to lists of (status, content type, body), taken one by one; the last stays."""

    answers: dict[str, list[tuple[int, str, bytes]]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    def says(self, call: str, body: Any, *, status: int = 200, kind: str = "application/json") -> None:
        """Adds an answer."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers.setdefault(call, []).append((status, kind, content))


@pytest.fixture
def door() -> Iterator[Door]:
    opened = Door()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            call = f"{self.command} {self.path.split('?')[0]}"
            opened.requests.append((call, dict(self.headers), body))
            queue = opened.answers.get(call, [(404, "text/html", b"<html>nothing here</html>")])
            status, kind, content = queue.pop(0) if len(queue) > 1 else queue[0]
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_DELETE = do_GET = do_POST = _answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    opened.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield opened
    server.shutdown()
    server.server_close()


@pytest.fixture
def run(door: Door, tmp_path: Path) -> Run:
    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROGRAM, *arguments], env=shell_of(door, tmp_path) | more, capture_output=True, text=True, timeout=60
        )

    return run


def shell_of(door: Door, home: Path) -> dict[str, str]:
    coverage = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_PROCESS")}
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "DEPLOYCTL_URL": door.url,
        "DEPLOYCTL_TOKEN": "dg_x",
        **coverage,
    }
