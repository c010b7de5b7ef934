"""Image registries, by the OCI distribution API over httpx: which digest a tag means now."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import urlsplit

import httpx

from pipelines.errors import ImageNotFound, RegistryUnavailable
from pipelines.images import Image, parse_image

_ACCEPT = ", ".join(
    f"application/vnd.{kind}+json"
    for kind in (
        "oci.image.index.v1",
        "oci.image.manifest.v1",
        "docker.distribution.manifest.list.v2",
        "docker.distribution.manifest.v2",
    )
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Registries:
    """Implements `pipelines.ports.Registry`. Keeps connections open: one for the life of a worker."""

    def __init__(self, *, plain_http_hosts: Collection[str] = ()) -> None:
        """`plain_http_hosts` (`host:port`) are asked over http, as the platform decided; all others over https."""
        self._plain = frozenset(plain_http_hosts)
        self._client = httpx.Client(follow_redirects=False)

    def digest(self, image: str, *, timeout_seconds: float) -> str:
        """See `pipelines.ports.Registry.digest`."""
        parsed = parse_image(image)
        scheme = "http" if parsed.registry in self._plain else "https"
        url = f"{scheme}://{parsed.registry}/v2/{parsed.repository}/manifests/{parsed.tag}"
        try:
            answer = self._ask(url, parsed, timeout_seconds)
        except httpx.HTTPError as error:
            raise RegistryUnavailable(
                f"{parsed.registry} does not answer ({type(error).__name__})",
                "It is tried again. See whether the registry is up",
                where="image",
            ) from error
        return _digest_in(answer, parsed, image)

    def _ask(self, url: str, image: Image, timeout_seconds: float) -> httpx.Response:
        headers = {"Accept": _ACCEPT}
        answer = self._client.head(url, headers=headers, timeout=timeout_seconds)
        if answer.status_code == 401:
            token = self._anonymous_token(answer, image, timeout_seconds)
            if token is not None:
                headers["Authorization"] = f"Bearer {token}"
                answer = self._client.head(url, headers=headers, timeout=timeout_seconds)
        return answer

    def _anonymous_token(self, refused: httpx.Response, image: Image, timeout_seconds: float) -> str | None:
        """A pull token from where the registry sends us; None when it names no place over https."""
        challenge = dict(re.findall(r'(\w+)="([^"]*)"', refused.headers.get("WWW-Authenticate", "")))
        realm = urlsplit(challenge.get("realm", ""))
        if realm.scheme != "https" and realm.netloc not in self._plain:
            return None
        parameters = {"service": challenge.get("service", ""), "scope": f"repository:{image.repository}:pull"}
        answer = self._client.get(realm.geturl(), params=parameters, timeout=timeout_seconds)
        if answer.status_code != 200:
            return None
        document = answer.json()
        token = document.get("token") or document.get("access_token")
        return token if isinstance(token, str) else None


def _digest_in(answer: httpx.Response, parsed: Image, image: str) -> str:
    if answer.status_code == 404:
        raise ImageNotFound(
            f"{parsed.registry} has no image {parsed.repository} with the tag {parsed.tag}",
            "Push it first, or correct the tag",
            where="image",
        )
    digest = answer.headers.get("Docker-Content-Digest", "")
    if answer.status_code != 200 or not _DIGEST.fullmatch(digest):
        raise RegistryUnavailable(
            f"{parsed.registry} answered {answer.status_code} for {image}, without a digest",
            "It is tried again. See whether the registry is well and lets this gateway read",
            where="image",
        )
    return str(digest)
