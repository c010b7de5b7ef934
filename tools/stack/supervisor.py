"""Starts components side by side as their needs allow, watches them, and ends every one of them."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tools.stack.component import Component, ComponentFailed

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)
_POLL_SECONDS = 0.02
_LOG_LINES = 12


@dataclass(slots=True)
class _Running:
    component: Component
    process: subprocess.Popen[bytes]
    log: Path
    started: float
    is_ready: bool = False


class Supervisor:
    """Holds the processes of one stack. They end with it, even when it is killed."""

    def __init__(self, logs: Path, progress: Callable[[str], None]) -> None:
        """`logs` is the folder that gets NAME.log of each component; `progress` is told of each that is ready."""
        self._logs = logs
        self._progress = progress
        self._running: dict[str, _Running] = {}
        logs.mkdir(parents=True, exist_ok=True)

    @property
    def pids(self) -> dict[str, int]:
        """Name → process id of all that were started."""
        return {name: running.process.pid for name, running in self._running.items()}

    def start(self, components: Iterable[Component]) -> None:
        """Starts `components` and returns when all are ready. Raises `ComponentFailed`; the caller then stops all."""
        waiting = {component.name: component for component in components}
        while waiting or not all(running.is_ready for running in self._running.values()):
            ready = {name for name, running in self._running.items() if running.is_ready}
            for name in [name for name, one in waiting.items() if set(one.needs) <= ready]:
                self._spawn(waiting.pop(name))
            self.check()
            self._ask()
            time.sleep(_POLL_SECONDS)

    def check(self) -> None:
        """Raises `ComponentFailed`, naming it and with the end of its log, when one has ended by itself."""
        for running in self._running.values():
            code = running.process.poll()
            if code is not None:
                raise ComponentFailed(
                    f"{running.component.name} ended with {_how(code)}. The end of its log:\n{_tail(running.log)}",
                    f"The whole log is {running.log}",
                    where=running.component.name,
                )

    def stop(self) -> None:
        """Ends all: those that were started last first, with SIGTERM, and SIGKILL after their grace."""
        for running in reversed(self._running.values()):
            if running.component.grace_seconds > 0:
                _signal(running.process, signal.SIGTERM)
            else:
                _signal(running.process, signal.SIGKILL)
        for running in reversed(self._running.values()):
            try:
                running.process.wait(running.component.grace_seconds)
            except subprocess.TimeoutExpired:
                _signal(running.process, signal.SIGKILL)
                running.process.wait()
            # Whatever it started and left behind is in its process group.
            _signal_group(running.process.pid, signal.SIGKILL)
        self._running.clear()

    def stop_one(self, name: str, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends one component and forgets it, so that it can be started again."""
        running = self._running.pop(name)
        _signal(running.process, how)
        try:
            running.process.wait(running.component.grace_seconds + 1)
        except subprocess.TimeoutExpired:
            _signal(running.process, signal.SIGKILL)
            running.process.wait()
        _signal_group(running.process.pid, signal.SIGKILL)

    def _spawn(self, component: Component) -> None:
        log = self._logs / f"{component.name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [os.fspath(word) for word in component.argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(component.environment),
                cwd=component.folder,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        self._running[component.name] = _Running(component, process, log, time.monotonic())

    def _ask(self) -> None:
        for name, running in self._running.items():
            if running.is_ready:
                continue
            elapsed = time.monotonic() - running.started
            if running.component.ready():
                running.is_ready = True
                self._progress(f"{name}: ready after {elapsed:.1f} s")
            elif elapsed > running.component.deadline_seconds:
                raise ComponentFailed(
                    f"{name} was not ready after {elapsed:.0f} s. The end of its log:\n{_tail(running.log)}",
                    f"The whole log is {running.log}",
                    where=name,
                )


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _signal(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    if process.poll() is None:
        process.send_signal(how)


def _signal_group(group: int, how: signal.Signals) -> None:
    try:
        os.killpg(group, how)
    except ProcessLookupError:
        return  # nothing was left behind


def _how(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
    return "\n".join(f"  {line}" for line in lines) or "  (empty)"
