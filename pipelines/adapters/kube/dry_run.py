"""Server-side dry-run: every admission controller has its say, and nothing is written."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pipelines.adapters.kube.connection import Connection, Refused
from pipelines.cluster import SERVICE_ACCOUNT_NAMESPACE
from pipelines.diff import change
from pipelines.errors import Fault, PreflightRefused
from pipelines.hooks import hook_events, is_made_anew
from pipelines.kept import changes_of_kept
from pipelines.manifests import name_of
from pipelines.ports import Change, Manifest
from pipelines.refusals import is_without_parameters, policy_of
from pipelines.rules import PARAMETERS_NAME

_THREADS = 8
_SOLUTION = "Correct what the message names"
# Where the parameters of the rules are gone, and the worker may not make them again.
_INSTALL = (
    f"Have an administrator of the cluster run `deploy-gateway cluster install`: the ConfigMap {PARAMETERS_NAME} in the"
    f" namespace {SERVICE_ACCOUNT_NAMESPACE} is gone, and without it the rules refuse all"
)
_NOT_A_HOOK = "there is one already that is no hook, and Helm would delete it before, or after, it runs this hook"
_ANOTHER_NAME = "Give the hook a name of its own, or leave out its annotation helm.sh/hook"
# What the server itself writes into a Job, and where.
_OF_ONE_JOB = ("controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name")
_LONGEST_NAME = 56
# The server's words for a change of what stays as it was made.
_CHANGED = re.compile(r"immutable|Forbidden: updates to|may not change|cannot change")


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
        before: Any | None = None
        try:
            path = self._connection.path_of(manifest, self._namespace)
            before = self._connection.find(path)
            if before is not None and hook_events(manifest) and not hook_events(before):
                return Fault(name_of(manifest), _NOT_A_HOOK, _ANOTHER_NAME)
            return change(before, self._tried(path, manifest, before))
        except Refused as refused:
            kept = changes_of_kept(before, manifest) if before is not None and _CHANGED.search(refused.message) else ()
            if kept:
                return kept[0]
            if refused.status == 404 and _binds_one_of(manifest, together):
                return change(None, manifest)
            reason, policy = refused.message, policy_of(refused.message)
            if manifest["kind"] == "Secret":
                # The server quotes what it could not decode.
                reason = "it is refused; the message is left out, as it can quote values"
            solution = _INSTALL if is_without_parameters(reason) else _SOLUTION
            return Fault(name_of(manifest), reason, solution, policy)

    def _tried(self, path: str, manifest: Manifest, before: Any | None) -> Any:
        """What the server would make of it. A hook is made anew each time: what can't be changed in it is no matter."""
        try:
            return self._connection.apply(path, manifest, dry_run=True)
        except Refused:
            if before is None or not is_made_anew(manifest):
                raise
        name = f"{manifest['metadata']['name'][:_LONGEST_NAME]}-again"
        another = {**manifest, "metadata": {**manifest["metadata"], "name": name}}
        return _in_place_of(before, self._connection.apply(f"{path.rpartition('/')[0]}/{name}", another, dry_run=True))


def _in_place_of(before: Any, after: Any) -> Any:
    """`after` under the name of `before`; of a Job, with what the server numbers anew each time as it was."""
    made = {**after, "metadata": _labelled(before["metadata"], after["metadata"])}
    made["metadata"]["name"] = before["metadata"]["name"]
    if made["kind"] == "Job":
        was, template = before["spec"], after["spec"]["template"]
        template = {**template, "metadata": _labelled(was["template"]["metadata"], template["metadata"])}
        made["spec"] = {**after["spec"], "selector": was["selector"], "template": template}
    return made


def _labelled(before: Any, after: Any) -> Any:
    """The metadata `after`, with those of the labels of `before` that tell which Job it is."""
    own = {key: value for key, value in (before.get("labels") or {}).items() if key in _OF_ONE_JOB}
    return {**after, "labels": {**(after.get("labels") or {}), **own}}


def _binds_one_of(manifest: Manifest, together: tuple[Manifest, ...]) -> bool:
    """Whether it is a RoleBinding to a Role that comes with it.

    The server looks for the Role, and a dry run has made none. It has tried the Role itself: what may be granted
    there may be bound here.
    """
    role = manifest.get("roleRef", {}) if manifest["kind"] == "RoleBinding" else {}
    return any(
        role.get("kind") == one["kind"] == "Role" and role["name"] == one["metadata"]["name"] for one in together
    )
