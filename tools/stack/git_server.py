"""A read-only Git server over HTTP on loopback: `git http-backend` behind the standard library's server."""

from __future__ import annotations

import argparse
import os
import subprocess
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

_LONGEST_BODY_BYTES = 16 * 1024 * 1024
_PASSED_ON = {"Content-Type": "CONTENT_TYPE", "Git-Protocol": "HTTP_GIT_PROTOCOL"}


class GitHandler(BaseHTTPRequestHandler):
    """Answers clone and fetch for the bare repositories below `root`."""

    root: Path
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self._answer(HTTPStatus.OK, b"ok\n")
        else:
            self._backend(b"")

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = self._chunked()
        elif length <= _LONGEST_BODY_BYTES:
            body = self.rfile.read(length)
        else:
            body = None
        if body is None:
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, b"request too large\n")
        else:
            self._backend(body)

    def _chunked(self) -> bytes | None:
        body = b""
        while size := int(self.rfile.readline(20).split(b";")[0], 16):
            if len(body) + size > _LONGEST_BODY_BYTES:
                return None
            body += self.rfile.read(size)
            self.rfile.readline(8)
        self.rfile.readline(8)
        return body

    def _backend(self, body: bytes) -> None:
        url = urlsplit(self.path)
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            # The repositories may belong to another user than the one this runs as.
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": url.path,
            "QUERY_STRING": url.query,
            "REMOTE_ADDR": self.client_address[0],
            "CONTENT_LENGTH": str(len(body)),
        }
        for header, variable in _PASSED_ON.items():
            if header in self.headers:
                environment[variable] = self.headers[header]
        if self.headers.get("Content-Encoding") == "gzip":
            environment["HTTP_CONTENT_ENCODING"] = "gzip"
        done = subprocess.run(
            ["git", "http-backend"], input=body, env=environment, capture_output=True, timeout=60, check=False
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n") if ": " in line)
        status = int(headers.pop("Status", "200").split()[0]) if done.returncode == 0 else 500
        self._answer(HTTPStatus(status), content, headers)

    def _answer(self, status: HTTPStatus, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """`python -m tools.stack.git_server --root DIR --port N`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    GitHandler.root = arguments.root
    ThreadingHTTPServer(("127.0.0.1", arguments.port), GitHandler).serve_forever()


if __name__ == "__main__":
    main()
