"""Starts components side by side as their needs allow, watches them, and ends every one of them."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from pipelines.errors import Conflict, DiskFull, GatewayError, ToolMissing
from tools.stack.component import Component, ComponentFailed, PortTaken
from tools.stack.guardian import Guardian
from tools.stack.processes import ProcessId, end_session, undisturbed

PROJECT = Path(__file__).resolve().parents[2]
"""The folder that holds our packages: the import path of those components that are our own programs."""

_POLL_SECONDS = 0.02
_WATCH_SECONDS = 0.5
_LOG_LINES = 12
_LOG_TAIL_BYTES = 16 * 1024
_FULL_BYTES = 64 * 1024


@dataclass(slots=True)
class _Running:
    component: Component
    process: subprocess.Popen[bytes]
    id: ProcessId
    log: Path
    began: float
    is_ready: bool = False


class Supervisor:
    """Holds the processes of one stack. They end with it, even when it is killed; see `guardian`."""

    def __init__(self, logs: Path, progress: Callable[[str], None]) -> None:
        """`logs` is the folder that gets NAME.log of each component; `progress` is told of each that is ready."""
        self._logs = logs
        self._progress = progress
        self._running: dict[str, _Running] = {}
        self._guardian: Guardian | None = None
        logs.mkdir(parents=True, exist_ok=True)

    @property
    def processes(self) -> Mapping[str, ProcessId]:
        """Name → process of all that run, in the order of their start."""
        return {name: running.id for name, running in self._running.items()}

    def start(self, components: Iterable[Component]) -> None:
        """Starts `components` and returns when all are ready.

        Raises `ComponentFailed`, `ToolMissing` or `DiskFull`: what has been started then still runs; and `Conflict`
        before anything is started, when one of them runs already.
        """
        waiting = {component.name: component for component in components}
        self._refuse_unmet(waiting)
        self._refuse_twice(waiting)
        while waiting or not all(running.is_ready for running in self._running.values()):
            ready = {name for name, running in self._running.items() if running.is_ready}
            for name in [name for name, one in waiting.items() if set(one.needs) <= ready]:
                self._spawn(waiting.pop(name))
            self.check()
            self._ask()
            time.sleep(_POLL_SECONDS)
        self.check()

    def check(self) -> None:
        """Raises `ComponentFailed`, naming it and with the end of its log, when one has ended by itself."""
        for running in self._running.values():
            code = running.process.poll()
            if code is not None:
                _fail(running, f"ended with {_how(code)}")

    def watch(self) -> NoReturn:
        """Keeps looking at all. Only ends by raising: `ComponentFailed` as `check`, or KeyboardInterrupt."""
        while True:
            self.check()
            time.sleep(_WATCH_SECONDS)

    def stop(self, names: Collection[str] | None = None) -> None:
        """Ends the components `names` (None: all): SIGTERM, SIGKILL after their grace, with all they started.

        Those that were started last go first. One that doesn't run is as good as ended.
        """
        ending = [self._running[name] for name in reversed(self._running) if names is None or name in names]
        began = time.monotonic()
        for running in ending:
            grace = running.component.grace_seconds
            running.process.send_signal(signal.SIGTERM if grace > 0 else signal.SIGKILL)
        for running in ending:
            self._finish(running, began + running.component.grace_seconds)
        if not self._running and self._guardian is not None:
            self._guardian.dismiss()
            self._guardian = None

    def kill(self, name: str) -> None:
        """Ends one component as a crash would, with all it started, and forgets it."""
        self._running[name].process.kill()
        self._finish(self._running[name], time.monotonic())

    def _finish(self, running: _Running, deadline: float) -> None:
        try:
            running.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            running.process.kill()
            running.process.wait()
        end_session(running.id)
        del self._running[running.component.name]

    def _refuse_unmet(self, waiting: Mapping[str, Component]) -> None:
        for component in waiting.values():
            unmet = set(component.needs) - set(waiting) - set(self._running)
            if unmet:
                raise ComponentFailed(
                    f"{component.name} needs {', '.join(sorted(unmet))}, which is not part of this stack",
                    "Start that too",
                    where=component.name,
                )

    def _refuse_twice(self, waiting: Mapping[str, Component]) -> None:
        for name in waiting:
            if name in self._running:
                raise Conflict(f"{name} runs already", "End it first, or give the other one another name", where=name)

    def _spawn(self, component: Component) -> None:
        log = self._logs / f"{component.name}.log"
        with undisturbed():  # nobody would end a process whose start was broken off before it was written down
            with log.open("ab") as output:
                process = _popen(component, output.fileno())
            identity = ProcessId.of_child(process.pid)
            self._running[component.name] = _Running(component, process, identity, log, time.monotonic())
            if self._guardian is None:
                self._guardian = Guardian(self._logs / "guardian.log")
            self._guardian.answer_for(identity)

    def _ask(self) -> None:
        for name, running in self._running.items():
            if running.is_ready:
                continue
            elapsed = time.monotonic() - running.began
            if running.component.ready(running.process.pid):
                running.is_ready = True
                self._progress(f"{name}: ready after {elapsed:.1f} s")
            elif elapsed > running.component.deadline_seconds:
                _fail(running, f"was not ready after {elapsed:.0f} s")


def _popen(component: Component, output: int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            [os.fspath(word) for word in component.argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(component.environment),
            cwd=component.folder,
            start_new_session=True,
        )
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EACCES, errno.ENOEXEC):
            raise ToolMissing(
                f"{component.argv[0]} can't be run: {error.strerror}",
                "Install it, or build it anew: `deploy-gateway tools install`",
                where=component.name,
            ) from error
        raise


def _fail(running: _Running, what: str) -> NoReturn:
    """Raises the error that says why `running` is of no use, as well as its log tells."""
    name, tail = running.component.name, _tail(running.log)
    kind: type[GatewayError] = ComponentFailed
    solution = f"The whole log is {running.log}"
    # A disk may be too full for the log to say so.
    if "no space left on device" in tail.lower() or shutil.disk_usage(running.log.parent).free < _FULL_BYTES:
        kind, solution = DiskFull, f"Make room where {running.log.parent.parent} is, and start again"
    elif "address already in use" in tail.lower():
        kind = PortTaken
    raise kind(f"{name} {what}. The end of its log:\n{tail}", solution, where=name)


def _how(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def _tail(log: Path) -> str:
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - _LOG_TAIL_BYTES))
        lines = stream.read().decode(errors="replace").splitlines()[-_LOG_LINES:]
    return "\n".join(f"  {line}" for line in lines) or "  (empty)"
