"""Helm, by pyhelm3: installs and reads releases; one helm process for each call."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pyhelm3

from pipelines.adapters.helm_rendering import HelmRenderer, alone, tied, words
from pipelines.bundle import Bundle
from pipelines.errors import ClusterUnavailable, GatewayError, InvalidInput, RolloutFailed
from pipelines.hooks import hook_events
from pipelines.manifests import parse
from pipelines.ports import HelmRevision

T = TypeVar("T")

_HISTORY = 10
_LARGEST_RELEASE_BYTES = 1024 * 1024
_GRACE_SECONDS = 30.0
_AWAY = re.compile(r"cluster unreachable|dial tcp .*(refused|timeout|unreachable)|read: operation timed out")


class HelmClient(HelmRenderer):
    """Implements `pipelines.ports.Helm`. With a kubeconfig it is the deploy zone's, without one the check zone's."""

    def __init__(self, helm: Path, scratch: Path, kubeconfig: Path | None = None) -> None:
        """`helm` is the program; charts and Helm's own files are kept below `scratch`."""
        super().__init__(helm, scratch)
        self._client = _Command(helm, scratch, kubeconfig)

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
        with self.chart_file(bundle.chart) as chart:
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


class _Command(pyhelm3.Command):  # type: ignore[misc]  # pyhelm3 has no type information
    """pyhelm3's command, with nothing of our environment in it, and ended with us."""

    def __init__(self, helm: Path, scratch: Path, kubeconfig: Path | None) -> None:
        # pyhelm3 starts a shell: without `exec` only that would be ended at a timeout, and helm would go on.
        super().__init__(executable="exec", history_max_revisions=_HISTORY, kubeconfig=kubeconfig)
        self._prefix = (*tied(), *alone(helm, scratch / "helm"))

    async def run(self, command: list[Any], input: bytes | None = None) -> bytes:
        # Values are always given as JSON. What JSON escapes as two halves, such as an emoji, Go's YAML reader refuses.
        values = input and json.dumps(json.loads(input), ensure_ascii=False).encode()
        output: bytes = await super().run([*self._prefix, *command], values)
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
    return words(error.stderr, error.returncode)


def _unreachable(error: Exception) -> GatewayError:
    words = _words(error) if isinstance(error, pyhelm3.Error) else "no answer in time"
    return ClusterUnavailable(f"the cluster does not answer helm: {words}", "It is tried again")
