"""What of Helm needs no cluster, packing and rendering: helm as a program, without the SDK that the deploy zone uses.

That SDK builds models of all that a cluster can say when it is imported, which takes longer than a render.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from pipelines.adapters.disk import written
from pipelines.errors import CheckCrashed, RenderFailed
from pipelines.shapes import without_values
from pipelines.third_party.archive import packed

_RENDER_CPU_SECONDS = 20
_RENDER_ADDRESS_SPACE_KIBIBYTES = 4 * 1024**2
# By the shell, which is everywhere: a bound that depends on a program being installed would be none without it.
_BOUNDED = [
    "/bin/sh",
    "-c",
    f'ulimit -t {_RENDER_CPU_SECONDS} && ulimit -v {_RENDER_ADDRESS_SPACE_KIBIBYTES} && exec "$@"',
    "sh",
]


_PLACE = re.compile(r"([\w.-]+/[\w./-]+\.(?:ya?ml|tpl|txt))(?::(\d+))?")
_VALUE = re.compile(r"at <\$?\.Values\.([\w.]+)>")
_ADVICE = "Use --debug flag to render out invalid YAML"  # for a command that nobody typed


class HelmRenderer:
    """Implements `pipelines.ports.Renderer`."""

    def __init__(self, helm: Path, scratch: Path) -> None:
        """`helm` is the program; charts and Helm's own files are kept below `scratch`."""
        self._scratch = scratch
        self._packed: dict[Path, tuple[str, str, bytes]] = {}
        home = scratch / "helm"
        home.mkdir(parents=True, exist_ok=True)
        self._started = (*tied(), *_BOUNDED, *alone(helm, home))

    def package(self, chart: Path, files: Mapping[str, bytes] | None = None) -> tuple[str, str, bytes]:
        """See `pipelines.ports.Helm.package`; `files` (path in the chart → content) are added to it.

        Without them it is packed once: a version of the chart doesn't change while a check or a job runs.
        """
        if files:
            return self._package(chart, files)
        if chart not in self._packed:
            self._packed[chart] = self._package(chart, {})
        return self._packed[chart]

    def _package(self, chart: Path, files: Mapping[str, bytes]) -> tuple[str, str, bytes]:
        contents = {
            path.relative_to(chart).as_posix(): path.read_bytes()
            for path in chart.rglob("*")
            if path.is_file() and not path.name.startswith(".")
        }
        contents |= files
        about = yaml.load(contents["Chart.yaml"], Loader=yaml.CSafeLoader)
        name, version = str(about["name"]), str(about["version"])
        return name, version, packed(name, contents)

    def template(
        self,
        *,
        release: str,
        namespace: str,
        chart: bytes,
        values: Mapping[str, Any],
        kubernetes_version: str,
        api_versions: Sequence[str],
        timeout_seconds: float,
    ) -> bytes:
        """See `pipelines.ports.Renderer.template`."""
        options = [f"--namespace={namespace}", f"--kube-version={kubernetes_version}", "--skip-tests", "--values=-"]
        if api_versions:
            options.append(f"--api-versions={','.join(api_versions)}")
        # What JSON escapes as two halves, such as an emoji, Go's YAML reader refuses.
        given = json.dumps(values, ensure_ascii=False).encode()
        try:
            with self.chart_file(chart) as path:
                command = [*self._started, "template", release, str(path), *options]
                done = subprocess.run(command, input=given, capture_output=True, timeout=timeout_seconds, check=False)
        except subprocess.TimeoutExpired as error:
            raise CheckCrashed(
                f"rendering took longer than {timeout_seconds:.0f} s", "Simplify the chart: loops over large values?"
            ) from error
        if done.returncode != 0:
            said = without_values(words(done.stderr, done.returncode), values)
            raise RenderFailed(f"helm template: {said}", _solution(said), where=_place(said) or release)
        return done.stdout

    @contextmanager
    def chart_file(self, chart: bytes) -> Iterator[Path]:
        """The archive as a file, as long as it is needed. Raises `DiskFull`, `NotWritable`."""
        path = self._scratch / "charts" / f"{secrets.token_hex(16)}.tgz"
        try:
            with written("the chart"):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(chart)
            yield path
        finally:
            if path.exists():
                path.unlink()


def tied() -> tuple[str, ...]:
    """What ends a helm whose worker was killed: it would go on, beside that of the worker that takes its work up."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig=KILL") if setpriv else ()


def alone(helm: Path, home: Path) -> tuple[str, ...]:
    """`helm` with nothing of our environment in it, and its own files below `home`."""
    return (
        "env",
        "-i",
        f"HOME={home}",
        f"HELM_CACHE_HOME={home}/cache",
        f"HELM_CONFIG_HOME={home}/config",
        f"HELM_DATA_HOME={home}/data",
        "PATH=/usr/bin:/bin",
        # A render lives for a moment: collecting its garbage costs a fifth of it.
        "GOGC=400",
        str(helm),
    )


def _place(said: str) -> str:
    """The template and its line, `app/templates/a.yaml:50`, where Helm names one."""
    found = _PLACE.search(said)
    return "" if found is None else f"{found[1]}:{found[2]}" if found[2] else found[1]


def _solution(said: str) -> str:
    key = _VALUE.search(said)
    if key is not None:
        return f"Look at the value {key[1]}, which that line of the template takes"
    if "missing in charts/ directory" in said:
        return "Run `helm dependency build` in the chart's folder, and commit its `charts/`"
    return "Correct the values or manifests that it names"


def words(stderr: bytes | str, returncode: int) -> str:
    """What Helm said, on one line, without its levels and its repetition of `Error:`."""
    text = stderr.decode("utf-8", "replace") if isinstance(stderr, bytes) else stderr
    lines = [line.strip() for line in text.splitlines()]
    said = [line for line in lines if line not in ("", _ADVICE) and not re.match(r"(level=|WARNING|I\d{4})", line)]
    return " ".join(re.sub(r"^Error: ", "", line) for line in said)[:2000] or f"exit code {returncode}"
