"""Manifests without a deploy.yaml: files, folders, standard input, and what a chart renders. Every check, no App."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from deployctl.batches import KUSTOMIZATIONS, Batch, read
from deployctl.folders import entries_below, insist_on_no_link
from deployctl.local import NO_COMMIT, Local, Programs, broken, from_here
from deployctl.platform import Platform
from deployctl.verdicts import STANDARD_INPUT, Report, Verdict, VerdictState
from pipelines.check import Made
from pipelines.deployfile import Declaration, DeployFile
from pipelines.deployfile.schema import API_VERSION
from pipelines.errors import Fault, GatewayError, InvalidInput
from pipelines.findings import blocking
from pipelines.place import Place
from pipelines.ports import Checkout
from pipelines.stages.checkout import Source
from pipelines.stages.render import Rendered
from pipelines.stages.resolve import CHARTS, Resolved

APP = "local"
"""Whose the objects are taken to be: what the gateway's labels say."""

_SUFFIXES = (".yaml", ".yml", ".json")


def files_at(paths: tuple[Path, ...]) -> dict[str, bytes]:
    """The manifests in `paths`, files or folders, by name as seen from here. Raises `InvalidInput`."""
    files = [file for path in paths for file in (_in_folder(path) if path.is_dir() else [path])]
    try:
        return {from_here(file): file.read_bytes() for file in files}
    except OSError as error:
        place = from_here(Path(error.filename))
        raise InvalidInput(f"it can't be read: {error.strerror}", "Name a file or a folder", where=place) from error


def check_loose(
    paths: tuple[Path, ...], platform: Platform, programs: Programs, *, in_one_namespace: bool = False
) -> Report:
    """Checks the manifests in `paths`; without any, those on standard input. What can't be read is no pass.

    They are for the namespace of the Environment, where `in_one_namespace`; else each for the one that it names.
    """
    began = time.perf_counter()
    name = " ".join(from_here(path) for path in paths) or STANDARD_INPUT
    try:
        files = files_at(paths) if paths else {STANDARD_INPUT: sys.stdin.buffer.read()}
    except InvalidInput as error:
        fault = Fault(error.where or name, error.reason, error.solution)
        verdict = Verdict(name, "", platform.environment.name, VerdictState.INVALID, faults=(fault,), code=error.code)
    else:
        with TemporaryDirectory(prefix="deployctl-") as scratch:
            local = Local(platform, programs, Path(scratch))
            verdict = check_manifests(name, files, local, local.place(APP).namespace if in_one_namespace else None)
    return Report((verdict,), platform.not_checked(), time.perf_counter() - began)


def _in_folder(folder: Path) -> list[Path]:
    there = entries_below(folder)
    for path in there:
        if _is_manifest(path) or path.is_dir():
            insist_on_no_link(path)
    return [path for path in there if _is_manifest(path) and path.is_file()]


def _is_manifest(path: Path) -> bool:
    return path.suffix in _SUFFIXES or path.name in KUSTOMIZATIONS


def check_manifests(name: str, files: Mapping[str, bytes], local: Local, namespace: str | None = None) -> Verdict:
    """What the checks say of the objects in `files`. Never raises: what breaks, and what is empty, is no pass.

    All are for `namespace`; None: each for the one that it names.
    """
    began = time.perf_counter()
    place = local.place(APP)
    there = read(files, place, namespace)
    found, faults = list(there.twins), list(there.faults)
    state, code = VerdictState.PASSED, ""
    if not there.batches and not faults:
        faults.append(_empty(name))
    if faults:
        state, code = VerdictState.INVALID, "invalid-input"
    for batch in there.batches:
        try:
            found += local.judged(*_as_made(name, batch, place), batch.namespace)
        except GatewayError as error:
            faults.append(Fault(name, error.reason, error.solution))
            is_crash = state is VerdictState.CRASHED or not isinstance(error, InvalidInput)
            state, code = VerdictState.CRASHED if is_crash else VerdictState.INVALID, error.code
        except Exception as error:  # noqa: BLE001 (a defect: what it is about does not pass)
            faults.append(broken(name, error))
            state, code = VerdictState.CRASHED, "check-crashed"
    if blocking(found) and state is VerdictState.PASSED:
        state = VerdictState.BLOCKED
    objects = sum(len(batch.objects) for batch in there.batches) + len(there.twins)
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
