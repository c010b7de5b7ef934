"""Where to look at what a chart on this disk renders: the file of the template, and its line where one can be told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from pipelines.findings import Finding
from pipelines.third_party.chart import ThirdPartyChart
from pipelines.third_party.parts import parts_of, template_file
from pipelines.third_party.templates import line_in


def in_chart(
    findings: Iterable[Finding], name: str, chart: ThirdPartyChart, templates: Mapping[str, str]
) -> tuple[Finding, ...]:
    """`findings` with the template as their place, for the chart `name`: a folder as seen from here, or all that there
    is to name, an archive or an address.

    `templates` are those that objects come from, by `Kind/name`, as Helm names them.
    """
    folder = Path(name)
    if "://" in name or not folder.is_dir():
        return tuple(replace(one, source=name) for one in findings)
    parts = parts_of(chart)

    def place(finding: Finding) -> str:
        path = template_file(templates.get(finding.resource, ""), parts)
        if path is None or path not in chart.files:
            return (folder / "Chart.yaml").as_posix()
        text = chart.files[path].decode("utf-8", "replace")
        line = line_in(text, finding.resource.partition("/")[0], finding.field)
        return _on_disk(folder, path, line)

    return tuple(replace(one, source=place(one)) for one in findings)


def _on_disk(folder: Path, path: str, line: int | None) -> str:
    """The file at `path` of the chart, or the archive in charts/ that it is in."""
    file = folder / path
    if file.is_file():
        return f"{file.as_posix()}:{line}" if line else file.as_posix()
    archives = (Path(f"{one}.tgz") for one in reversed(file.parents))
    return next((one.as_posix() for one in archives if one.is_file()), folder.as_posix())
