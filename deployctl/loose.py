"""Manifests without a deploy.yaml: files, folders, standard input, and what a chart renders. Every check, no App."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deployctl.local import NO_COMMIT, Local, Programs, from_here
from deployctl.platform import Platform
from deployctl.verdicts import STANDARD_INPUT, Report, Verdict, VerdictState
from pipelines.check import Made
from pipelines.deployfile import Declaration, DeployFile
from pipelines.deployfile.schema import API_VERSION
from pipelines.errors import Fault, GatewayError, InvalidInput
from pipelines.findings import Finding, blocking
from pipelines.manifests import name_of, to_value
from pipelines.place import Place
from pipelines.ports import Checkout, Manifest
from pipelines.raw_manifests import fault_in_kind, fault_in_name, fault_in_version, labelled
from pipelines.resources import at
from pipelines.sources import Written
from pipelines.stages.checkout import Source
from pipelines.stages.render import Rendered
from pipelines.stages.resolve import CHARTS, Resolved
from pipelines.third_party.rendering import objects_in
from pipelines.yaml_nodes import InvalidYaml, Node, compose

APP = "local"
"""Whose the objects are taken to be: what the gateway's labels say."""

_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(slots=True)
class Batch:
    """Objects with a name each, `Kind/name`: findings say no more of which one they are about."""

    objects: list[Manifest] = field(default_factory=list)
    written: dict[str, Written] = field(default_factory=dict)


def files_at(paths: tuple[Path, ...]) -> dict[str, bytes]:
    """The manifests in `paths`, files or folders, by name as seen from here. Raises `InvalidInput`."""
    files = [file for path in paths for file in (_in_folder(path) if path.is_dir() else [path])]
    try:
        return {from_here(file): file.read_bytes() for file in files}
    except OSError as error:
        place = from_here(Path(error.filename))
        raise InvalidInput(f"it can't be read: {error.strerror}", "Name a file or a folder", where=place) from error


def check_loose(paths: tuple[Path, ...], platform: Platform, programs: Programs) -> Report:
    """Checks the manifests in `paths`; without any, those on standard input. What can't be read is no pass."""
    began = time.perf_counter()
    name = " ".join(from_here(path) for path in paths) or STANDARD_INPUT
    try:
        files = files_at(paths) if paths else {STANDARD_INPUT: sys.stdin.buffer.read()}
    except InvalidInput as error:
        fault = Fault(error.where or name, error.reason, error.solution)
        verdict = Verdict(name, "", platform.environment.name, VerdictState.INVALID, faults=(fault,), code=error.code)
    else:
        with TemporaryDirectory(prefix="deployctl-") as scratch:
            verdict = check_manifests(name, files, Local(platform, programs, Path(scratch)))
    return Report((verdict,), platform.not_checked(), time.perf_counter() - began)


def _in_folder(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in _SUFFIXES and path.is_file())


def batches(files: Mapping[str, bytes], place: Place) -> tuple[list[Batch], list[Fault]]:
    """The objects in `files`, labelled as the gateway does it, in as few batches as their names need; and what is none.

    A file stays together: what is in it is meant to work together.
    """
    made: list[Batch] = []
    faults: list[Fault] = []
    for name, content in files.items():
        for batch in _of_file(name, content, place, faults):
            fitting = next((one for one in made if one.written.keys().isdisjoint(batch.written)), None)
            if fitting is None:
                made.append(batch)
            else:
                fitting.objects += batch.objects
                fitting.written |= batch.written
    return made, faults


def _of_file(name: str, content: bytes, place: Place, faults: list[Fault]) -> list[Batch]:
    found = [Batch()]
    try:
        for node in compose(content):
            for one in objects_in(node):
                _add(one, name, place, found, faults)
    except InvalidYaml as error:
        faults.append(Fault(f"{name}:{error.line}", error.reason, error.solution))
    return [batch for batch in found if batch.objects]


def _add(node: Node, name: str, place: Place, found: list[Batch], faults: list[Fault]) -> None:
    value = to_value(node)
    if value is None:
        return
    if not _is_object(value):
        reason = "this is no object with apiVersion, kind and metadata"
        faults.append(Fault(f"{name}:{node.line}", reason, "Write a Kubernetes object, or name other files"))
        return
    fault = fault_in_version(value["apiVersion"]) or fault_in_kind(value["kind"]) or fault_in_name(value)
    if fault is not None:
        faults.append(Fault(f"{name}:{node.line}", *fault))
        return
    resource = name_of(value)
    if resource in found[-1].written:
        found.append(Batch())
    namespace = at(value, ("metadata", "namespace"))
    manifest = labelled(value, place, NO_COMMIT)
    if isinstance(namespace, str) and namespace:
        manifest["metadata"]["namespace"] = namespace
    found[-1].objects.append(manifest)
    found[-1].written[resource] = Written(name, node)


def _is_object(value: Any) -> bool:
    texts = isinstance(value, dict) and all(isinstance(value.get(key), str) for key in ("apiVersion", "kind"))
    return texts and isinstance(value.get("metadata"), dict)


def check_manifests(name: str, files: Mapping[str, bytes], local: Local) -> Verdict:
    """What the checks say of the objects in `files`. Never raises: what breaks, and what is empty, is no pass."""
    began = time.perf_counter()
    found: list[Finding] = []
    place = local.place(APP)
    made, faults = batches(files, place)
    state, code = VerdictState.PASSED, ""
    if not made and not faults:
        faults.append(_empty(name))
    if faults:
        state, code = VerdictState.INVALID, "invalid-input"
    for batch in made:
        try:
            found += local.judged(*_as_made(name, batch, place))
        except GatewayError as error:
            faults.append(Fault(name, error.reason, error.solution))
            is_crash = state is VerdictState.CRASHED or not isinstance(error, InvalidInput)
            state, code = VerdictState.CRASHED if is_crash else VerdictState.INVALID, error.code
    if blocking(found) and state is VerdictState.PASSED:
        state = VerdictState.BLOCKED
    objects = sum(len(batch.objects) for batch in made)
    return Verdict(
        file=name,
        app="",
        environment=place.environment.name,
        state=state,
        findings=tuple(found),
        faults=tuple(faults),
        code=code,
        objects=objects,
        counted="1 object" if objects == 1 else f"{objects} objects",
        seconds=time.perf_counter() - began,
    )


def _empty(name: str) -> Fault:
    is_input = name == STANDARD_INPUT
    instead = (
        "Send some: helm template NAME CHART | deployctl check -" if is_input else "Name files with objects in them"
    )
    return Fault(name, "there is no Kubernetes object in it", instead)


def _as_made(name: str, batch: Batch, place: Place) -> tuple[Source, Made]:
    """As if an App had them in its folder of manifests."""
    file = DeployFile.model_construct(apiVersion=API_VERSION, app=place.app.name, manifests="manifests")
    source = Source(Checkout(Path(), NO_COMMIT, "", ""), Declaration(file, name, {}), {})
    resolved = Resolved(CHARTS / "raw-manifests", {}, {}, {}, batch.written)
    return source, Made(resolved, Rendered("manifests", "", b"", {}, b"", tuple(batch.objects)))
