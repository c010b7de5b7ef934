"""`deployctl check --chart`: what a chart renders to is looked at as an App's own would be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deployctl.exits import Exit
from deployctl.loose_charts import check_chart
from deployctl.platform import Asked, platform_for
from deployctl.verdicts import Report, VerdictState
from tests.deployctl.offline import programs, run
from tests.images import serving, sha256
from tests.pipelines.charts import CRD, NEXUS, tgz

PLATFORM = platform_for(Asked(namespace="default"))


@pytest.fixture
def chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A chart's folder, in the working directory; and time to look for values, however slow the machine is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("deployctl.values_trials.MOST_SECONDS", 300.0)
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
    assert _service_types(report) == ["1.yaml:3 spec.type: it is LoadBalancer (nexus/templates/all.yaml)"]
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


def test_what_no_template_renders_is_found_at_the_chart_itself(chart: Path) -> None:
    (chart / "crds").mkdir()
    (chart / "crds" / "store.yaml").write_text(CRD)
    found = [one for one in _check(chart).verdicts[0].findings if one.rule == "chart-crds"]
    assert [one.source for one in found] == ["nexus/Chart.yaml"]


@pytest.mark.parametrize("leads_to", ["/proc/self/environ", "/proc/self", "values.yaml", "nothing"])
def test_links_in_a_chart_are_not_followed(chart: Path, leads_to: str) -> None:
    (chart / "templates" / "link").symlink_to(leads_to)
    verdict = _check(chart).verdicts[0]
    assert (verdict.state, verdict.code) == (VerdictState.INVALID, "unsafe-checkout")
    assert verdict.faults[0].where == "nexus/templates/link"
    assert "symbolic link" in verdict.faults[0].reason


BUILDER = Path(__file__).parents[1] / "charts" / "third_party" / "builder"


def _places(report: Report, resource: str) -> set[str]:
    return {one.source for one in report.verdicts[0].findings if one.resource == resource}


def test_findings_name_the_file_of_the_template_in_charts_below_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("builder").symlink_to(BUILDER)
    report = _check(Path("builder"))
    assert _places(report, "Service/builder") == {"builder/templates/controller.yaml:27"}
    names = {place.partition(":")[0] for place in _places(report, "StatefulSet/builder-store")}
    assert names == {"builder/charts/key-store/templates/store.yaml"}


def test_findings_name_the_archive_that_their_template_is_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = {path.relative_to(BUILDER).as_posix(): path.read_bytes() for path in BUILDER.rglob("*") if path.is_file()}
    below = "charts/key-store/"
    inner = tgz({name.removeprefix(below): text for name, text in files.items() if name.startswith(below)})
    for name, content in {**files, "charts/key-store.tgz": inner}.items():
        if not name.startswith(below):
            path = tmp_path / "builder" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    assert _places(_check(Path("builder")), "StatefulSet/builder-store") == {"builder/charts/key-store.tgz"}
    Path("builder.tgz").write_bytes(tgz(files))
    assert _places(_check(Path("builder.tgz")), "Service/builder") == {"builder.tgz"}


def test_a_chart_that_renders_nothing_is_no_crash_and_no_pass(tmp_path: Path) -> None:
    (tmp_path / "chart" / "templates").mkdir(parents=True)
    (tmp_path / "chart" / "Chart.yaml").write_text("apiVersion: v2\nname: empty\nversion: 1.0.0\n")
    done = run("check", "--chart", "chart", at=tmp_path)
    assert done.returncode == Exit.WRONG_USAGE
    assert "empty 1.0.0 renders no object with these values" in done.stdout
    assert "Set the values that switch its parts on" in done.stdout


def test_what_does_not_render_is_told_at_the_line_of_the_file(tmp_path: Path) -> None:
    templates = tmp_path / "charts" / "mine" / "templates"
    templates.mkdir(parents=True)
    (templates.parent / "Chart.yaml").write_text("apiVersion: v2\nname: other\nversion: 1.0.0\n")
    (templates / "a.yaml").write_text("a: b\nc: {{ .Values.db.x.y }}\n")
    done = run("check", "--chart", "charts/mine", "-o", "json", at=tmp_path)
    (app,) = json.loads(done.stdout)["apps"]
    assert (app["state"], app["errors"][0]["where"]) == ("invalid", "charts/mine/templates/a.yaml:2")
    (templates / "a.yaml").write_text("a: b: c\n")
    done = run("check", "--chart", "charts/mine", "-o", "json", at=tmp_path)
    (app,) = json.loads(done.stdout)["apps"]
    assert app["errors"][0]["where"] == "charts/mine/templates/a.yaml"
