"""The stack as a whole: up, attached to, down."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, NoReturn

from pipelines.errors import Conflict, InvalidInput
from tools.stack.cluster import kubectl, prepare_cluster
from tools.stack.component import Component, PortTaken
from tools.stack.control_plane import audit_log, make_control_plane
from tools.stack.ports import claim as claim_port
from tools.stack.ports import free_ports
from tools.stack.processes import ProcessId
from tools.stack.services import make_git_server, make_redis, make_registry
from tools.stack.state import (
    Record,
    claim,
    default_state,
    disk_errors,
    end_recorded,
    forget,
    recorded,
    require_space,
    write_record,
)
from tools.stack.supervisor import Supervisor
from tools.stack.zones import make_check_worker, make_deploy_worker, make_gateway, make_reconciler
from tools.toolbox import ensure

__all__ = ["INFRASTRUCTURE", "Stack", "default_state", "end_recorded", "recorded"]

INFRASTRUCTURE = frozenset({"control-plane", "redis", "git-server", "registry"})
PLANE_TOOLS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kwok")
_ATTEMPTS = 3
# With and without a control plane: etcd lays out 128 MiB at its start, and the audit log grows.
_NEEDED_MEBIBYTES = {True: 500, False: 1}

Progress = Callable[[str], None]


class Stack:
    """A running stack: where its parts are, and, for the process that holds it, ways to add and end some.

    Its processes are children of the holder, and end with it: use it as a context manager.
    """

    def __init__(self, state: Path, *, supervisor: Supervisor | None = None, lock: IO[bytes] | None = None) -> None:
        """For `up` and `attach`."""
        self.state = state
        self.redis_url = ""
        self.git_url = ""
        self.registry = ""
        self.gateway_url = ""
        self.kubernetes_version = ""
        self.kubeconfigs: dict[str, Path] = {}
        self._supervisor = supervisor
        self._lock = lock

    @classmethod
    def up(
        cls,
        state: Path | None = None,
        *,
        components: Collection[str] = INFRASTRUCTURE,
        kubeconfig: Path | None = None,
        progress: Progress | None = None,
    ) -> Stack:
        """Starts `components` in the folder `state` (None: `default_state()`), which it empties first.

        With `kubeconfig`, an administrator's, that cluster is prepared and used, and no control plane is
        started. Raises `Conflict` when a stack already runs there, `ComponentFailed` when a part doesn't
        start, `ToolMissing`, `DiskFull`, `ClusterUnavailable`; nothing is left running then.
        """
        folder = (state or default_state()).resolve()
        with disk_errors(folder):
            lock = claim(folder)
            stack = cls(folder, supervisor=Supervisor(folder / "logs", progress or _silent), lock=lock)
            try:
                stack._record()  # at once, so that it can be ended while it starts
                stack.start(components, kubeconfig=kubeconfig, progress=progress)
            except BaseException:
                stack.down()
                raise
        return stack

    @classmethod
    def attach(cls, state: Path | None = None) -> Stack:
        """The stack that another process holds in `state`: to be used, not to be changed. Raises `Conflict`."""
        folder = (state or default_state()).resolve()
        record = recorded(folder)
        if record is None or not record.holder.is_alive:
            raise Conflict(f"no stack runs in {folder}", "Start one: `deploy-gateway dev up`", where=str(folder))
        stack = cls(folder)
        stack.redis_url, stack.git_url, stack.registry = record.redis_url, record.git_url, record.registry
        stack.gateway_url, stack.kubernetes_version = record.gateway_url, record.kubernetes_version
        stack.kubeconfigs = {name: Path(path) for name, path in record.kubeconfigs.items()}
        return stack

    def start(
        self,
        components: Collection[str],
        *,
        kubeconfig: Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Starts those of `components` that this stack doesn't have yet. Raises as `up` does."""
        unknown = set(components) - INFRASTRUCTURE
        if unknown:
            raise InvalidInput(
                f"the stack has no component {', '.join(sorted(unknown))}",
                f"Components are: {', '.join(sorted(INFRASTRUCTURE))}",
                where="components",
            )
        say = progress or _silent
        missing = set(components) - set(self.processes)
        if self.kubeconfigs or kubeconfig is not None:
            missing.discard("control-plane")
        require_space(self.state, _NEEDED_MEBIBYTES["control-plane" in missing])
        self._start_with_free_ports(lambda: self._make(missing, say))
        if kubeconfig is not None:
            self.kubeconfigs["admin"] = kubeconfig.resolve()
        if kubeconfig is not None or "control-plane" in missing:
            prepared = prepare_cluster(self.kubeconfig, self.state, embedded=kubeconfig is None, progress=say)
            self.kubeconfigs["deploy"] = prepared.deploy
            self.kubernetes_version = prepared.kubernetes_version
        self._record()

    def _make(self, wanted: Collection[str], say: Progress) -> list[Component]:
        """The programs of `wanted`, on ports that are free now; fills in their addresses."""
        made = []
        if "redis" in wanted:
            redis = make_redis(self.state)
            self.redis_url = redis.address
            made.append(redis.component)
        if "git-server" in wanted:
            git = make_git_server(self.state)
            self.git_url = git.address
            made.append(git.component)
        if "registry" in wanted:
            registry = make_registry(self.state, ensure(["crane"], progress=say)["crane"])
            self.registry = registry.address
            made.append(registry.component)
        if "control-plane" in wanted:
            plane = make_control_plane(self.state, ensure(PLANE_TOOLS, progress=say))
            self.kubeconfigs = dict(plane.kubeconfigs)
            made += plane.components
        return made

    def _start_with_free_ports(self, make: Callable[[], list[Component]]) -> None:
        """Starts what `make` returns; makes it anew, with other ports, when somebody was faster at one of them."""
        for left in reversed(range(_ATTEMPTS)):
            try:
                self._start_or_end(make())
            except PortTaken:
                if not left:
                    raise
            else:
                return

    def _start_or_end(self, components: Collection[Component]) -> None:
        """All of them run afterwards, or none."""
        new = {component.name for component in components} - set(self.processes)
        try:
            with disk_errors(self.state):
                self._supervise().start(components)
        except BaseException:
            self._supervise().stop(new)
            raise

    def start_system(self, config: Path, port: int | None = None, *, cluster: str = "local") -> str:
        """Starts all four processes side by side, as the four methods below do one; the front door's address."""
        return self._start_gateway(
            config,
            port,
            make_check_worker(self.state, config, self.redis_url, name="check-worker"),
            self._deploy_worker(config, cluster, "deploy-worker"),
            make_reconciler(self.state, config, name="reconciler"),
        )

    def start_gateway(self, config: Path, port: int | None = None) -> str:
        """Starts the front door with the gateway.yaml `config`; returns its address.

        Without `port` on a free one. Raises `PortBusy` when `port` is taken, `ComponentFailed`.
        """
        return self._start_gateway(config, port)

    def start_check_worker(self, config: Path, *, name: str = "check-worker") -> None:
        """Starts a worker of the check zone. Several need different names."""
        self.add(make_check_worker(self.state, config, self.redis_url, name=name))

    def start_deploy_worker(self, config: Path, *, cluster: str = "local", name: str = "deploy-worker") -> None:
        """Starts a worker of the deploy zone, with the service account's kubeconfig for `cluster`."""
        self.add(self._deploy_worker(config, cluster, name))

    def start_reconciler(self, config: Path, *, name: str = "reconciler") -> None:
        """Starts a reconciler."""
        self.add(make_reconciler(self.state, config, name=name))

    def _start_gateway(self, config: Path, port: int | None, *beside: Component) -> str:
        if port is not None:
            claim_port(port)

        def make() -> list[Component]:
            chosen = port or free_ports(1)[0]
            self.gateway_url = f"http://127.0.0.1:{chosen}"
            return [make_gateway(self.state, config, chosen), *beside]

        self._start_with_free_ports(make)
        self._record()
        return self.gateway_url

    def _deploy_worker(self, config: Path, cluster: str, name: str) -> Component:
        return make_deploy_worker(
            self.state, config, self.redis_url, cluster=cluster, kubeconfig=self.gateway_kubeconfig, name=name
        )

    def add(self, *components: Component) -> None:
        """Starts more components side by side, and waits for them. Raises as `up` does; none of them runs then."""
        self._start_or_end(components)
        self._record()

    def stop(self, *names: str) -> None:
        """Ends the components `names` in good order, with all they started."""
        self._supervise().stop(names)
        self._record()

    def kill(self, name: str) -> None:
        """Ends one component as a crash would."""
        self._supervise().kill(name)
        self._record()

    def check(self) -> None:
        """Raises `ComponentFailed` with the name and the end of the log of one that has ended by itself."""
        self._supervise().check()

    def watch(self) -> NoReturn:
        """Keeps checking, until one has ended by itself (`ComponentFailed`) or KeyboardInterrupt."""
        self._supervise().watch()

    def down(self) -> None:
        """Ends everything that this stack has started. Can be repeated."""
        self._supervise().stop()
        forget(self.state)
        if self._lock is not None:
            self._lock.close()

    @property
    def git_root(self) -> Path:
        """Where bare repositories TEAM/NAME.git are served from."""
        return self.state / "git"

    @property
    def logs(self) -> Path:
        """Where NAME.log of each component is."""
        return self.state / "logs"

    @property
    def audit_log(self) -> Path:
        """The API server's audit log: one JSON object a line, level Metadata."""
        return audit_log(self.state)

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.kubeconfigs["admin"]

    @property
    def gateway_kubeconfig(self) -> Path:
        """The deploy zone's: the service account `deploy-gateway`, bound and limited in time."""
        return self.kubeconfigs["deploy"]

    @property
    def processes(self) -> Mapping[str, ProcessId]:
        """Name → process of each component that runs."""
        return self._supervise().processes

    def kubectl(self, *arguments: str, identity: str = "admin", stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Runs kubectl as `identity` (a key of `kubeconfigs`); what it said, whatever its exit code."""
        return kubectl(self.kubeconfigs[identity], *arguments, stdin=stdin)

    def _supervise(self) -> Supervisor:
        if self._supervisor is None:
            raise Conflict(
                "this stack is held by another process, which alone can change it",
                "Do it there, or end it with `deploy-gateway dev down`",
                where=str(self.state),
            )
        return self._supervisor

    def _record(self) -> None:
        """Writes down what runs, so that another process can use it or end it."""
        record = Record(
            holder=ProcessId.current(),
            processes=dict(self.processes),
            redis_url=self.redis_url,
            git_url=self.git_url,
            registry=self.registry,
            gateway_url=self.gateway_url,
            kubernetes_version=self.kubernetes_version,
            kubeconfigs={name: str(path) for name, path in self.kubeconfigs.items()},
        )
        with disk_errors(self.state):
            write_record(self.state, record)

    def __enter__(self) -> Stack:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()


def _silent(_line: str) -> None:
    pass
