"""The public keys of an identity provider: found by discovery, kept for a while, and asked for when they change."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import structlog

from pipelines.errors import Unavailable

_TIMEOUT_SECONDS = 5.0
_LARGEST_ANSWER_BYTES = 512 * 1024
_FRESH_SECONDS = 15 * 60
_KEPT_SECONDS = 2 * 3600
_BETWEEN_REFRESHES_SECONDS = 30
_MOST_KEYS = 100
_log = structlog.get_logger("gateway.oidc")

Jwk = Mapping[str, Any]
Clock = Callable[[], float]


class IdentityProviderUnavailable(Unavailable):
    """The identity provider does not answer, or not as one: nobody is let in by guessing."""

    code = "identity-provider-unavailable"
    title = "The identity provider does not answer"


class Provider:
    """One identity provider, asked over HTTP. Follows no redirect, and reads no long answer."""

    def __init__(self, url: str) -> None:
        """`url` is the issuer, as its tokens name it."""
        self._url = url
        self._http = httpx.Client(follow_redirects=False, timeout=_TIMEOUT_SECONDS)
        self._document: Mapping[str, Any] | None = None

    def document(self) -> Mapping[str, Any]:
        """What it tells of itself, asked for once. Raises `IdentityProviderUnavailable`."""
        if self._document is None:
            found = self.get(f"{self._url.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self._url:
                raise self.unavailable(f"it calls itself {str(found.get('issuer'))[:100]!r}")
            self._document = found
        return self._document

    def forget(self) -> None:
        """The next question after `document` is asked anew."""
        self._document = None

    def address(self, name: str) -> str:
        """The address that its document has under `name`. Raises `IdentityProviderUnavailable`."""
        address = self.document().get(name)
        if not isinstance(address, str) or not is_safe(address):
            raise self.unavailable(f"its document has no https address as {name}")
        return address

    def get(self, address: str) -> Mapping[str, Any]:
        """The JSON object at `address`. Raises `IdentityProviderUnavailable`."""
        status, found = self.ask("GET", address)
        if status != 200:
            raise self.unavailable(f"{urlsplit(address).path} answers {status}")
        return found

    def ask(self, method: str, address: str, *, bearer: str = "", **sent: Any) -> tuple[int, Mapping[str, Any]]:
        """Status and JSON object that `address` answers. Raises `IdentityProviderUnavailable` for anything else."""
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
        try:
            with self._http.stream(method, address, headers=headers, **sent) as answer:
                content = bytearray()
                for chunk in answer.iter_bytes():
                    content += chunk
                    if len(content) > _LARGEST_ANSWER_BYTES:
                        raise self.unavailable("its answer is too long")
            found = json.loads(content)
        except (httpx.HTTPError, ValueError, RecursionError) as error:
            raise self.unavailable(type(error).__name__) from error
        if not isinstance(found, dict):
            raise self.unavailable("its answer is no JSON object")
        return answer.status_code, found

    def unavailable(self, why: str) -> IdentityProviderUnavailable:
        """The error that says so."""
        return IdentityProviderUnavailable(
            f"the identity provider {self._url} gives no usable answer: {why}",
            "Try once more in a minute; meanwhile a token from `deploy-gateway token create` works",
        )


def is_safe(address: str) -> bool:
    """Whether `address` is https, or on this machine."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1"))


@dataclass
class _Kept:
    keys: Mapping[str, Jwk] = field(default_factory=dict)
    at: float | None = None
    asked_at: float | None = None
    failure: IdentityProviderUnavailable | None = None


class Keys:
    """The keys of `provider` by id.

    Asked for again after 15 minutes, and for an id that is not among them; at most every 30 s, however many tokens
    name whatever keys. While the provider is down, keys are good for two hours.
    """

    def __init__(self, provider: Provider, clock: Clock = time.monotonic) -> None:
        self._provider, self._clock = provider, clock
        self._kept, self._lock = _Kept(), threading.Lock()

    def find(self, kid: str) -> Jwk | None:
        """The key called `kid`; None when the provider has none. Raises `IdentityProviderUnavailable`."""
        with self._lock:
            if self._age(self._kept.at) > _FRESH_SECONDS or kid not in self._kept.keys:
                self._refresh()
            if self._age(self._kept.at) > _KEPT_SECONDS:
                self._kept.keys = {}
            found = self._kept.keys.get(kid)
            if found is None and self._kept.failure is not None:
                raise self._provider.unavailable("its keys can't be read") from self._kept.failure
            return found

    def _refresh(self) -> None:
        if self._age(self._kept.asked_at) < _BETWEEN_REFRESHES_SECONDS:
            return
        self._kept.asked_at = self._clock()
        self._provider.forget()
        try:
            self._kept.keys = self._ask()
        except IdentityProviderUnavailable as error:
            self._kept.failure = error
            _log.warning("keys of an identity provider not read", reason=error.reason)
            return
        self._kept.at, self._kept.failure = self._kept.asked_at, None

    def _ask(self) -> Mapping[str, Jwk]:
        listed = self._provider.get(self._provider.address("jwks_uri")).get("keys")
        if not isinstance(listed, list) or len(listed) > _MOST_KEYS:
            raise self._provider.unavailable("it has no list of keys")
        return {
            key["kid"]: key
            for key in listed
            if isinstance(key, dict) and isinstance(key.get("kid"), str) and key.get("use", "sig") == "sig"
        }

    def _age(self, at: float | None) -> float:
        return float("inf") if at is None else self._clock() - at
