"""The stack as a whole: up, attached to, down."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from pipelines.errors import Conflict
from tools.stack.cluster import prepare_cluster
from tools.stack.component import Component
from tools.stack.control_plane import ControlPlane, make_control_plane
from tools.stack.services import make_git_server, make_redis, make_registry
from tools.stack.supervisor import Supervisor
from tools.toolbox import ensure

INFRASTRUCTURE = frozenset({"control-plane", "redis", "git-server", "registry"})
_PLANE_TOOLS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kwok")
_RECORD = "stack.json"


class Stack:
    """A running stack. Its processes are children of this one: use it as a context manager."""

    def __init__(self, state: Path, progress: Callable[[str], None]) -> None:
        self.state = state
        self.supervisor = Supervisor(state / "logs", progress)
        self.redis_url = ""
        self.git_url = ""
        self.registry = ""
        self.plane: ControlPlane | None = None
        self.kubeconfigs: dict[str, Path] = {}

    @classmethod
    def up(
        cls,
        state: Path,
        *,
        components: Collection[str] = INFRASTRUCTURE,
        kubeconfig: Path | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> Stack:
        """Starts `components` in the folder `state`, which begins empty.

        With `kubeconfig`, that cluster is used and no control plane is started. Raises `Conflict` when a
        stack already runs there, `ComponentFailed` when one doesn't start; nothing is left running then.
        """
        say = progress or (lambda _line: None)
        state = state.resolve()
        running = recorded(state)
        if running is not None:
            raise Conflict(
                f"a stack already runs in {state} (process {running['pid']})",
                "Use it, or end it first: `deploy-gateway dev down`",
            )
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir(parents=True, mode=0o700)
        stack = cls(state, say)
        try:
            stack._start(components, kubeconfig, say)
            stack.record()
        except BaseException:
            stack.down()
            raise
        return stack

    def _start(self, components: Collection[str], kubeconfig: Path | None, say: Callable[[str], None]) -> None:
        wanted: list[Component] = []
        if "redis" in components:
            redis = make_redis(self.state)
            self.redis_url = redis.address
            wanted.append(redis.component)
        if "git-server" in components:
            git = make_git_server(self.state)
            self.git_url = git.address
            wanted.append(git.component)
        if "registry" in components:
            registry = make_registry(self.state, ensure(["crane"], progress=say)["crane"])
            self.registry = registry.address
            wanted.append(registry.component)
        if "control-plane" in components and kubeconfig is None:
            tools = ensure(_PLANE_TOOLS, progress=say)
            self.plane = make_control_plane(self.state, tools)
            self.kubeconfigs = dict(self.plane.kubeconfigs)
            wanted += self.plane.components
        elif kubeconfig is not None:
            self.kubeconfigs = {"admin": kubeconfig}
        self.supervisor.start(wanted)
        if self.kubeconfigs:
            self.kubeconfigs.update(
                prepare_cluster(self.kubeconfigs["admin"], self.state / "zones", embedded=self.plane is not None)
            )

    @property
    def git_root(self) -> Path:
        """Where bare repositories TEAM/NAME.git are served from."""
        return self.state / "git"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.kubeconfigs["admin"]

    @property
    def gateway_kubeconfig(self) -> Path:
        """The deploy zone's: the service account `deploy-gateway`, bound and limited in time."""
        return self.kubeconfigs["deploy"]

    @property
    def pids(self) -> Mapping[str, int]:
        """Name → process id."""
        return self.supervisor.pids

    def add(self, components: Iterable[Component]) -> None:
        """Starts more components, and waits for them."""
        self.supervisor.start(components)
        self.record()

    def kubectl(self, *arguments: str, identity: str = "admin") -> subprocess.CompletedProcess[str]:
        """Runs kubectl as `identity` and returns what it said, whatever its exit code."""
        kubectl = ensure(["kubectl"])["kubectl"]
        return subprocess.run(
            [kubectl, f"--kubeconfig={self.kubeconfigs[identity]}", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def record(self) -> None:
        """Writes down what runs, so that another process can end it."""
        record = {
            "pid": os.getpid(),
            "started": _start_time(os.getpid()),
            "processes": {
                name: {"pid": pid, "started": _start_time(pid)} for name, pid in self.supervisor.pids.items()
            },
        }
        temporary = self.state / f".{_RECORD}"
        temporary.write_text(json.dumps(record, indent=1))
        temporary.replace(self.state / _RECORD)

    def down(self) -> None:
        """Ends everything that this stack started."""
        self.supervisor.stop()
        (self.state / _RECORD).unlink(missing_ok=True)

    def __enter__(self) -> Stack:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()


def recorded(state: Path) -> dict[str, Any] | None:
    """What `stack.json` says of a stack that runs in `state`; None when none does."""
    try:
        record: dict[str, Any] = json.loads((state / _RECORD).read_text())
    except (FileNotFoundError, ValueError):
        return None
    return record if _start_time(record["pid"]) == record["started"] else None


def end_recorded(state: Path, *, grace_seconds: float = 30.0) -> bool:
    """Ends the stack that another process started in `state`; False when none runs there.

    A process is known by its id *and* its start time, so that a stranger who got the id later is left alone.
    """
    state = state.resolve()
    record = recorded(state)
    if record is None:
        return False
    os.kill(record["pid"], signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    while _start_time(record["pid"]) == record["started"] and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in [record, *record["processes"].values()]:
        if process["started"] is not None and _start_time(process["pid"]) == process["started"]:
            os.kill(process["pid"], signal.SIGKILL)
    (state / _RECORD).unlink(missing_ok=True)
    return True


def _start_time(pid: int) -> int | None:
    """When `pid` began, in clock ticks since boot; None when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])
