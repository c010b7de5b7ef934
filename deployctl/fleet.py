"""Many Apps at once: the checks of each in a process of a pool, whose workers compile the rules once."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from deployctl.local import Local, Programs, crashed, deploy_file, from_here
from deployctl.platform import Platform
from deployctl.verdicts import Report, Verdict, VerdictState, overlays_left_out, waivers_left_out
from pipelines.errors import Fault, InvalidDeployFile

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

# On a machine that is not busy; see docs/explanation/figures.md.
_FEWEST_FOR_A_POOL = 4

_local: Local | None = None


def check_all(paths: Sequence[Path], platform: Platform, programs: Programs, processes: int | None = None) -> Report:
    """A verdict for each of `paths`, folders or deploy.yaml files, each looked at once, in their order.

    `processes` None: as many as this process may use cores.
    """
    began = time.perf_counter()
    with TemporaryDirectory(prefix="deployctl-") as scratch:
        verdicts = tuple(_verdicts(_distinct(paths), platform, programs, Path(scratch), processes or _cores()))
    waivers = waivers_left_out(verdicts) if platform.waivers is None else ()
    not_checked = (*platform.not_checked(), *overlays_left_out(verdicts), *waivers)
    return Report(verdicts, not_checked, time.perf_counter() - began)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _distinct(paths: Sequence[Path]) -> list[Path]:
    """`paths` without those that lead to the same place, as `a` and `a/deploy.yaml` do."""
    found: dict[Path, Path] = {}
    for path in paths:
        file = path / "deploy.yaml" if path.is_dir() else path
        found.setdefault(file.parent.resolve() / file.name, path)
    return list(found.values())


def _verdicts(
    paths: list[Path], platform: Platform, programs: Programs, scratch: Path, processes: int
) -> Iterator[Verdict]:
    environment = platform.environment.name
    if processes == 1 or len(paths) < _FEWEST_FOR_A_POOL:
        local = Local(platform, programs, scratch)
        yield from (_verdict(path, local, environment) for path in paths)
        return
    with _pool(platform, programs, scratch, min(processes, len(paths))) as pool:
        answers = [pool.submit(_in_worker, path, environment) for path in paths]
        for path, answer in zip(paths, answers, strict=True):
            yield _answer(path, answer, environment)


@contextmanager
def _pool(platform: Platform, programs: Programs, scratch: Path, processes: int) -> Iterator[ProcessPoolExecutor]:
    """The workers; whatever ends this early, Apps that nobody has begun with aren't begun any more."""
    from concurrent.futures import ProcessPoolExecutor

    pool = ProcessPoolExecutor(processes, initializer=_start, initargs=(platform, programs, scratch))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _start(platform: Platform, programs: Programs, scratch: Path) -> None:
    global _local
    _local = Local(platform, programs, scratch)


def _in_worker(path: Path, environment: str) -> Verdict:
    if _local is None:
        raise AssertionError("the pool's initializer runs before its first task")
    return _verdict(path, _local, environment)


def _verdict(path: Path, local: Local, environment: str) -> Verdict:
    try:
        file = deploy_file(path)
    except InvalidDeployFile as error:
        place = error.where or from_here(path)
        fault = Fault(place, error.reason, error.solution)
        return Verdict(place, "", environment, VerdictState.INVALID, faults=(fault,), code=error.code)
    return local.verdict(file)


def _answer(path: Path, answer: Future[Verdict], environment: str) -> Verdict:
    try:
        return answer.result()
    except BrokenExecutor:
        return crashed(path, environment, "the process that checked it died; perhaps the machine has no memory left")
