"""A read-only Git server over HTTP on loopback: `git http-backend` behind the standard library's server."""

from __future__ import annotations

import argparse
import os
import subprocess
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LARGEST_BODY_BYTES = 16 * 1024 * 1024
_BACKEND_SECONDS = 60
# Headers that the backend reads, and the names that CGI (RFC 3875) gives to them.
_PASSED_ON = {
    "Content-Type": "CONTENT_TYPE",
    "Content-Encoding": "HTTP_CONTENT_ENCODING",
    "Git-Protocol": "HTTP_GIT_PROTOCOL",
}


class GitServer(ThreadingHTTPServer):
    """Serves the bare repositories below `root`."""

    # The default of 5 makes the sixth of several clones at once wait for a second.
    request_queue_size = 128

    def __init__(self, root: Path, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.root = root


class _BadRequest(Exception):
    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    """Answers clone and fetch. A push is refused by the backend: there is no user that it could come from."""

    server: GitServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self._answer(HTTPStatus.OK, b"ok\n")
        else:
            self._backend(b"")

    def do_POST(self) -> None:
        try:
            body = self._body()
        except (_BadRequest, ValueError) as error:
            status = error.status if isinstance(error, _BadRequest) else HTTPStatus.BAD_REQUEST
            self.close_connection = True  # what follows the part that was read can't be told from a next request
            self._answer(status, f"{status.phrase}\n".encode())
        else:
            self._backend(body)

    def _body(self) -> bytes:
        """The request's body. Raises `_BadRequest`, or ValueError for lengths that are no numbers."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._chunked()
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 <= length <= _LARGEST_BODY_BYTES:
            raise _BadRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return self.rfile.read(length)

    def _chunked(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(20).split(b";")[0], 16):
            if not 0 < size <= _LARGEST_BODY_BYTES - len(body):
                raise _BadRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            body += self.rfile.read(size)
            self.rfile.readline(8)
        self.rfile.readline(8)
        return body

    def _backend(self, body: bytes) -> None:
        try:
            done = subprocess.run(
                ["git", "http-backend"],
                input=body,
                env=self._environment(len(body)),
                capture_output=True,
                timeout=_BACKEND_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            self._answer(HTTPStatus.GATEWAY_TIMEOUT, b"git http-backend took too long\n")
            return
        if done.returncode != 0:
            self.log_error("git http-backend: %s", done.stderr.decode(errors="replace"))
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, b"git http-backend failed\n")
            return
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n"))
        status = HTTPStatus(int(headers.pop("Status", "200").split()[0]))
        self._answer(status, content, headers)

    def _environment(self, length: int) -> dict[str, str]:
        url = urlsplit(self.path)
        passed_on = {_PASSED_ON[name]: self.headers[name] for name in _PASSED_ON if name in self.headers}
        return {
            **passed_on,
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            # The repositories may belong to another user than the one this runs as.
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": unquote(url.path),
            "QUERY_STRING": url.query,
            "REMOTE_ADDR": self.client_address[0],
            "CONTENT_LENGTH": str(length),
        }

    def _answer(self, status: HTTPStatus, body: bytes, headers: Mapping[str, str] | None = None) -> None:
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
    GitServer(arguments.root, arguments.port).serve_forever()


if __name__ == "__main__":
    main()
