"""Finds the programs that the adapters call: on PATH in a fitting version, or in the cache where they are built."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import ToolMissing


@dataclass(frozen=True, slots=True)
class Program:
    """A program and how to ask it for its version.

    One on PATH fits when `version_pattern` finds a version in what `version_arguments` prints, and the first
    `significant` numbers of it equal those of `version`.
    """

    name: str
    version: str
    version_arguments: tuple[str, ...]
    version_pattern: str = r"v?(\d+\.\d+\.\d+)"
    significant: int = 2

    def fits(self, version: str) -> bool:
        """Whether a program of `version` may stand in for the pinned one."""
        return version.split(".")[: self.significant] == self.version.split(".")[: self.significant]


HELM = Program("helm", "4.3.1", ("version", "--template", "{{.Version}}"))
KUBE_SCORE = Program("kube-score", "1.20.0", ("version",))


def cache_dir() -> Path:
    """Where built programs are kept: $DEPLOY_GATEWAY_CACHE, or `deploy-gateway` in the user's cache."""
    explicit = os.environ.get("DEPLOY_GATEWAY_CACHE")
    if explicit:
        return Path(explicit).resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deploy-gateway"


def find(program: Program) -> Path:
    """Its path: from PATH when that one fits, else what was built last of its version. Raises `ToolMissing`."""
    found = on_path(program)
    if found is not None:
        return found
    built = list(cache_dir().glob(f"tools/{program.name}-{program.version}-*/{program.name}"))
    if built:
        return max(built, key=lambda path: path.stat().st_mtime_ns)
    wanted = ".".join(program.version.split(".")[: program.significant])
    raise ToolMissing(
        f"no {program.name} {wanted} was found, neither on PATH nor in {cache_dir()}",
        f"Install {program.name} {program.version} on PATH, or build it once: "
        f"`deploy-gateway tools install {HELM.name} {KUBE_SCORE.name}`",
        where=program.name,
    )


def on_path(program: Program) -> Path | None:
    """The program on PATH when it fits. What it answers is remembered until the file changes."""
    found = shutil.which(program.name)
    if found is None:
        return None
    status = Path(found).stat()
    key = f"{found}:{status.st_mtime_ns}:{status.st_size}"
    remembered = Memory(cache_dir() / "versions.json")
    version = remembered.get(key)
    if version is None:
        version = version_of(program, Path(found))
        remembered.put(key, version)
    return Path(found) if program.fits(version) else None


def version_of(program: Program, path: Path) -> str:
    """The version that the file at `path` says it has; empty when it doesn't say."""
    try:
        done = subprocess.run(
            [path, *program.version_arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = re.search(program.version_pattern, done.stdout + done.stderr)
    return match.group(1) if match else ""


class Memory:
    """A small file of what is slow to find out again. A file that can't be read counts as empty."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, key: str) -> str | None:
        """What was kept by this key."""
        value = self._all().get(key)
        return value if isinstance(value, str) else None

    def put(self, key: str, value: str) -> None:
        """Keeps `value`; a reader never sees half a file."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        content = json.dumps({**self._all(), key: value})
        with tempfile.NamedTemporaryFile("w", dir=self._path.parent, delete=False) as temporary:
            temporary.write(content)
        Path(temporary.name).replace(self._path)

    def _all(self) -> dict[str, object]:
        try:
            found = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}
