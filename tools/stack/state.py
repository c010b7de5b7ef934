"""The stack's folder: whose it is, what runs there, and what another process needs to use it or to end it."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import signal
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from pipelines.errors import Conflict, DiskFull, InvalidInput
from tools.stack.processes import ProcessId, end_session, send

_RECORD = "stack.json"
_LOCK = "stack.lock"
_LOGS = "logs"
_MAKE_ROOM = "Make room there, or set DEPLOY_GATEWAY_STATE to a folder on another disk"
_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Record:
    """What runs in a state folder: `holder` is the process that the others are children of.

    `redis_url` holds a password, so the file is for its owner only. Addresses are empty where the stack
    doesn't have that component.
    """

    holder: ProcessId
    processes: dict[str, ProcessId] = field(default_factory=dict)
    redis_url: str = ""
    git_url: str = ""
    registry: str = ""
    gateway_url: str = ""
    kubernetes_version: str = ""
    kubeconfigs: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Record:
        """The inverse of `asdict`. Raises KeyError or TypeError for anything else."""
        processes = {name: ProcessId(**one) for name, one in data["processes"].items()}
        return cls(**{**data, "holder": ProcessId(**data["holder"]), "processes": processes})


def default_state() -> Path:
    """$DEPLOY_GATEWAY_STATE, or `.deploy-gateway` in the current folder."""
    return Path(os.environ.get("DEPLOY_GATEWAY_STATE") or ".deploy-gateway").resolve()


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turns the system's word for a full disk into `DiskFull`, which names `folder`."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DiskFull("there is no space left to write to", _MAKE_ROOM, where=str(folder)) from error


def require_space(folder: Path, mebibytes: int) -> None:
    """Raises `DiskFull` when there is less room than that. Programs that find out later don't say it as well."""
    free = round(shutil.disk_usage(folder).free / 2**20)
    if free < mebibytes:
        raise DiskFull(f"{free} MiB is free, and the stack needs {mebibytes} MiB", _MAKE_ROOM, where=str(folder))


def claim(folder: Path) -> IO[bytes]:
    """Empties `folder` and makes it this process's: until the file that is returned is closed.

    Raises `Conflict` when a stack runs there, `InvalidInput` when it holds something that is not a stack's.
    """
    holder = ProcessId.current()
    _refuse_others_files(folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    lock = _lock(folder)
    if lock is None:
        other = (folder / _LOCK).read_text().strip()
        raise Conflict(
            f"a stack already runs in {folder} (process {other or 'unknown'})",
            "Use it, or end it first: `deploy-gateway dev down`",
            where=str(folder),
        )
    try:
        lock.truncate(0)
        lock.write(f"{holder.pid}\n".encode())
        _empty(folder, but=(_LOCK,))
    except BaseException:
        lock.close()
        raise
    return lock


def _empty(folder: Path, *, but: Collection[str]) -> None:
    for entry in folder.iterdir():
        if entry.name in but:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _lock(folder: Path) -> IO[bytes] | None:
    """The lock of `folder`, held until it is closed; None while another process has it.

    The kernel holds it, for as long as its process lives: no race between two, and none is left behind.
    """
    lock = (folder / _LOCK).open("ab", buffering=0)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _refuse_others_files(folder: Path) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is a file", "Name a folder, or one that isn't there yet", where="state")
    if any(folder.iterdir()) and not (folder / _LOCK).exists():
        raise InvalidInput(
            f"{folder} holds files that are not the stack's, and the stack empties its folder when it starts",
            "Set DEPLOY_GATEWAY_STATE to an empty folder, or to one that isn't there yet",
            where="state",
        )


def write_record(folder: Path, record: Record) -> None:
    """Writes `record` in one step: a reader sees the old one or this one."""
    temporary = folder / f".{_RECORD}"
    temporary.touch(mode=0o600)
    temporary.write_text(json.dumps(asdict(record), indent=1))
    temporary.replace(folder / _RECORD)


def recorded(folder: Path) -> Record | None:
    """What is written of a stack in `folder`, alive or not; None when nothing is."""
    try:
        data = json.loads((folder / _RECORD).read_text())
    except FileNotFoundError:
        return None
    try:
        return Record.from_json(data)
    except (KeyError, TypeError) as error:
        raise InvalidInput(
            f"{folder / _RECORD} was not written by this version",
            "End the stack with the version that started it, then remove the folder",
            where=str(folder),
        ) from error


def forget(folder: Path) -> None:
    """Removes all but the logs: nothing runs any more, and credentials and data have no further use."""
    _empty(folder, but=(_LOCK, _LOGS))


def end_recorded(folder: Path, *, grace_seconds: float = 30.0) -> bool:
    """Ends the stack that some process has started in `folder`; False when none runs there.

    A process is known by its id *and* its start time, so that a stranger who got the id later is left alone.
    """
    record = recorded(folder)
    if record is None:
        return False
    was_running = record.holder.is_alive
    if was_running:
        send(record.holder.pid, signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    while record.holder.is_alive and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    for process in record.processes.values():
        was_running = was_running or process.is_alive
        end_session(process)
    if record.holder.is_alive:
        send(record.holder.pid, signal.SIGKILL)
    lock = _lock(folder)
    if lock is not None:  # otherwise somebody has started the next one there meanwhile
        with lock:
            forget(folder)
    return was_running
