"""`deployctl check --chart`: what a chart renders to is looked at as an App's own would be."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployctl.exits import Exit
from deployctl.loose_charts import check_chart
from deployctl.platform import Asked, platform_for
from deployctl.verdicts import Report, VerdictState
from tests.deployctl.offline import programs, run
from tests.images import serving, sha256
from tests.pipelines.charts import NEXUS, tgz

PLATFORM = platform_for(Asked(namespace="default"))


@pytest.fixture
def chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A chart's folder, in the working directory."""
    monkeypatch.chdir(tmp_path)
    for name, content in NEXUS.items():
        path = tmp_path / "nexus" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return Path("nexus")


def _check(chart: Path, *values: str) -> Report:
    for number, text in enumerate(values):
        Path(f"{number}.yaml").write_text(text)
    return check_chart(
        str(chart), None, tuple(Path(f"{number}.yaml") for number in range(len(values))), PLATFORM, programs()
    )


def _service_types(report: Report) -> list[str]:
    return [f"{one.source} {one.what}" for one in report.verdicts[0].findings if one.rule == "service-type"]


def test_a_chart_is_checked_with_values_of_which_the_last_counts(chart: Path) -> None:
    report = _check(chart, "initJob: true\nservice: {type: NodePort}", "# mine\nservice:\n  type: LoadBalancer\n")
    assert _service_types(report) == ["1.yaml:1 spec.type: it is LoadBalancer (nexus/templates/all.yaml)"]
    assert report.verdicts[0].counted == "5 objects of nexus 1.2.3"
    assert not _service_types(_check(chart, ""))


def test_the_command_takes_an_archive(tmp_path: Path) -> None:
    (tmp_path / "nexus.tgz").write_bytes(tgz(NEXUS))
    (tmp_path / "values.yaml").write_text("service: {type: NodePort}\n")
    done = run("check", "--chart", "nexus.tgz", "--values", "values.yaml", at=tmp_path)
    assert done.returncode == Exit.BLOCKED
    assert "service-type" in done.stdout
    assert run("check", "--values", "values.yaml", at=tmp_path).returncode == Exit.WRONG_USAGE


@pytest.mark.parametrize(
    ("values", "expected"),
    [("a: [", "it is not YAML"), ("- 1", "no values of a chart"), ("a: 1\n---\nb: 1", "no values")],
)
def test_values_that_are_none_are_told(chart: Path, values: str, expected: str) -> None:
    verdict = _check(chart, values).verdicts[0]
    assert verdict.state is VerdictState.INVALID
    assert expected in verdict.faults[0].reason


def test_a_published_chart_needs_a_version_and_tells_its_digest(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPLOY_GATEWAY_CACHE", str(tmp_path / "cache"))
    archive = tgz(NEXUS)
    with serving(lambda request: (200, {}, archive)) as host:
        address = f"http://{host}/charts/nexus"
        using = programs()
        assert check_chart(address, None, (), PLATFORM, using).exit is Exit.WRONG_USAGE
        assert check_chart(address, "1.2.3", (), PLATFORM, using).verdicts[0].objects == 3
    assert capsys.readouterr().err == f"digest: {sha256(archive)}\n"


def test_a_chart_that_is_none_is_told(chart: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "can't be read" in _check(Path("nothing.tgz")).verdicts[0].faults[0].reason
    monkeypatch.setattr("deployctl.loose_charts.LARGEST_ARCHIVE_BYTES", 10)
    assert "it is larger than" in _check(chart).verdicts[0].faults[0].reason
