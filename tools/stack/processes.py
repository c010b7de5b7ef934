"""Processes of the operating system: known by id and start time, ended with all that they started."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from pipelines.errors import GatewayError

_PROC = Path("/proc")
_POLL_SECONDS = 0.02
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Positions in /proc/PID/stat, counted from the field behind the program's name.
_STATE, _SESSION, _STARTED = 0, 3, 19


class UnsupportedSystem(GatewayError):
    """The embedded stack can't run on this operating system."""

    code = "unsupported-system"
    exit_code = 2
    title = "The embedded stack needs Linux"


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process. `started` is in clock ticks since boot: a number is used again, its pair with this is not."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> ProcessId | None:
        """The process that has the number `pid` now; None when none does, or it has only to be reaped."""
        fields = _stat(pid)
        return None if fields is None or fields[_STATE] == "Z" else cls(pid, int(fields[_STARTED]))

    @classmethod
    def current(cls) -> ProcessId:
        """This process. Raises `UnsupportedSystem` where there is no /proc to read that from."""
        return cls.of_child(os.getpid())

    @classmethod
    def of_child(cls, pid: int) -> ProcessId:
        """A child of this process that has not been waited for yet, and so has an entry even when it has ended."""
        fields = _stat(pid)
        if fields is None:
            raise UnsupportedSystem(
                f"this system ({os.uname().sysname}) has no /proc, by which the stack knows what it has started",
                "Run it on Linux, or in a Linux virtual machine or container",
            )
        return cls(pid, int(fields[_STARTED]))

    @property
    def is_alive(self) -> bool:
        return ProcessId.of(self.pid) == self


def members(leader: ProcessId) -> list[int]:
    """Numbers of the living processes in the session that `leader` has begun, whether it lives itself or not.

    A session rather than a process group, since a worker gives each job a group of its own.
    """
    number = _stat(leader.pid)
    if number is not None and int(number[_STARTED]) != leader.started:
        return []  # a stranger has got the number, which the kernel gives away only when the session is gone
    found = []
    for entry in _PROC.iterdir():
        fields = _stat(int(entry.name)) if entry.name.isdigit() else None
        if fields is not None and fields[_STATE] != "Z" and int(fields[_SESSION]) == leader.pid:
            found.append(int(entry.name))
    return found


def end_session(leader: ProcessId, *, timeout_seconds: float = 5.0) -> None:
    """Kills every process in the session of `leader`, and returns when none is left or the time is up."""
    deadline = time.monotonic() + timeout_seconds
    while (left := members(leader)) and time.monotonic() < deadline:
        for pid in left:
            send(pid, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)


def send(pid: int, how: signal.Signals) -> None:
    """Signals `pid`; one that has ended meanwhile is as good."""
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        return


@contextmanager
def ended_like_ctrl_c() -> Iterator[None]:
    """Inside, SIGTERM and SIGHUP raise KeyboardInterrupt, so that they too end what was started.

    For the main thread of a process that holds a stack.
    """

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Inside, SIGINT, SIGTERM and SIGHUP wait for the end, so that what is started can be written down first.

    Handlers are exchanged rather than the signals blocked, which a child would inherit. Those that no handler of this
    process takes do what they always do; in another thread than the main one no handler runs anyway.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    with _blocked():
        before = {number: handler for number in _ENDING if callable(handler := signal.getsignal(number))}
        for number in before:
            signal.signal(number, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        with _blocked():
            for number, handler in before.items():
                signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


@contextmanager
def _blocked() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _stat(pid: int) -> list[str] | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()
