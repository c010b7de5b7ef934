"""Versions of the standard chart, and the channels that lead to them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipelines.charts import StandardCharts
from pipelines.errors import InvalidConfiguration, InvalidInput


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for version in ("0.10.0", "0.2.0", "1.0.0"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "Chart.yaml").write_text(f"name: x\nversion: {version}\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / "README.md").touch()
    (tmp_path / "channels.yaml").write_text("stable: 0.2.0\nnext: 1.0.0\n")
    return tmp_path


def test_versions_are_in_the_order_of_their_numbers(folder: Path) -> None:
    assert StandardCharts(folder).versions == ("0.2.0", "0.10.0", "1.0.0")


@pytest.mark.parametrize(("wanted", "version"), [("0.10.0", "0.10.0"), ("stable", "0.2.0"), ("next", "1.0.0")])
def test_a_version_or_a_channel_leads_to_a_chart(folder: Path, wanted: str, version: str) -> None:
    found = StandardCharts(folder).resolve(wanted)
    assert (found.version, found.path) == (version, folder / version)


@pytest.mark.parametrize(
    ("wanted", "solution"),
    [
        ("stabel", "Did you mean 'stable'? There are: stable (0.2.0), next (1.0.0), 1.0.0, 0.10.0, 0.2.0"),
        ("../../etc", "There are: stable (0.2.0), next (1.0.0), 1.0.0, 0.10.0, 0.2.0"),
    ],
)
def test_what_there_is_not_is_told_with_what_there_is(folder: Path, wanted: str, solution: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(f"no standard chart {wanted!r}")) as caught:
        StandardCharts(folder).resolve(wanted)
    assert caught.value.solution == solution


def test_those_that_ship_have_a_stable_channel() -> None:
    shipped = StandardCharts()
    assert shipped.resolve("stable").version in shipped.versions
    assert "0.1.0" in shipped.versions


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("0.2.0/Chart.yaml", "version: 0.2.1\n", "says version '0.2.1', and stands in the folder 0.2.0"),
        ("0.2.0/Chart.yaml", "name: x\n", "says version None"),
        ("0.2.0/Chart.yaml", "version: [\n", "not YAML"),
        ("0.2.0/Chart.yaml", "- version\n", "no mapping"),
        ("channels.yaml", "", "no mapping"),
        ("channels.yaml", "stable: 0.3.0\n", "channel stable leads to '0.3.0'"),
        ("channels.yaml", "stable: 1.0\n", "channel stable leads to 1.0"),
        ("channels.yaml", "1.0.0: 0.2.0\n", "'1.0.0' is no name for a channel"),
        ("channels.yaml", "on: 0.2.0\n", "True is no name for a channel"),
    ],
)
def test_what_does_not_fit_together_is_told_with_its_file(folder: Path, file: str, text: str, words: str) -> None:
    (folder / file).write_text(text)
    with pytest.raises(InvalidConfiguration, match=words) as caught:
        StandardCharts(folder)
    assert caught.value.where == str(folder / file)


@pytest.mark.parametrize("name", ["v0.3.0", "0.3", "0.3.0-rc.1", "00.3.0", "templates"])
def test_a_folder_that_is_not_called_like_a_version_is_told(folder: Path, name: str) -> None:
    (folder / name).mkdir()
    with pytest.raises(InvalidConfiguration, match="not called like a version"):
        StandardCharts(folder)


@pytest.mark.parametrize("missing", ["channels.yaml", "0.2.0/Chart.yaml"])
def test_a_file_that_is_missing_is_told(folder: Path, missing: str) -> None:
    (folder / missing).unlink()
    with pytest.raises(InvalidConfiguration, match="can't be read: No such file"):
        StandardCharts(folder)


def test_a_folder_without_versions_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="no version of the chart"):
        StandardCharts(tmp_path)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="no folder nowhere"):
        StandardCharts(tmp_path / "nowhere")
