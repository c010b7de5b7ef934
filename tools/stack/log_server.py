"""The logs of simulated containers, served to the API server as a node's kubelet does: over mutual TLS.

What a container printed is its environment variable SIMULATE_LOG, or else a line that says that nothing ran.
"""

from __future__ import annotations

import argparse
import base64
import json
import select
import ssl
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from urllib.request import Request, urlopen

_READ_SECONDS = 5
_POLL_SECONDS = 0.2
# A follower that is forgotten by everybody keeps a thread no longer than this.
_LONGEST_FOLLOW_SECONDS = 3600
NOTHING_RAN = "simulated by kwok: nothing ran"
FAILED = "simulated by kwok: nothing ran, exit code 1 as SIMULATE says"

Pods = Callable[[str, str], Mapping[str, Any]]
"""Reads the Pod of (namespace, name). Raises `Refused`."""


class Refused(Exception):
    """There is no log to show; the text says why, in the kubelet's words."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Log:
    """What a container has printed so far, all of it at `printed_at`; `ended` when nothing can follow."""

    text: str
    printed_at: datetime
    ended: bool


def log_of(pod: Mapping[str, Any], container: str, *, previous: bool = False) -> Log:
    """The log of `container`, or of the run before the present one. Raises `Refused` for one that never ran."""
    name = f'container "{container}" in pod "{pod["metadata"]["name"]}"'
    state = _state(pod, container)
    ran = state.get("lastState", {}).get("terminated")
    if previous and not ran:
        raise Refused(HTTPStatus.BAD_REQUEST, f"previous terminated {name} not found")
    current = state.get("state", {})
    run = ran if previous else current.get("terminated") or current.get("running") or ran
    if not run:
        reason = current.get("waiting", {}).get("reason", "ContainerCreating")
        raise Refused(HTTPStatus.BAD_REQUEST, f"{name} is waiting to start: {reason}")
    said = _printed(pod, container) or (FAILED if run.get("exitCode") else NOTHING_RAN)
    return Log(said.rstrip("\n") + "\n", datetime.fromisoformat(run["startedAt"]), "running" not in current)


def _state(pod: Mapping[str, Any], container: str) -> Mapping[str, Any]:
    status = pod.get("status", {})
    states = (*status.get("containerStatuses", ()), *status.get("initContainerStatuses", ()))
    return next((one for one in states if one["name"] == container), {})


def _printed(pod: Mapping[str, Any], container: str) -> str:
    containers = (*pod["spec"]["containers"], *pod["spec"].get("initContainers", ()))
    variables = (one for made in containers if made["name"] == container for one in made.get("env", ()))
    return next((one.get("value", "") for one in variables if one["name"] == "SIMULATE_LOG"), "")


def shown(log: Log, options: Mapping[str, str]) -> bytes:
    """The part of `log` that `options` (PodLogOptions as a query) ask for. Raises ValueError."""
    if log.printed_at < _since(options):
        return b""
    lines = log.text.splitlines(keepends=True)
    if "tailLines" in options:
        lines = lines[max(0, len(lines) - int(options["tailLines"])) :]
    if options.get("timestamps") == "true":
        stamp = log.printed_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        lines = [f"{stamp} {line}" for line in lines]
    limit = int(options["limitBytes"]) if "limitBytes" in options else None
    return "".join(lines).encode()[:limit]


def _since(options: Mapping[str, str]) -> datetime:
    if "sinceSeconds" in options:
        return datetime.now(UTC) - timedelta(seconds=int(options["sinceSeconds"]))
    return datetime.fromisoformat(options.get("sinceTime", "0001-01-01T00:00:00Z"))


class LogServer(ThreadingHTTPServer):
    """Answers `/containerLogs/NAMESPACE/POD/CONTAINER` for whoever has a certificate that `context` takes."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, context: ssl.SSLContext, pods: Pods) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        # Hands are shaken in the connection's own thread: one that says nothing must not hold up the others.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.pods = pods

    def handle_error(self, request: Any, client_address: Any) -> None:
        """One line: who has no certificate, or has gone, is no fault of ours."""
        sys.stderr.write(f"{client_address[0]}: {sys.exception()}\n")


class _Handler(BaseHTTPRequestHandler):
    server: LogServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.close_connection = True
        try:
            namespace, pod, container = self._asked()
            options = dict(parse_qsl(urlsplit(self.path).query))
            log = log_of(self.server.pods(namespace, pod), container, previous=options.get("previous") == "true")
            text = shown(log, options)
        except Refused as refusal:
            self._refuse(refusal.status, str(refusal))
        except ValueError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, f"the options of the log can't be read: {error}")
        else:
            self._answer(text)
            if options.get("follow") == "true" and not log.ended:
                self._until_ended(namespace, pod, container)
            self.wfile.write(b"0\r\n\r\n")

    def _asked(self) -> tuple[str, str, str]:
        match [unquote(part) for part in urlsplit(self.path).path.split("/")]:
            case ["", "containerLogs", namespace, pod, container]:
                return namespace, pod, container
            case _:
                raise Refused(HTTPStatus.NOT_FOUND, "simulated nodes have logs, and nothing else to ask for")

    def _answer(self, text: bytes) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        # The end has to be told: behind TLS the API server takes a closed connection for one that broke.
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Connection", "close")
        self.end_headers()
        if text:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text))
            self.wfile.flush()

    def _until_ended(self, namespace: str, pod: str, container: str) -> None:
        """Returns when the container has ended, its Pod is gone, or nobody listens any more."""
        deadline = time.monotonic() + _LONGEST_FOLLOW_SECONDS
        while time.monotonic() < deadline:
            if select.select([self.connection], [], [], _POLL_SECONDS)[0]:
                return  # a client that follows has nothing more to say: it has gone
            try:
                if log_of(self.server.pods(namespace, pod), container).ended:
                    return
            except Refused:
                return

    def _refuse(self, status: HTTPStatus, text: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def pods_of(kubeconfig: Path) -> Pods:
    """Reads Pods as the identity of `kubeconfig`, one that `write_kubeconfig` wrote."""
    config = json.loads(kubeconfig.read_text())
    cluster = config["clusters"][0]["cluster"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=authority)
    headers = {"Authorization": f"Bearer {config['users'][0]['user']['token']}"}

    def read(namespace: str, pod: str) -> Mapping[str, Any]:
        url = f"{cluster['server']}/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(pod, safe='')}"
        try:
            with urlopen(Request(url, headers=headers), timeout=_READ_SECONDS, context=context) as answer:  # noqa: S310 (our own API server)
                found: Mapping[str, Any] = json.load(answer)
                return found
        except HTTPError as error:
            raise Refused(HTTPStatus(error.code), f'pod "{pod}" can\'t be read: {error.reason}') from error
        except (URLError, TimeoutError) as error:
            raise Refused(HTTPStatus.BAD_GATEWAY, f"the API server does not answer: {error}") from error

    return read


def main() -> None:
    """Until it is ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    for name in ("--kubeconfig", "--authority", "--certificate", "--key"):
        parser.add_argument(name, type=Path, required=True)
    arguments = parser.parse_args()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(arguments.certificate, arguments.key)
    context.load_verify_locations(arguments.authority)
    context.verify_mode = ssl.CERT_REQUIRED
    LogServer(arguments.port, context, pods_of(arguments.kubeconfig)).serve_forever()


if __name__ == "__main__":
    main()
