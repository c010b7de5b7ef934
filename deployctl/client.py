"""The API, by httpx: JSON in and out, and an event stream that survives a gateway that is restarted."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from deployctl.config import Config
from deployctl.problems import CommandFailed, from_problem, not_reachable, not_the_gateway

_TIMEOUT = httpx.Timeout(20.0, connect=5.0)
# The stream is quiet for 15 s at the most: then comes a comment.
_STREAM_TIMEOUT = httpx.Timeout(40.0, connect=5.0)
_PATIENCE_SECONDS = 60.0
_LONGEST_PAUSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event of a Release: `type` and `data` as the API documents them."""

    id: str
    type: str
    data: dict[str, Any]


class Client:
    """One gateway, as one caller."""

    def __init__(self, config: Config) -> None:
        self._url = config.url
        headers = {"Authorization": f"Bearer {config.token}"} if config.token else {}
        self._http = httpx.Client(base_url=config.url, headers=headers, timeout=_TIMEOUT)

    def get(self, path: str, **query: str | int | None) -> dict[str, Any]:
        """The JSON at `path`. Raises `CommandFailed`."""
        return self._call("GET", path, params={key: value for key, value in query.items() if value is not None})

    def file(self, path: str) -> bytes:
        """The JSON at `path` as it is sent: what is too long for a look. Raises `CommandFailed`."""
        try:
            response = self._http.get(path)
        except httpx.TransportError as error:
            raise not_reachable(self._url, type(error).__name__) from error
        if not response.is_success:
            raise self._problem(response)
        return response.content

    def post(self, path: str, body: dict[str, Any], *, key: str | None = None) -> dict[str, Any]:
        """The JSON that a POST answers; with `key`, safe to repeat. Raises `CommandFailed`."""
        return self._call("POST", path, json=body, headers={"Idempotency-Key": key} if key else {})

    def delete(self, path: str) -> dict[str, Any]:
        """The JSON that a DELETE answers. Raises `CommandFailed`."""
        return self._call("DELETE", path)

    def events(self, release_id: str, *, follow: bool = True) -> Iterator[StreamEvent]:
        """The events of a Release from its first on, to its end; without `follow`, those that there are.

        Connects again where it broke off, for a minute at the most. Raises `CommandFailed`.
        """
        last, since, pause = "0", time.monotonic(), 0.2
        while True:
            try:
                for event in self._stream(release_id, last):
                    yield event
                    last, since, pause = event.id, time.monotonic(), 0.2
                    if event.type == "state" and event.data.get("final"):
                        return
                if not follow:
                    return
            except httpx.TransportError as error:
                if time.monotonic() - since > _PATIENCE_SECONDS:
                    raise not_reachable(self._url, type(error).__name__) from error
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _stream(self, release_id: str, last: str) -> Iterator[StreamEvent]:
        path = f"/api/v1/releases/{release_id}/events"
        headers = {"Last-Event-ID": last, "Accept": "text/event-stream"}
        with self._http.stream("GET", path, headers=headers, timeout=_STREAM_TIMEOUT) as response:
            if response.status_code in (502, 503, 504):
                raise httpx.ReadError(f"HTTP {response.status_code}")
            if response.status_code != 200:
                response.read()
                raise self._problem(response)
            fields: dict[str, str] = {}
            for line in response.iter_lines():
                if not line and "data" in fields:
                    yield StreamEvent(fields.get("id", last), fields.get("event", ""), json.loads(fields["data"]))
                    fields = {}
                elif line and not line.startswith(":"):
                    name, _, value = line.partition(":")
                    fields[name] = fields.get(name, "") + value.removeprefix(" ")

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            response = self._http.request(method, path, **options)
        except httpx.TransportError as error:
            raise not_reachable(self._url, type(error).__name__) from error
        if response.is_success:
            try:
                document = response.json()
            except ValueError as error:
                raise not_the_gateway(self._url, response.status_code) from error
            if isinstance(document, dict):
                return document
            raise not_the_gateway(self._url, response.status_code)
        raise self._problem(response)

    def _problem(self, response: httpx.Response) -> CommandFailed:
        try:
            document = response.json()
        except ValueError:
            return not_the_gateway(self._url, response.status_code)
        if not isinstance(document, dict):
            return not_the_gateway(self._url, response.status_code)
        return from_problem(response.status_code, document)
