"""Where to look at what a chart on this disk renders: the file of the template, and its line where one can be told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import yaml

from deployctl.values_trials import leaves
from pipelines.findings import Finding
from pipelines.third_party.chart import ThirdPartyChart
from pipelines.third_party.parts import parts_of, template_file
from pipelines.third_party.templates import Keys, line_in


def in_chart(
    findings: Iterable[Finding],
    name: str,
    chart: ThirdPartyChart,
    templates: Mapping[str, str],
    written: Mapping[Keys, str],
) -> tuple[Finding, ...]:
    """`findings` with their places, for the chart `name`: a folder as seen from here, or all that there is to name, an
    archive or an address.

    That is where a key that would end it is `written` already, in somebody's values (`values.yaml:7`); else the
    template. `templates` are those that objects come from, by `Kind/name`, as Helm names them.
    """
    folder = Path(name)
    parts = () if "://" in name or not folder.is_dir() else parts_of(chart)

    def place(finding: Finding) -> str:
        at = _written(finding, written)
        if at is not None or not parts:
            return at or name
        path = template_file(templates.get(finding.resource, ""), parts)
        if path is None or path not in chart.files:
            return (folder / "Chart.yaml").as_posix()
        text = chart.files[path].decode("utf-8", "replace")
        line = line_in(text, finding.resource.partition("/")[0], finding.field)
        return _on_disk(folder, path, line)

    return tuple(replace(one, source=place(one)) for one in findings)


def _written(finding: Finding, written: Mapping[Keys, str]) -> str | None:
    """The nearest place to what `values_hint` has."""
    hint = yaml.safe_load(finding.values_hint)
    if not isinstance(hint, Mapping):
        return None
    around = [key[:end] for key in leaves(hint) for end in range(len(key), 0, -1)]
    return next((written[key] for key in around if key in written), None)


def _on_disk(folder: Path, path: str, line: int | None) -> str:
    """The file at `path` of the chart, or the archive in charts/ that it is in."""
    file = folder / path
    if file.is_file():
        return f"{file.as_posix()}:{line}" if line else file.as_posix()
    archives = (Path(f"{one}.tgz") for one in reversed(file.parents))
    return next((one.as_posix() for one in archives if one.is_file()), folder.as_posix())
