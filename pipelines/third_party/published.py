"""Charts where they are published: which one, from where, and who may get it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from pipelines.credentials import ReadCredentials
from pipelines.deployfile import Declaration
from pipelines.digests import content_digest
from pipelines.errors import InvalidChart
from pipelines.third_party.archive import unpacked
from pipelines.third_party.chart import ThirdPartyChart, read_chart


@dataclass(frozen=True, slots=True)
class ChartRepository:
    """Where charts may come from: `prefix` is `oci://host/path/` or `https://host/path/`, and ends in `/`."""

    prefix: str
    plain_http: bool = False
    credentials: ReadCredentials | None = None


@dataclass(frozen=True, slots=True)
class PublishedChart:
    """`repository` begins with oci:// or https://; `digest` is the sha256 of the .tgz, None where nobody knows it."""

    name: str
    repository: str
    version: str
    digest: str | None


class Charts(Protocol):
    """Where published charts are got from."""

    def archive(self, chart: PublishedChart, *, timeout_seconds: float) -> bytes:
        """The .tgz, whose sha256 is `chart.digest` where that is known.

        Raises InvalidChart, AccessRefused, ChartUnavailable, ImageNotFound, ImageUnreadable, RegistryUnavailable.
        """


def may_come_from(url: str, repositories: Iterable[ChartRepository]) -> ChartRepository | None:
    """The longest of `repositories` that `url` is below."""
    fitting = [one for one in repositories if url.startswith(one.prefix) and ".." not in url.split("/")]
    return max(fitting, key=lambda one: len(one.prefix), default=None)


def published(declaration: Declaration, charts: Charts | None, *, timeout_seconds: float) -> ThirdPartyChart | None:
    """The chart that deploy.yaml names by repository and digest; None where it names none.

    Raises `InvalidChart` with the line: without a digest it tells the one to write. Otherwise as `Charts.archive`.
    """
    named = declaration.file.chart
    if named is None or named.name is None or named.repository is None or named.version is None:
        return None
    where = declaration.source("chart")
    if charts is None:
        raise InvalidChart("no chart is downloaded here", "Vendor the chart: `chart: {path: …}`", where=where)
    wanted = PublishedChart(named.name, named.repository, named.version, named.digest)
    try:
        content = charts.archive(wanted, timeout_seconds=timeout_seconds)
    except InvalidChart as error:
        raise InvalidChart(error.reason, error.solution, where=where) from error
    if wanted.digest is None:
        digest = content_digest(content)
        raise InvalidChart(
            "chart has no digest, and without one it could be another chart tomorrow",
            f"Look at it, and add to `chart`: digest: {digest}",
            where=where,
        )
    found = read_chart(unpacked(content, wanted.name), where)
    if (found.name, found.version) != (wanted.name, wanted.version):
        raise InvalidChart(
            f"this digest is that of {found.label}, not of {wanted.name} {wanted.version}",
            "Correct name and version, or the digest",
            where=where,
        )
    return found
