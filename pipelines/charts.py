"""The standard chart: its versions, side by side, and the channels that lead to them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipelines.errors import InvalidConfiguration, InvalidInput
from pipelines.suggestions import did_you_mean

STANDARD_CHARTS = Path(__file__).resolve().parent.parent / "charts" / "standard-app"
"""Where those that ship with the package are."""

CHANNELS_FILE = "channels.yaml"
CHANNEL_PATTERN = r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?"
VERSION_PATTERN = r"(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})"
"""MAJOR.MINOR.PATCH of Semantic Versioning, without pre-releases: a chart that Apps are put on is released."""


@dataclass(frozen=True, slots=True)
class StandardChart:
    """One version: the folder `path` holds its Chart.yaml."""

    version: str
    path: Path


class StandardCharts:
    """The folder of all versions (`VERSION/Chart.yaml`), with its `channels.yaml` (`CHANNEL: VERSION`)."""

    def __init__(self, folder: Path = STANDARD_CHARTS) -> None:
        """Reads it. Raises `InvalidConfiguration`, naming the file, for what does not fit together."""
        self.folder = folder
        self.versions = _versions(folder)
        self.channels = _channels(folder / CHANNELS_FILE, self.versions)

    def resolve(self, wanted: str) -> StandardChart:
        """The chart for a version ("0.1.0") or a channel ("stable"). Raises `InvalidInput` that names all there are."""
        version = self.channels.get(wanted, wanted)
        if version not in self.versions:
            raise InvalidInput(
                f"there is no standard chart {wanted[:80]!r}", self._known(wanted), where="chart_version"
            )
        return StandardChart(version, self.folder / version)

    def _known(self, wanted: str) -> str:
        near = did_you_mean(wanted, (*self.channels, *self.versions))
        channels = [f"{channel} ({version})" for channel, version in self.channels.items()]
        known = f"There are: {', '.join([*channels, *reversed(self.versions)])}"
        return f"{near} {known}" if near.startswith("Did") else known


def _versions(folder: Path) -> tuple[str, ...]:
    """All versions, oldest first."""
    if not folder.is_dir():
        raise InvalidConfiguration(
            f"there is no folder {folder.name}",
            "Name a folder that has one of VERSION/Chart.yaml for each version of the chart",
            where=str(folder),
        )
    names = [path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    if not names:
        raise InvalidConfiguration(
            f"there is no version of the chart in {folder.name}/",
            "Put each version into a folder of its own, such as 0.1.0/Chart.yaml",
            where=str(folder),
        )
    for name in names:
        _insist_on_its_version(folder / name)
    return tuple(sorted(names, key=_precedence))


def _precedence(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _insist_on_its_version(chart: Path) -> None:
    if not re.fullmatch(VERSION_PATTERN, chart.name):
        raise InvalidConfiguration(
            f"the folder {chart.name!r} is not called like a version",
            "Name it MAJOR.MINOR.PATCH, such as 0.1.0, or move it elsewhere",
            where=str(chart),
        )
    about = _mapping(chart / "Chart.yaml", "Give each version's folder a chart with its Chart.yaml")
    if about.get("version") != chart.name:
        raise InvalidConfiguration(
            f"it says version {about.get('version')!r}, and stands in the folder {chart.name}",
            "Make the two the same: a version is what its folder is called",
            where=str(chart / "Chart.yaml"),
        )


def _channels(file: Path, versions: tuple[str, ...]) -> Mapping[str, str]:
    written = _mapping(file, "Write the channels into it, a line each, such as `stable: 0.1.0`")
    for channel, version in written.items():
        if not isinstance(channel, str) or not re.fullmatch(CHANNEL_PATTERN, channel):
            raise InvalidConfiguration(
                f"{channel!r} is no name for a channel",
                "Use lower-case letters, digits and -, starting with a letter, 40 at most",
                where=str(file),
            )
        if version not in versions:
            raise InvalidConfiguration(
                f"the channel {channel} leads to {version!r}, which there is no version of",
                f"Versions are: {', '.join(versions)}",
                where=str(file),
            )
    return written


def _mapping(file: Path, solution: str) -> dict[Any, Any]:
    try:
        value = yaml.load(file.read_bytes(), Loader=yaml.CSafeLoader)
    except OSError as error:
        raise InvalidConfiguration(f"it can't be read: {error.strerror}", solution, where=str(file)) from error
    except yaml.YAMLError as error:
        raise InvalidConfiguration("it is not YAML", solution, where=str(file)) from error
    if not isinstance(value, dict):
        raise InvalidConfiguration("it is no mapping", solution, where=str(file))
    return value
