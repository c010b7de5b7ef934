"""Server-side dry-run: every admission controller has its say, and nothing is written."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from pipelines.adapters.kube.connection import Connection, Refused
from pipelines.diff import change
from pipelines.errors import Fault, PreflightRefused
from pipelines.manifests import name_of
from pipelines.ports import Change, Manifest

_THREADS = 8
_SOLUTION = "Correct what the message names"


class DryRun:
    """Dry-runs of objects in one namespace."""

    def __init__(self, connection: Connection, namespace: str) -> None:
        self._connection = connection
        self._namespace = namespace

    def changes(self, objects: tuple[Manifest, ...]) -> tuple[Change, ...]:
        """How each would change. Raises `PreflightRefused` with one Fault for each that is refused."""
        with ThreadPoolExecutor(_THREADS) as pool:
            answers = list(pool.map(lambda one: self._one(one, objects), objects))
        faults = [answer for answer in answers if isinstance(answer, Fault)]
        if faults:
            raise PreflightRefused(
                f"the cluster refuses {len(faults)} of {len(objects)} objects: {faults[0].where}: {faults[0].reason}",
                _SOLUTION,
                errors=faults,
            )
        return tuple(answer for answer in answers if isinstance(answer, Change))

    def _one(self, manifest: Manifest, together: tuple[Manifest, ...]) -> Change | Fault:
        try:
            path = self._connection.path_of(manifest, self._namespace)
            before = self._connection.find(path)
            return change(before, self._connection.apply(path, manifest, dry_run=True))
        except Refused as refused:
            if refused.status == 404 and _binds_one_of(manifest, together):
                return change(None, manifest)
            if manifest["kind"] == "Secret":
                # The server quotes what it could not decode.
                return Fault(
                    name_of(manifest), "it is refused; the message is left out, as it can quote values", _SOLUTION
                )
            return Fault(name_of(manifest), refused.message, _SOLUTION)


def _binds_one_of(manifest: Manifest, together: tuple[Manifest, ...]) -> bool:
    """Whether it is a RoleBinding to a Role that comes with it.

    The server looks for the Role, and a dry run has made none. It has tried the Role itself: what may be granted
    there may be bound here.
    """
    role = manifest.get("roleRef", {}) if manifest["kind"] == "RoleBinding" else {}
    return any(
        role.get("kind") == one["kind"] == "Role" and role["name"] == one["metadata"]["name"] for one in together
    )
