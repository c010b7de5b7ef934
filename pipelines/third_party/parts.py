"""A chart and the charts in it: where the files of each are, and where its values stand in those of the whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.deployfile.overlay import with_values
from pipelines.manifests import to_value
from pipelines.third_party.chart import ThirdPartyChart
from pipelines.yaml_nodes import InvalidYaml, compose


@dataclass(frozen=True, slots=True)
class Part:
    """One chart of those in a chart, or the whole.

    `source` is what Helm calls it where it names a template (`nexus/charts/db`), `folder` where its files are in the
    whole (empty, or `charts/db-1.2.0/`), `keys` where its values stand in those of the whole, and `values` are its
    defaults there. `version` is that of the program (`appVersion`); empty where the chart doesn't say.
    """

    source: str
    folder: str
    keys: tuple[str, ...]
    values: Mapping[str, Any]
    version: str = ""


def parts_of(chart: ThirdPartyChart) -> tuple[Part, ...]:
    """The whole first; a chart that is there under several names (`alias`) once for each."""
    about = _document(chart.files, "Chart.yaml")
    whole = Part(chart.name, "", (), _document(chart.files, "values.yaml"), _version(about))
    return tuple(_with_those_below(whole, chart.files))


def template_file(template: str, parts: tuple[Part, ...]) -> str | None:
    """The path in the chart of `template`, as Helm names it; None where it is not one of these parts'."""
    part = part_of(template, parts)
    return f"{part.folder}{template.removeprefix(part.source)[1:]}" if part else None


def part_of(template: str, parts: tuple[Part, ...]) -> Part | None:
    """The one that `template`, as Helm names it, belongs to."""
    fitting = [one for one in parts if template.startswith(f"{one.source}/")]
    return max(fitting, key=lambda one: len(one.source), default=None)


def _with_those_below(part: Part, files: Mapping[str, bytes]) -> Iterator[Part]:
    yield part
    below = f"{part.folder}charts/"
    folders = dict.fromkeys(
        path[: path.index("/", len(below)) + 1]
        for path in sorted(files)
        if path.startswith(below) and path.endswith("/Chart.yaml") and path.count("/") == below.count("/") + 1
    )
    for folder in folders:
        about = _document(files, f"{folder}Chart.yaml")
        name = str(about.get("name"))
        for called in _names(part, name, files):
            own = _document(files, f"{folder}values.yaml")
            above = part.values.get(called)
            values = with_values(own, above) if isinstance(above, Mapping) else own
            inner = Part(f"{part.source}/charts/{called}", folder, (*part.keys, called), values, _version(about))
            yield from _with_those_below(inner, files)


def _names(part: Part, name: str, files: Mapping[str, bytes]) -> tuple[str, ...]:
    """What `part` calls the chart `name`: by its aliases, else by its name."""
    about = _document(files, f"{part.folder}Chart.yaml"), _document(files, f"{part.folder}requirements.yaml")
    listed = [one for document in about for one in _list(document.get("dependencies"))]
    called = [str(one.get("alias") or name) for one in listed if one.get("name") == name]
    return tuple(dict.fromkeys(called)) or (name,)


def _version(about: Mapping[str, Any]) -> str:
    return str(about.get("appVersion") or "")


def _list(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _document(files: Mapping[str, bytes], path: str) -> Mapping[str, Any]:
    """The mapping in a file of the chart; empty for none: Helm has had its say about that already."""
    try:
        value = [to_value(node) for node in compose(files.get(path, b""))]
    except InvalidYaml:
        return {}
    return value[0] if len(value) == 1 and isinstance(value[0], dict) else {}
