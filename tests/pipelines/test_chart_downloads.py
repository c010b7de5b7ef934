"""Published charts: from allowed places alone, held to their digest, from a real registry and from an index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from pipelines.adapters import chart_downloads
from pipelines.adapters.chart_downloads import ChartDownloads
from pipelines.credentials import Credentials
from pipelines.errors import AccessRefused, ChartUnavailable, GatewayError, ImageUnreadable, InvalidChart
from pipelines.stages.resolve import resolve
from pipelines.third_party.published import ChartRepository, PublishedChart, may_come_from
from tests.images import serving, sha256
from tests.pipelines.charts import NEXUS, push_chart, tgz
from tests.pipelines.conftest import place, source

CHART = tgz(NEXUS)
DIGEST = sha256(CHART)
_Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture
def serve() -> Iterator[Callable[[dict[str, _Answer]], str]]:
    """Starts a repository that has what a test says, by path; gives its address."""
    with ExitStack() as running:

        def start(answers: dict[str, _Answer]) -> str:
            def answer(request: BaseHTTPRequestHandler) -> _Answer:
                return answers.get(request.path, (404, {}, b""))

            return f"http://{running.enter_context(serving(answer))}/charts"

        yield start


def _get(
    folder: Path,
    address: str,
    digest: str | None = DIGEST,
    *more: ChartRepository,
    seconds: float = 5,
    version: str = "1.2.3",
) -> bytes:
    downloads = ChartDownloads(folder, more or [ChartRepository(f"{address}/", plain_http=True)])
    return downloads.archive(PublishedChart("nexus", address, version, digest), timeout_seconds=seconds)


def _index(url: str, name: str = "nexus") -> bytes:
    return f"entries: {{{name}: [{{version: 9.9.9}}, {{version: 1.2.3, urls: ['{url}']}}]}}".encode()


def test_a_chart_is_where_it_is_by_custom_or_where_the_index_says(
    serve: Callable[[dict[str, _Answer]], str], tmp_path: Path
) -> None:
    usual = serve({"/charts/nexus-1.2.3.tgz": (200, {}, CHART)})
    assert _get(tmp_path / "a", usual) == CHART
    listed = serve({"/charts/index.yaml": (200, {}, _index("old/n.tgz")), "/charts/old/n.tgz": (200, {}, CHART)})
    assert _get(tmp_path / "b", listed, None) == CHART
    moved = serve({"/charts/nexus-1.2.3.tgz": (302, {"Location": "x"}, b""), "/charts/x": (200, {}, CHART)})
    assert _get(tmp_path / "c", moved) == CHART


def test_what_was_downloaded_is_kept_while_it_has_its_digest(
    serve: Callable[[dict[str, _Answer]], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chart_downloads, "_MOST_KEPT", 1)
    answers = {"/charts/nexus-1.2.3.tgz": (200, {}, CHART), "/charts/nexus-2.0.0.tgz": (200, {}, b"other")}
    address = serve(answers)
    _get(tmp_path, address)
    answers.pop("/charts/nexus-1.2.3.tgz")
    assert _get(tmp_path, address) == CHART
    _get(tmp_path, address, None, version="2.0.0")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"other"]
    next(tmp_path.iterdir()).rename(tmp_path / f"{DIGEST.removeprefix('sha256:')}.tgz")
    with pytest.raises(InvalidChart, match="nor an index"):
        _get(tmp_path, address)


@pytest.mark.parametrize(
    ("answers", "expected", "reason"),
    [
        ({"nexus-1.2.3.tgz": (200, {}, b"other")}, InvalidChart, "with the digest sha256:"),
        (
            {"nexus-1.2.3.tgz": (302, {"Location": "http://10.0.0.1/x"}, b"")},
            InvalidChart,
            "may not come from http://10",
        ),
        (
            {"nexus-1.2.3.tgz": (302, {"Location": "nexus-1.2.3.tgz"}, b"")},
            ChartUnavailable,
            "from one place to the next",
        ),
        ({"nexus-1.2.3.tgz": (500, {}, b"")}, ChartUnavailable, "answered 500"),
        ({"nexus-1.2.3.tgz": (403, {}, b"")}, AccessRefused, "does not let the gateway read"),
        ({"nexus-1.2.3.tgz": (200, {}, bytes(5 << 20))}, InvalidChart, "larger than 4 MiB"),
        ({}, InvalidChart, "nor an index.yaml"),
        ({"index.yaml": (200, {}, _index("x", "jenkins"))}, InvalidChart, "has no nexus 1.2.3"),
        ({"index.yaml": (200, {}, b"a: [")}, InvalidChart, "has no nexus 1.2.3"),
        ({"index.yaml": (200, {}, _index("nothing.tgz"))}, InvalidChart, "where nothing is"),
        ({"index.yaml": (200, {}, _index("../../etc/x"))}, InvalidChart, "may not come from"),
    ],
)
def test_what_is_not_the_chart_is_refused(
    serve: Callable[[dict[str, _Answer]], str],
    tmp_path: Path,
    answers: dict[str, _Answer],
    expected: type[GatewayError],
    reason: str,
) -> None:
    address = serve({f"/charts/{path}": answer for path, answer in answers.items()})
    with pytest.raises(expected) as raised:
        _get(tmp_path, address)
    assert reason in raised.value.reason


def test_who_does_not_answer_is_worth_another_try(serve: Callable[[dict[str, _Answer]], str], tmp_path: Path) -> None:
    with pytest.raises(ChartUnavailable, match="does not answer"):
        _get(tmp_path, "http://127.0.0.1:1/charts")
    with pytest.raises(ChartUnavailable, match="takes too long"):
        _get(tmp_path, serve({}), seconds=0)


def test_credentials_are_shown_below_their_prefix_and_places_are_allowed_by_theirs(tmp_path: Path) -> None:
    def answer(request: BaseHTTPRequestHandler) -> _Answer:
        return (200, {}, CHART) if request.headers.get("Authorization", "").startswith("Basic ") else (401, {}, b"")

    with serving(answer) as host:
        address = f"http://{host}/charts"
        mine = ChartRepository(f"{address}/", credentials=lambda: Credentials("user", "secret"))
        assert _get(tmp_path, address, DIGEST, mine, ChartRepository("http://")) == CHART
        with pytest.raises(AccessRefused):
            _get(tmp_path / "b", address, DIGEST, ChartRepository("http://"))
        with pytest.raises(InvalidChart, match="may not come from"):
            _get(tmp_path / "b", address, DIGEST, ChartRepository("https://example.com/"))
    assert may_come_from("https://a/x/../b", [ChartRepository("https://a/x/")]) is None


def test_a_chart_of_a_registry_is_held_to_the_digest_of_its_layer(registry: str, tmp_path: Path) -> None:
    push_chart(registry, "1.2.3")
    address = f"oci://{registry}/charts"
    assert _get(tmp_path / "a", address, None) == CHART
    assert _get(tmp_path / "b", address) == CHART
    push_chart(registry, "0.0.1", "application/octet-stream")
    with pytest.raises(InvalidChart, match="is no chart"):
        _get(tmp_path / "c", address, None, version="0.0.1")


@pytest.mark.parametrize("digest", [None, sha256(b"another")])
def test_a_version_that_a_registry_lacks_is_told_with_those_that_it_has(
    registry: str, tmp_path: Path, digest: str | None
) -> None:
    push_chart(registry, "1.2.3_build.7")
    with pytest.raises(InvalidChart, match=f"{registry}/charts has no nexus ") as raised:
        _get(tmp_path, f"oci://{registry}/charts", digest, version="1.2.4")
    assert raised.value.solution.startswith("Correct the version. Known are: ")
    assert "1.2.3+build.7" in raised.value.solution


def test_a_chart_that_a_registry_lacks_is_told_without_versions(registry: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidChart) as raised:
        _get(tmp_path, f"oci://{registry}/no-charts-here", None)
    assert raised.value.solution == "Correct the name or the version"


def test_a_registry_without_an_answer_is_told_by_the_charts_address(tmp_path: Path) -> None:
    """A chart is no image; and where there is no TLS, that is the likeliest reason of all."""
    with pytest.raises(ChartUnavailable, match=r"oci://127\.0\.0\.1:1/charts: .* does not answer"):
        _get(tmp_path, "oci://127.0.0.1:1/charts", None)
    with serving(lambda _: (404, {}, b"")) as host, pytest.raises(ChartUnavailable, match="speaks no TLS") as raised:
        _get(tmp_path, f"oci://{host}/charts", None, ChartRepository("oci://"))
    assert "plain_http" in raised.value.solution


def test_versions_of_an_index_are_told_as_far_as_they_are_few(
    serve: Callable[[dict[str, _Answer]], str], tmp_path: Path
) -> None:
    many = "".join(f"{{version: 1.0.{number}}}, " for number in range(12))
    address = serve({"/charts/index.yaml": (200, {}, f"entries: {{nexus: [{many}]}}".encode())})
    with pytest.raises(InvalidChart) as raised:
        _get(tmp_path, address)
    assert raised.value.solution.endswith("1.0.8, 1.0.9 and 2 more")


def test_a_manifest_that_is_none_is_no_chart(tmp_path: Path) -> None:
    def answer(request: BaseHTTPRequestHandler) -> _Answer:
        return 200, {"Docker-Content-Digest": sha256(b"[]")}, b"[]"

    with serving(answer) as host:
        with pytest.raises(InvalidChart, match="is no chart"):
            _get(tmp_path, f"oci://{host}/charts", None)
        with pytest.raises(ImageUnreadable):
            _get(tmp_path, f"oci://{host}/charts")


class _Published:
    """Implements `Charts`, for one chart."""

    def archive(self, chart: PublishedChart, *, timeout_seconds: float) -> bytes:
        if chart.name == "gone":
            raise InvalidChart("there is none", "Correct it")
        return CHART


TEXT = """\
apiVersion: deploy-gateway/v1
app: checkout
chart: {name: nexus, repository: https://charts.example.com, version: 1.2.3, digest: DIGEST}
""".replace("DIGEST", DIGEST)


def test_the_chart_that_deploy_yaml_names_is_resolved() -> None:
    resolved = resolve(source(TEXT), place(), None, _Published(), timeout_seconds=1)
    assert resolved.third_party is not None
    assert resolved.third_party.label == "nexus 1.2.3"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (f", digest: {DIGEST}", "", "chart has no digest"),
        ("version: 1.2.3", "version: 1.2.4", "this digest is that of nexus 1.2.3, not of nexus 1.2.4"),
        ("name: nexus", "name: gone", "there is none"),
    ],
)
def test_what_deploy_yaml_names_wrongly_is_told_with_its_line(before: str, after: str, expected: str) -> None:
    with pytest.raises(InvalidChart, match=expected) as raised:
        resolve(source(TEXT.replace(before, after)), place(), None, _Published(), timeout_seconds=1)
    assert raised.value.where == "deploy.yaml:3"
    if not after:
        assert f"digest: {DIGEST}" in raised.value.solution


def test_nothing_is_downloaded_where_nobody_can() -> None:
    with pytest.raises(InvalidChart, match="no chart is downloaded here"):
        resolve(source(TEXT), place(), None, timeout_seconds=1)
