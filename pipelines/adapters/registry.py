"""Image registries, by the OCI distribution API over httpx: digests of tags, and what they stand for, verified."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from pipelines.adapters.registry_access import Access, api_host, may_be_followed
from pipelines.credentials import ReadCredentials
from pipelines.digests import content_digest
from pipelines.errors import AccessRefused, ImageNotFound, ImageUnreadable, RegistryUnavailable
from pipelines.image_contents import DIGEST
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
LARGEST_DOCUMENT_BYTES = 4 * 1024 * 1024
LARGEST_LAYER_BYTES = 64 * 1024 * 1024
_MOST_REDIRECTS = 3
_MOST_PAGES = 20
_NEXT_PAGE = re.compile(r'<([^>]*)>\s*;\s*rel="?next"?')


class Registries:
    """Implements `pipelines.ports.Registry`. Keeps connections open: one for the life of a worker."""

    def __init__(
        self, *, plain_http_hosts: Collection[str] = (), credentials: Mapping[str, ReadCredentials] | None = None
    ) -> None:
        """`plain_http_hosts` (`host:port`) are asked over http, as the platform decided; all others over https.

        `credentials` are by prefix (`host/` or `host/path/`) or for one repository (`host/path`): the longest that
        fits is taken.
        """
        self._plain = frozenset(plain_http_hosts)
        self._client = httpx.Client(follow_redirects=False)
        self._access = Access(self._client, self._plain, credentials or {})

    def digest(self, image: str, *, timeout_seconds: float) -> str:
        """See `pipelines.ports.Registry.digest`."""
        parsed = parse_image(image)
        url = self._url(parsed, f"manifests/{parsed.tag}")
        with _reachable(parsed), self._answer("HEAD", url, parsed, timeout_seconds) as answer:
            self._insist(answer, parsed, f"with the tag {parsed.tag}")
            digest = answer.headers.get("Docker-Content-Digest", "")
            if answer.status_code != 200 or not DIGEST.fullmatch(digest):
                raise _not_well(parsed, f"answered {answer.status_code} for {image}, without a digest")
            return str(digest)

    def manifest(self, repository: str, digest: str, *, timeout_seconds: float) -> bytes:
        """The manifest or index `digest` of `repository` (`host/path`), whose sha256 that is.

        Raises ImageNotFound, AccessRefused, ImageUnreadable, RegistryUnavailable.
        """
        return self._content(repository, f"manifests/{digest}", digest, timeout_seconds)

    def blob(self, repository: str, digest: str, *, timeout_seconds: float) -> bytes:
        """A small blob, such as a config; otherwise as `manifest`."""
        return self._content(repository, f"blobs/{digest}", digest, timeout_seconds)

    def layer(self, repository: str, digest: str, *, timeout_seconds: float) -> bytes:
        """A packed layer of moderate size; otherwise as `manifest`."""
        return self._content(repository, f"blobs/{digest}", digest, timeout_seconds, LARGEST_LAYER_BYTES)

    def named(self, repository: str, what: str, *, timeout_seconds: float) -> bytes:
        """A document below `repository` that is known by no digest (`manifests/TAG`, `referrers/DIGEST`).

        Empty where there is none. Raises AccessRefused, ImageUnreadable, RegistryUnavailable.
        """
        parsed = parse_image(repository)
        try:
            with _reachable(parsed):
                return self._followed(self._url(parsed, what), parsed, what, timeout_seconds)
        except ImageNotFound:
            return b""

    def tags(self, repository: str, *, timeout_seconds: float) -> tuple[str, ...]:
        """All tags of `repository` (`host/path`), in the registry's order. Raises as `manifest`."""
        parsed = parse_image(repository)
        found: list[str] = []
        url = self._url(parsed, "tags/list?n=1000")
        with _reachable(parsed):
            for _ in range(_MOST_PAGES):
                with self._answer("GET", url, parsed, timeout_seconds) as answer:
                    self._insist(answer, parsed, "with any tag")
                    found += _tags_in(_whole(answer, parsed, timeout_seconds), parsed)
                    following = _NEXT_PAGE.search(answer.headers.get("Link", ""))
                if following is None:
                    return tuple(found)
                url = _same_host(_joined(url, following[1]), url, parsed)
        raise ImageUnreadable(
            f"{repository} has more than {_MOST_PAGES} pages of tags",
            "List its digests in place of versions, or remove old tags",
            where="image",
        )

    def _content(
        self, repository: str, what: str, digest: str, timeout_seconds: float, most: int = LARGEST_DOCUMENT_BYTES
    ) -> bytes:
        parsed = parse_image(repository)
        with _reachable(parsed):
            content = self._followed(self._url(parsed, what), parsed, what, timeout_seconds, most)
        if content_digest(content) != digest:
            raise ImageUnreadable(
                f"{parsed.registry} answered with something other than {digest} of {parsed.repository}",
                "What it sent does not have that sha256: see whether the registry, or a cache before it, is in order",
                where="image",
            )
        return content

    def _followed(
        self, url: str, parsed: Image, what: str, timeout_seconds: float, most: int = LARGEST_DOCUMENT_BYTES
    ) -> bytes:
        """What is at `url`, or where the registry keeps it: storage elsewhere is shown no credentials."""
        here = urlsplit(url)[:2]
        for _ in range(_MOST_REDIRECTS + 1):
            image = parsed if urlsplit(url)[:2] == here else None
            with self._answer("GET", url, image, timeout_seconds) as answer:
                if not answer.is_redirect:
                    self._insist(answer, parsed, what)
                    return _whole(answer, parsed, timeout_seconds, most)
                url = _joined(url, answer.headers.get("Location", ""))
                may = urlsplit(url)[:2] == here or may_be_followed(url, self._plain)
                if not what.startswith("blobs/") or not may:
                    raise _not_well(parsed, f"sends whoever asks for {what} to {urlsplit(url).netloc[:80]}")
        raise _not_well(parsed, f"sends whoever asks for {what} from one place to the next")

    def _url(self, parsed: Image, what: str) -> str:
        host, path = api_host(parsed)
        return f"{'http' if host in self._plain else 'https'}://{host}/v2/{path}/{what}"

    @contextmanager
    def _answer(self, method: str, url: str, image: Image | None, timeout_seconds: float) -> Iterator[httpx.Response]:
        """The answer, its body not read yet. Credentials are shown for `image` alone, and once they are asked for."""
        headers = {"Accept": _ACCEPT, "Accept-Encoding": "identity"}
        if image is not None:
            headers |= self._access.known(image)
        with self._client.stream(method, url, headers=headers, timeout=timeout_seconds) as answer:
            asks = image if answer.status_code == 401 else None
            authorization = self._access.authorization(answer, asks, timeout_seconds) if asks is not None else None
            if authorization is None:
                yield answer
                return
        headers["Authorization"] = authorization
        with self._client.stream(method, url, headers=headers, timeout=timeout_seconds) as answer:
            yield answer

    def _insist(self, answer: httpx.Response, parsed: Image, what: str) -> None:
        """Raises for what is there no answer of any use."""
        if answer.status_code == 404:
            raise ImageNotFound(
                f"{parsed.registry} has no image {parsed.repository} {what}",
                "Push it first, or correct the tag",
                where="image",
            )
        if answer.status_code in (401, 403):
            raise AccessRefused(
                f"{parsed.registry} does not let the gateway read {parsed.repository}: {self._access.shown(parsed)}",
                "The platform gives it credentials that may: `credentials` of this registry in gateway.yaml, below "
                "`images.registries`. A registry may also answer so when there is no such image: see whether it was "
                "pushed",
                where="image",
            )


def _whole(answer: httpx.Response, parsed: Image, timeout_seconds: float, most: int = LARGEST_DOCUMENT_BYTES) -> bytes:
    """The body, up to a limit in size and time."""
    if answer.status_code != 200:
        raise _not_well(parsed, f"answered {answer.status_code}")
    content, until = bytearray(), time.monotonic() + timeout_seconds
    for chunk in answer.iter_raw():
        content += chunk
        if len(content) > most:
            raise ImageUnreadable(
                f"{parsed.registry}/{parsed.repository} has a document above {most >> 20} MiB",
                "Build it with less in its labels, annotations and history, or on an approved base",
                where="image",
            )
        if time.monotonic() > until:
            raise _not_well(parsed, f"takes longer than {timeout_seconds:g} s")
    return bytes(content)


def _tags_in(content: bytes, parsed: Image) -> list[str]:
    try:
        document: Any = json.loads(content)
        tags = document["tags"] or []
        if all(isinstance(tag, str) for tag in tags):
            return list(tags)
    except (ValueError, RecursionError, KeyError, TypeError):
        pass
    raise _not_well(parsed, f"has no list of tags for {parsed.repository}")


def _joined(url: str, reference: str) -> str:
    """Where `reference` leads from `url`; empty where it is no address."""
    try:
        return urljoin(url, reference)
    except ValueError:
        return ""


def _same_host(url: str, before: str, parsed: Image) -> str:
    if urlsplit(url)[:2] != urlsplit(before)[:2]:
        raise _not_well(parsed, "continues its list of tags on another host")
    return url


def _not_well(parsed: Image, does: str) -> RegistryUnavailable:
    return RegistryUnavailable(
        f"{parsed.registry} {does}", "It is tried again. See whether the registry is well", where="image"
    )


@contextmanager
def _reachable(parsed: Image) -> Iterator[None]:
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        is_plain = "WRONG_VERSION_NUMBER" in str(error)
        does = "speaks no TLS" if is_plain else f"does not answer ({type(error).__name__})"
        see = "has plain_http in gateway.yaml" if is_plain else "is up"
        raise RegistryUnavailable(
            f"{parsed.registry} {does}", f"It is tried again. See whether the registry {see}", where="image"
        ) from error
