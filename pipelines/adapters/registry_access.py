"""Whom a registry lets in: basic credentials and pull tokens, and where they are never shown."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Collection, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx

from pipelines.credentials import ReadCredentials
from pipelines.errors import RegistryUnavailable
from pipelines.images import Image

_TOKEN_SECONDS = 45.0
"""Shorter than a token's shortest life, which is 60 seconds."""
_LARGEST_TOKEN_BYTES = 1024 * 1024


class Access:
    """The credentials by prefix, and the tokens that were had for them a moment ago."""

    def __init__(
        self, client: httpx.Client, plain_http_hosts: Collection[str], credentials: Mapping[str, ReadCredentials]
    ) -> None:
        self._client, self._plain, self._credentials = client, plain_http_hosts, dict(credentials)
        self._tokens: dict[tuple[str, str], tuple[str, float]] = {}

    def known(self, image: Image) -> dict[str, str]:
        """The header of a token that still holds, if there is one."""
        token, until = self._tokens.get((image.registry, image.repository), ("", 0.0))
        return {"Authorization": token} if time.monotonic() < until else {}

    def shown(self, image: Image) -> str:
        """In words, what the gateway has to show for `image`. Names no secret."""
        prefix = self._prefix(image)
        return f"the credentials of {prefix} were refused" if prefix else "there are no credentials for it"

    def authorization(self, refused: httpx.Response, image: Image, timeout_seconds: float) -> str | None:
        """What to show, in answer to what the registry asks for; None when there is nothing to show."""
        challenge = refused.headers.get("WWW-Authenticate", "")
        prefix = self._prefix(image)
        basic = self._credentials[prefix]().basic if prefix else None
        if not challenge.lower().startswith("basic"):
            return self._pull_token(challenge, image, basic, timeout_seconds)
        return basic

    def _prefix(self, image: Image) -> str | None:
        name = f"{image.registry}/{image.repository}"
        fitting = [one for one in self._credentials if name == one or (one.endswith("/") and name.startswith(one))]
        return max(fitting, key=len, default=None)

    def _pull_token(self, asked: str, image: Image, basic: str | None, timeout_seconds: float) -> str | None:
        """A token from where the registry sends us, by its credentials or as anybody.

        None when it names no place over https, or one of this machine. Raises `RegistryUnavailable` when that place is
        not well, has more to say than a token, or takes longer than `timeout_seconds`.
        """
        challenge = dict(re.findall(r'(\w+)="([^"]*)"', asked))
        realm = urlsplit(challenge.get("realm", ""))
        if realm.scheme != "https" and realm.netloc not in self._plain:
            return None
        if realm.netloc not in (*self._plain, api_host(image)[0]) and _may_be_near(realm.geturl()):
            return None
        scope = f"repository:{api_host(image)[1]}:pull"
        parameters = {"service": challenge.get("service", ""), "scope": scope}
        headers = {"Authorization": basic} if basic else {}
        until = time.monotonic() + timeout_seconds
        headers["Accept-Encoding"] = "identity"
        url, seconds = realm.geturl(), timeout_seconds
        with self._client.stream("GET", url, params=parameters, headers=headers, timeout=seconds) as answer:
            if answer.status_code in (401, 403):
                return None
            token = _token_in(answer, until)
        if token is None:
            raise RegistryUnavailable(
                f"{realm.netloc} answered {answer.status_code}, without a token for {image.registry}",
                "It is tried again. See whether the registry is well",
                where="image",
            )
        self._tokens[image.registry, image.repository] = (f"Bearer {token}", time.monotonic() + _TOKEN_SECONDS)
        return f"Bearer {token}"


def _token_in(answer: httpx.Response, until: float) -> str | None:
    """The token in the body, of which no more is read than one can take, and not after `until`."""
    content = bytearray()
    for chunk in answer.iter_raw() if answer.status_code == 200 else ():
        content += chunk
        if len(content) > _LARGEST_TOKEN_BYTES or time.monotonic() > until:
            return None
    try:
        document = json.loads(content)
        token = document.get("token") or document.get("access_token")
    except (ValueError, AttributeError, RecursionError):
        return None
    return token if isinstance(token, str) else None


def api_host(image: Image) -> tuple[str, str]:
    """Which host answers for `image`, and by which path: Docker Hub's has another name, and its own images a folder."""
    if image.registry != "docker.io":
        return image.registry, image.repository
    path = image.repository if "/" in image.repository else f"library/{image.repository}"
    return "registry-1.docker.io", path


def may_be_followed(url: str, plain_http_hosts: Collection[str]) -> bool:
    """Whether a registry may send us to `url` for a blob: over https, and to nothing of this machine or its link."""
    try:
        parts = urlsplit(url)
        if parts.netloc in plain_http_hosts:
            return parts.scheme in ("http", "https")
        return parts.scheme == "https" and not parts.username and not _is_near(url)
    except (ValueError, OSError):
        return False


def _may_be_near(url: str) -> bool:
    """As `_is_near`; what has no address here is asked for by a proxy, if at all."""
    try:
        return _is_near(url)
    except OSError:
        return False
    except ValueError:
        return True


def _is_near(url: str) -> bool:
    """Whether it leads to this machine or its link. Raises `ValueError`, `OSError` where nobody knows."""
    parts = urlsplit(url)
    addresses = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    found = [ip_address(one[4][0]) for one in addresses]
    return any(one.is_loopback or one.is_link_local or one.is_unspecified or one.is_multicast for one in found)
