"""Image registries, by the OCI distribution API over httpx: which digest a tag means now."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

import httpx

from pipelines.credentials import ReadCredentials
from pipelines.errors import AccessRefused, ImageNotFound, RegistryUnavailable
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
_REFUSED = (401, 403)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Registries:
    """Implements `pipelines.ports.Registry`. Keeps connections open: one for the life of a worker."""

    def __init__(
        self, *, plain_http_hosts: Collection[str] = (), credentials: Mapping[str, ReadCredentials] | None = None
    ) -> None:
        """`plain_http_hosts` (`host:port`) are asked over http, as the platform decided; all others over https.

        `credentials` are by prefix (`host/` or `host/path/`): the longest that fits is taken.
        """
        self._credentials = dict(credentials or {})
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
            authorization = self._authorization(answer, image, timeout_seconds)
            if authorization is not None:
                headers["Authorization"] = authorization
                answer = self._client.head(url, headers=headers, timeout=timeout_seconds)
        return answer

    def _authorization(self, refused: httpx.Response, image: Image, timeout_seconds: float) -> str | None:
        """What to show, in answer to what the registry asks for; None when there is nothing to show."""
        challenge = refused.headers.get("WWW-Authenticate", "")
        basic = self._basic(image)
        if not challenge.lower().startswith("basic"):
            return self._pull_token(challenge, image, basic, timeout_seconds)
        return basic

    def _basic(self, image: Image) -> str | None:
        name = f"{image.registry}/{image.repository}"
        fitting = [prefix for prefix in self._credentials if name.startswith(prefix)]
        return self._credentials[max(fitting, key=len)]().basic if fitting else None

    def _pull_token(self, asked: str, image: Image, basic: str | None, timeout_seconds: float) -> str | None:
        """A token from where the registry sends us, by its credentials or as anybody.

        None when it names no place over https. Raises `RegistryUnavailable` when that place is not well.
        """
        challenge = dict(re.findall(r'(\w+)="([^"]*)"', asked))
        realm = urlsplit(challenge.get("realm", ""))
        if realm.scheme != "https" and realm.netloc not in self._plain:
            return None
        parameters = {"service": challenge.get("service", ""), "scope": f"repository:{image.repository}:pull"}
        headers = {"Authorization": basic} if basic else {}
        answer = self._client.get(realm.geturl(), params=parameters, headers=headers, timeout=timeout_seconds)
        if answer.status_code in _REFUSED:
            return None
        document = answer.json() if answer.status_code == 200 else {}
        token = document.get("token") or document.get("access_token")
        if not isinstance(token, str):
            raise RegistryUnavailable(
                f"{realm.netloc} answered {answer.status_code}, without a token for {image.registry}",
                "It is tried again. See whether the registry is well",
                where="image",
            )
        return f"Bearer {token}"


def _digest_in(answer: httpx.Response, parsed: Image, image: str) -> str:
    if answer.status_code == 404:
        raise ImageNotFound(
            f"{parsed.registry} has no image {parsed.repository} with the tag {parsed.tag}",
            "Push it first, or correct the tag",
            where="image",
        )
    if answer.status_code in _REFUSED:
        raise AccessRefused(
            f"{parsed.registry} does not let the gateway read {parsed.repository}",
            "The platform gives it credentials that may: `credentials` of this registry in gateway.yaml, below "
            "`images.registries`. A registry may also answer so when there is no such image: see whether it was pushed",
            where="image",
        )
    digest = answer.headers.get("Docker-Content-Digest", "")
    if answer.status_code != 200 or not _DIGEST.fullmatch(digest):
        raise RegistryUnavailable(
            f"{parsed.registry} answered {answer.status_code} for {image}, without a digest",
            "It is tried again. See whether the registry is well",
            where="image",
        )
    return str(digest)
