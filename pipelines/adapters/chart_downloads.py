"""Published charts, by https and from OCI registries: only from where the platform lets, held to their digest, kept."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import httpx

from pipelines.adapters.disk import written
from pipelines.adapters.registry import Registries
from pipelines.credentials import ReadCredentials
from pipelines.digests import content_digest
from pipelines.errors import (
    AccessRefused,
    ChartUnavailable,
    GatewayError,
    ImageNotFound,
    InvalidChart,
    RegistryUnavailable,
)
from pipelines.manifests import to_value
from pipelines.third_party.archive import LARGEST_ARCHIVE_BYTES
from pipelines.third_party.published import ChartRepository, PublishedChart, may_come_from
from pipelines.yaml_nodes import InvalidYaml, compose

_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
_LARGEST_INDEX_BYTES = 5 * 1024 * 1024
_MOST_INDEX_NODES = 500_000
_MOST_REDIRECTS = 3
_MOST_KEPT = 50
_MOST_TOLD = 10


class ChartDownloads:
    """Implements `pipelines.third_party.published.Charts`. Keeps what it downloaded below `folder`, by digest."""

    def __init__(self, folder: Path, repositories: Sequence[ChartRepository]) -> None:
        self._folder = folder
        self._repositories = tuple(repositories)
        self._client = httpx.Client(follow_redirects=False)
        oci = [(one, one.prefix.removeprefix("oci://")) for one in repositories if one.prefix.startswith("oci://")]
        self._registries = Registries(
            plain_http_hosts=[place.split("/")[0] for one, place in oci if one.plain_http],
            credentials={place: one.credentials for one, place in oci if one.credentials is not None},
        )

    def archive(self, chart: PublishedChart, *, timeout_seconds: float) -> bytes:
        """See `pipelines.third_party.published.Charts.archive`."""
        self._insist_on_allowed(f"{chart.repository.rstrip('/')}/")
        kept = self._kept(chart.digest) if chart.digest else None
        if kept is not None:
            return kept
        if chart.repository.startswith("oci://"):
            return self._of_registry(chart, timeout_seconds)
        content = self._of_repository(chart, time.monotonic() + timeout_seconds)
        digest = content_digest(content)
        if chart.digest not in (None, digest):
            raise InvalidChart(
                f"{chart.repository} has {chart.name} {chart.version} with the digest {digest}, not {chart.digest}",
                "See whether it was published anew under the same version. If what is there now is what you want, "
                f"write digest: {digest}",
            )
        return self._keep(digest, content)

    def _insist_on_allowed(self, url: str) -> ChartRepository:
        found = may_come_from(url, self._repositories)
        if found is None:
            known = ", ".join(one.prefix for one in self._repositories) or "none"
            raise InvalidChart(
                f"charts may not come from {url[:200]}",
                f"Vendor the chart (`chart: {{path: …}}`), or have the platform add it to chart_repositories: {known}",
            )
        return found

    def _of_registry(self, chart: PublishedChart, timeout_seconds: float) -> bytes:
        repository = f"{chart.repository.removeprefix('oci://').rstrip('/')}/{chart.name}"
        tag = chart.version.replace("+", "_")
        try:
            digest = chart.digest or self._layer(repository, tag, timeout_seconds)
            content = self._registries.blob(repository, digest, timeout_seconds=timeout_seconds)
        except RegistryUnavailable as error:
            raise ChartUnavailable(f"{chart.repository}: {error.reason}", error.solution) from error
        except ImageNotFound as error:
            wanted = f"{chart.name} {chart.version}" if chart.digest is None else f"{chart.name} {chart.digest}"
            known = self._versions(repository, timeout_seconds)
            raise InvalidChart(f"{chart.repository} has no {wanted}", _correct(known)) from error
        return self._keep(digest, content)

    def _versions(self, repository: str, timeout_seconds: float) -> tuple[str, ...]:
        """Those that are there; none where the registry does not tell."""
        try:
            tags = self._registries.tags(repository, timeout_seconds=timeout_seconds)
        except GatewayError:
            return ()
        return tuple(one.replace("_", "+") for one in tags)

    def _layer(self, repository: str, tag: str, timeout_seconds: float) -> str:
        manifest = self._registries.digest(f"{repository}:{tag}", timeout_seconds=timeout_seconds)
        content = self._registries.manifest(repository, manifest, timeout_seconds=timeout_seconds)
        try:
            layers = [one["digest"] for one in json.loads(content)["layers"] if one["mediaType"] == _LAYER]
        except (ValueError, RecursionError, KeyError, TypeError):
            layers = []
        if len(layers) != 1 or not isinstance(layers[0], str):
            raise InvalidChart(f"{repository}:{tag} is no chart", "Name what `helm push` put there")
        return layers[0]

    def _of_repository(self, chart: PublishedChart, until: float) -> bytes:
        base = f"{chart.repository.rstrip('/')}/"
        # Where charts are by custom; an index is large, and what is held to a digest may come from anywhere.
        usual = urljoin(base, quote(f"{chart.name}-{chart.version}.tgz"))
        content = self._get(usual, until, LARGEST_ARCHIVE_BYTES)
        if content is not None:
            return content
        index = self._get(urljoin(base, "index.yaml"), until, _LARGEST_INDEX_BYTES)
        if index is None:
            raise InvalidChart(f"{chart.repository} has neither {chart.name} nor an index.yaml", "Correct the address")
        url = urljoin(base, _in_index(index, chart))
        content = self._get(url, until, LARGEST_ARCHIVE_BYTES)
        if content is None:
            raise InvalidChart(
                f"the index of {chart.repository} leads to {url[:200]}, where nothing is", "Tell it there"
            )
        return content

    def _get(self, url: str, until: float, most_bytes: int) -> bytes | None:
        """What is at `url`, or where that leads, as long as that is allowed too; None when nothing is there."""
        for _ in range(_MOST_REDIRECTS + 1):
            repository = self._insist_on_allowed(url)
            headers = {"Accept-Encoding": "identity"} | _shown(repository.credentials)
            try:
                with self._client.stream("GET", url, headers=headers, timeout=_left(until, url)) as answer:
                    if answer.is_redirect:
                        url = urljoin(url, answer.headers.get("Location", ""))
                        continue
                    return _content(answer, url, until, most_bytes)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise _unavailable(url, f"does not answer ({type(error).__name__})") from error
        raise _unavailable(url, "sends whoever asks from one place to the next")

    def _kept(self, digest: str) -> bytes | None:
        path = self._path(digest)
        content = path.read_bytes() if path.is_file() else b""
        return content if content_digest(content) == digest else None

    def _keep(self, digest: str, content: bytes) -> bytes:
        path = self._path(digest)
        with written("the chart"):
            self._folder.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(f".{os.getpid()}")
            part.write_bytes(content)
            part.replace(path)
            newest = sorted(self._folder.glob("*.tgz"), key=lambda one: one.stat().st_mtime, reverse=True)
            for old in newest[_MOST_KEPT:]:
                old.unlink(missing_ok=True)
        return content

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest.removeprefix('sha256:')}.tgz"


def _in_index(index: bytes, chart: PublishedChart) -> str:
    """The address that an index.yaml has for this very version."""
    known: tuple[str, ...] = ()
    try:
        documents: list[Any] = [to_value(node) for node in compose(index, most_nodes=_MOST_INDEX_NODES)]
        versions = documents[0]["entries"][chart.name]
        known = tuple(str(one["version"]) for one in versions)
        return str(next(one["urls"][0] for one in versions if str(one["version"]) == chart.version))
    except (InvalidYaml, StopIteration, KeyError, IndexError, TypeError) as error:
        reason = f"the index of {chart.repository} has no {chart.name} {chart.version}"
        raise InvalidChart(reason, _correct(known)) from error


def _correct(known: tuple[str, ...]) -> str:
    if not known:
        return "Correct the name or the version"
    more = f" and {len(known) - _MOST_TOLD} more" if len(known) > _MOST_TOLD else ""
    return f"Correct the version. Known are: {', '.join(known[:_MOST_TOLD])}{more}"


def _shown(credentials: ReadCredentials | None) -> dict[str, str]:
    return {"Authorization": credentials().basic} if credentials is not None else {}


def _left(until: float, url: str) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise _unavailable(url, "takes too long")
    return left


def _content(answer: httpx.Response, url: str, until: float, most_bytes: int) -> bytes | None:
    if answer.status_code == 404:
        return None
    if answer.status_code in (401, 403):
        raise AccessRefused(
            f"{urlsplit(url).netloc} does not let the gateway read {url[:200]}",
            "The platform gives it credentials that may: `credentials` of this prefix in chart_repositories",
        )
    if answer.status_code != 200:
        raise _unavailable(url, f"answered {answer.status_code}")
    content = bytearray()
    for chunk in answer.iter_raw():
        content += chunk
        if len(content) > most_bytes:
            raise InvalidChart(
                f"{url[:200]} is larger than {most_bytes >> 20} MiB", "Vendor the chart: `chart: {path: …}`"
            )
        _left(until, url)
    return bytes(content)


def _unavailable(url: str, does: str) -> ChartUnavailable:
    return ChartUnavailable(f"{urlsplit(url).netloc[:80]} {does}", "It is tried again. See whether it is up")
