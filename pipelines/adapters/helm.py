"""Helm, by pyhelm3: renders, installs and reads releases; one helm process for each call."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import secrets
import shutil
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pyhelm3
import yaml

from pipelines.adapters.disk import written
from pipelines.bundle import Bundle
from pipelines.errors import CheckCrashed, ClusterUnavailable, GatewayError, InvalidInput, RenderFailed, RolloutFailed
from pipelines.hooks import hook_events
from pipelines.manifests import parse
from pipelines.ports import HelmRevision
from pipelines.third_party.archive import packed

T = TypeVar("T")

_HISTORY = 10
_LARGEST_RELEASE_BYTES = 1024 * 1024
_RENDER_CPU_SECONDS = 20
_RENDER_ADDRESS_SPACE_KIBIBYTES = 4 * 1024**2
# By the shell, which is everywhere: a bound that depends on a program being installed would be none without it.
_BOUNDED = [
    "/bin/sh",
    "-c",
    f'ulimit -t {_RENDER_CPU_SECONDS} && ulimit -v {_RENDER_ADDRESS_SPACE_KIBIBYTES} && exec "$@"',
    "sh",
]
_GRACE_SECONDS = 30.0
_AWAY = re.compile(r"cluster unreachable|dial tcp .*(refused|timeout|unreachable)|read: operation timed out")


class HelmClient:
    """Implements `pipelines.ports.Helm`. With a kubeconfig it is the deploy zone's, without one the check zone's."""

    def __init__(self, helm: Path, scratch: Path, kubeconfig: Path | None = None) -> None:
        """`helm` is the program; charts and Helm's own files are kept below `scratch`."""
        self._scratch = scratch
        self._kubeconfig = kubeconfig
        self._client = _Command(helm, scratch, kubeconfig)
        self._packed: dict[Path, tuple[str, str, bytes]] = {}

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
        about = yaml.safe_load(contents["Chart.yaml"])
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
        """See `pipelines.ports.Helm.template`."""
        options = [f"--namespace={namespace}", f"--kube-version={kubernetes_version}", "--skip-tests", "--values=-"]
        if api_versions:
            options.append(f"--api-versions={','.join(api_versions)}")
        try:
            with self._chart_file(chart) as path:
                call = self._client.run(["template", release, path, *options], json.dumps(values).encode())
                return _now(call, timeout_seconds)
        except TimeoutError as error:
            raise CheckCrashed(
                f"rendering took longer than {timeout_seconds:.0f} s", "Simplify the chart: loops over large values?"
            ) from error
        except pyhelm3.Error as error:
            raise RenderFailed(
                f"helm template: {_words(error)}", "Correct the values or manifests that it names", where=release
            ) from error

    def history(self, *, release: str, namespace: str) -> tuple[HelmRevision, ...]:
        """See `pipelines.ports.Helm.history`."""
        try:
            rows = _now(self._client.history(release, namespace=namespace), _GRACE_SECONDS)
        except pyhelm3.errors.ReleaseNotFoundError:
            return ()
        except (pyhelm3.Error, TimeoutError) as error:
            raise _unreachable(error) from error
        return tuple(_revision(row) for row in rows)

    def upgrade(self, bundle: Bundle, *, description: str, timeout_seconds: float) -> HelmRevision:
        """See `pipelines.ports.Helm.upgrade`."""
        _insist_on_storable(bundle)
        with self._chart_file(bundle.chart) as chart:
            row = self._upgraded(bundle, chart, description, timeout_seconds)
        return HelmRevision(int(row["version"]), row["info"]["status"], row["info"]["description"])

    def _upgraded(self, bundle: Bundle, chart: Path, description: str, timeout_seconds: float) -> Any:
        call = self._client.install_or_upgrade(
            bundle.helm_release,
            chart,
            dict(bundle.values),
            atomic=True,
            # For Jobs too: pyhelm3 adds --wait-for-jobs. One that fails ends the wait as soon as the rest is ready.
            wait=True,
            # As the preflight tried it. An autoscaler, or somebody with break-glass, may have set a field since.
            server_side="true",
            force_conflicts=True,
            create_namespace=False,
            namespace=bundle.namespace,
            description=description,
            timeout=f"{timeout_seconds:.0f}s",
        )
        try:
            return _now(call, _most_waits(bundle) * timeout_seconds + _GRACE_SECONDS)
        except TimeoutError as error:
            raise RolloutFailed(
                "helm did not end in its own time, and was stopped",
                "Release again: what it left is recovered by the next attempt",
            ) from error
        except pyhelm3.Error as error:
            if _AWAY.search(_words(error)):
                raise _unreachable(error) from error
            raise RolloutFailed(f"helm upgrade: {_words(error)}", "Correct it, and release again") from error

    @contextmanager
    def _chart_file(self, chart: bytes) -> Iterator[Path]:
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


class _Command(pyhelm3.Command):  # type: ignore[misc]  # pyhelm3 has no type information
    """pyhelm3's command, with nothing of our environment in it, and bounded."""

    def __init__(self, helm: Path, scratch: Path, kubeconfig: Path | None) -> None:
        # pyhelm3 starts a shell: without `exec` only that would be ended at a timeout, and helm would go on.
        super().__init__(executable="exec", history_max_revisions=_HISTORY, kubeconfig=kubeconfig)
        home = scratch / "helm"
        home.mkdir(parents=True, exist_ok=True)
        setpriv = shutil.which("setpriv")
        # A helm whose worker was killed would go on, beside that of the worker which takes the Release up.
        self._tied = [setpriv, "--pdeathsig=KILL"] if setpriv else []
        self._prefix = [
            "env",
            "-i",
            f"HOME={home}",
            f"HELM_CACHE_HOME={home}/cache",
            f"HELM_CONFIG_HOME={home}/config",
            f"HELM_DATA_HOME={home}/data",
            "PATH=/usr/bin:/bin",
            # A render lives for a moment: collecting its garbage costs a fifth of it.
            "GOGC=400",
            helm,
        ]

    async def run(self, command: list[Any], input: bytes | None = None) -> bytes:
        # Values are always given as JSON. What JSON escapes as two halves, such as an emoji, Go's YAML reader refuses.
        values = input and json.dumps(json.loads(input), ensure_ascii=False).encode()
        # A rollout waits for minutes and takes little; a render takes all it gets.
        bounds = _BOUNDED if command[0] == "template" else []
        output: bytes = await super().run([*self._tied, *bounds, *self._prefix, *command], values)
        return output


def _now(call: Coroutine[Any, Any, T], timeout_seconds: float) -> T:
    async def bounded() -> T:
        return await asyncio.wait_for(call, timeout_seconds)

    return asyncio.run(bounded())


def _most_waits(bundle: Bundle) -> int:
    """How often Helm's timeout can pass: for rollout and rollback, and for each hook until it is there and done."""
    hooks = sum(1 for one in parse(bundle.manifest) if hook_events(one))
    return 2 + 2 * hooks


def _insist_on_storable(bundle: Bundle) -> None:
    """Helm keeps a release in one Secret: chart and manifest, compressed, as base64 twice over."""
    estimate = (len(bundle.chart) + len(gzip.compress(bundle.manifest))) * 16 // 9
    if estimate > _LARGEST_RELEASE_BYTES:
        raise InvalidInput(
            f"the release would take about {estimate // 1024} KiB, and a cluster keeps at most 1024 KiB of one",
            "Split the App, or move data out of its manifests",
            where="manifest",
        )


def _revision(row: Mapping[str, Any]) -> HelmRevision:
    return HelmRevision(int(row["revision"]), str(row["status"]), str(row.get("description", "")))


def _words(error: pyhelm3.Error) -> str:
    """What Helm said, on one line, without its levels and its repetition of `Error:`."""
    text = error.stderr.decode("utf-8", "replace") if isinstance(error.stderr, bytes) else str(error.stderr)
    lines = [
        line.strip() for line in text.splitlines() if line.strip() and not re.match(r"(level=|WARNING|I\d{4})", line)
    ]
    return " ".join(re.sub(r"^Error: ", "", line) for line in lines)[:2000] or f"exit code {error.returncode}"


def _unreachable(error: Exception) -> GatewayError:
    words = _words(error) if isinstance(error, pyhelm3.Error) else "no answer in time"
    return ClusterUnavailable(f"the cluster does not answer helm: {words}", "It is tried again")
