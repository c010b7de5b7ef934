"""A chart without a deploy.yaml: rendered with values as Helm does it, and every check of what comes out."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from deployctl.chart_places import in_chart
from deployctl.folders import entries_below, insist_on_no_link
from deployctl.local import NO_COMMIT, Downloads, Local, Programs, broken, from_here
from deployctl.loose import APP
from deployctl.platform import Platform
from deployctl.verdicts import Report, Verdict, VerdictState
from pipelines import yaml_nodes
from pipelines.apps import NAME_PATTERN
from pipelines.deployfile import Declaration, DeployFile
from pipelines.deployfile.overlay import with_values
from pipelines.deployfile.schema import API_VERSION
from pipelines.digests import content_digest
from pipelines.errors import Fault, GatewayError, InvalidChart, InvalidInput
from pipelines.findings import blocking
from pipelines.manifests import to_value
from pipelines.ports import Checkout
from pipelines.stages.checkout import Source
from pipelines.third_party.archive import LARGEST_ARCHIVE_BYTES, MOST_FILES, unpacked, with_subcharts
from pipelines.third_party.chart import ThirdPartyChart, read_chart
from pipelines.third_party.published import PublishedChart
from pipelines.third_party.templates import Keys
from pipelines.yaml_nodes import InvalidYaml, Node, compose

_DOWNLOAD_SECONDS = 30.0


def check_chart(
    chart: str, version: str | None, values: tuple[Path, ...], platform: Platform, programs: Programs
) -> Report:
    """Checks what `chart` renders to with the files of `values`, the last of which counts most.

    It is a folder, a .tgz, or `oci://…/NAME` or `https://…/NAME` with a version.
    """
    began = time.perf_counter()
    is_remote = "://" in chart
    name = chart if is_remote else from_here(Path(chart))
    try:
        found = remote_chart(chart, version, platform) if is_remote else local_chart(Path(chart))
        verdict = _verdict(name, found, values, platform, programs)
    except GatewayError as error:
        state = VerdictState.INVALID if isinstance(error, InvalidInput) else VerdictState.CRASHED
        fault = Fault(_on_disk(error.where, name), error.reason, error.solution)
        verdict = Verdict(name, "", platform.environment.name, state, faults=(fault,), code=error.code)
    except Exception as error:  # noqa: BLE001 (a defect: what it is about does not pass)
        fault, environment = broken(name, error), platform.environment.name
        verdict = Verdict(name, "", environment, VerdictState.CRASHED, faults=(fault,), code="check-crashed")
    seconds = time.perf_counter() - began
    return Report((replace(verdict, seconds=seconds),), platform.not_checked(), seconds)


def _on_disk(place: str | None, name: str) -> str:
    """`app/templates/a.yaml:50`, as Helm names a template, in the chart `name`, where that is a folder with it."""
    file, _, line = (place or "").partition(":")
    path = Path(name, *Path(file).parts[1:])
    if "://" in name or not path.is_file():
        return place or name
    return f"{path.as_posix()}:{line}" if line else path.as_posix()


def remote_chart(address: str, version: str | None, platform: Platform) -> ThirdPartyChart:
    """The chart that is published at `address`; its digest is told on standard error. Raises GatewayErrors."""
    repository, _, name = address.rstrip("/").rpartition("/")
    if not version or not name or repository.endswith(":/"):
        raise InvalidInput(
            "an address needs the name of a chart and its version", "Write --chart URL/NAME --version 1.2.3"
        )
    wanted = PublishedChart(name, repository, version, None)
    content = Downloads(platform.chart_repositories).archive(wanted, timeout_seconds=_DOWNLOAD_SECONDS)
    click.echo(f"digest: {content_digest(content)}", err=True)
    return read_chart(unpacked(content, address), address)


def local_chart(path: Path) -> ThirdPartyChart:
    """The chart in the folder or the archive `path`. Raises `InvalidChart`, and `UnsafeCheckout` for a link in it."""
    where = from_here(path)
    if path.is_dir():
        files = [file for file in entries_below(path) if file.is_symlink() or file.is_file()][: MOST_FILES + 1]
        for file in files:
            insist_on_no_link(file)
        contents = {file.relative_to(path).as_posix(): _content(file) for file in files}
        return read_chart(with_subcharts(contents, where), where)
    return read_chart(unpacked(_content(path), where), where)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_ARCHIVE_BYTES + 1)
    except OSError as error:
        place = from_here(path)
        raise InvalidChart(f"it can't be read: {error.strerror}", "Name a folder or a .tgz", where=place) from error
    if len(content) > LARGEST_ARCHIVE_BYTES:
        reason = f"it is larger than {LARGEST_ARCHIVE_BYTES >> 20} MiB"
        raise InvalidChart(reason, "Leave out what the chart doesn't need", where=from_here(path))
    return content


def _verdict(
    name: str, chart: ThirdPartyChart, files: tuple[Path, ...], platform: Platform, programs: Programs
) -> Verdict:
    values: Mapping[str, Any] = {}
    written: dict[Keys, str] = {}
    for file in files:
        node, more = _values(file)
        values = with_values(values, more)
        lines = yaml_nodes.lines(node) if node else ()
        written |= {tuple(map(str, path)): f"{from_here(file)}:{line}" for path, line in lines}
    app = chart.name if re.fullmatch(NAME_PATTERN, chart.name) else APP
    document = {"apiVersion": API_VERSION, "app": app, "chart": {"path": "chart"}, "values": values}
    declaration = Declaration(DeployFile.model_validate(document), name, {})
    source = Source(Checkout(Path(), NO_COMMIT, "", ""), declaration, {}, {}, chart)
    with TemporaryDirectory(prefix="deployctl-") as scratch:
        made, found, suggested = Local(platform, programs, Path(scratch)).advised(source)
    findings = in_chart(found, name, chart, made.rendered.templates, written)
    count = len(made.rendered.objects)
    return Verdict(
        file=name,
        app="",
        environment=platform.environment.name,
        state=VerdictState.BLOCKED if blocking(findings) else VerdictState.PASSED,
        findings=findings,
        objects=count,
        counted=f"{count} object{'' if count == 1 else 's'} of {chart.label}",
        suggested=suggested,
    )


def _values(file: Path) -> tuple[Node | None, dict[str, Any]]:
    """Its document, and what Helm makes of it. Raises `InvalidInput`."""
    try:
        nodes = list(compose(_content(file)))
        value = to_value(nodes[0]) if nodes else {}
    except InvalidYaml as error:
        raise InvalidInput(error.reason, error.solution, where=f"{from_here(file)}:{error.line}") from error
    if len(nodes) > 1 or not isinstance(value, dict):
        raise InvalidInput("these are no values of a chart", "Write one mapping", where=f"{from_here(file)}:1")
    return (nodes[0] if nodes else None), value
