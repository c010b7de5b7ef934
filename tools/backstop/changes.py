"""What an installation of the backstop would change in a cluster, and the change itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.backstop import OWNED_LABEL
from pipelines.diff import change
from pipelines.ports import Change, Manifest
from pipelines.rules import as_json
from tools.backstop.kubectl import Kubectl

_APPLY = ("apply", "--server-side", "--force-conflicts", "--validate=false", "--field-manager=deploy-gateway-cluster")
# In the order in which they can go: a binding without its policy, or a policy without its parameters, refuses all.
_KINDS = (
    "validatingadmissionpolicybindings",
    "validatingadmissionpolicies",
    "clusterrolebindings",
    "clusterroles",
    "configmaps",
    "serviceaccounts",
)
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """`changes` are those that an installation makes; of each that is not `none` with its diff."""

    changes: tuple[Change, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the cluster is as it should be."""
        return all(one.action == "none" for one in self.changes)


def key_of(manifest: Manifest) -> Key:
    """What tells one object from all others in a cluster."""
    metadata = manifest["metadata"]
    return str(manifest["kind"]), str(metadata.get("namespace", "")), str(metadata["name"])


def difference(kubectl: Kubectl, objects: tuple[Manifest, ...]) -> Difference:
    """By a dry-run of the installation: what the server itself would make of it. Changes nothing."""
    live = _live(kubectl, objects)
    after = _dry_run(kubectl, objects, live)
    changes = [change(live.get(key_of(one)), after[key_of(one)]) for one in objects]
    changes += [change(one, None) for one in stale(kubectl, objects)]
    return Difference(tuple(changes))


def install(kubectl: Kubectl, objects: tuple[Manifest, ...]) -> Difference:
    """Makes the cluster so: writes all of `objects`, then removes what was ours and belongs to it no more."""
    found = difference(kubectl, objects)
    kubectl.must(*_APPLY, "--filename=-", stdin=as_json(objects))
    for one in stale(kubectl, objects):
        kind, namespace, name = key_of(one)
        place = [f"--namespace={namespace}"] if namespace else []
        kubectl.must("delete", kind, name, *place, "--ignore-not-found", "--wait=false")
    return found


def stale(kubectl: Kubectl, objects: tuple[Manifest, ...]) -> tuple[Manifest, ...]:
    """What an earlier installation brought and this one does not; namespaces are never among it."""
    wanted = {key_of(one) for one in objects}
    listed = kubectl.items(",".join(_KINDS), "--all-namespaces", f"--selector={OWNED_LABEL}=true")
    order = {kind: position for position, kind in enumerate(_KINDS)}
    gone = [one for one in listed if key_of(one) not in wanted]
    return tuple(sorted(gone, key=lambda one: order.get(_plural(one), len(order))))


def _plural(manifest: Manifest) -> str:
    kind = str(manifest["kind"]).lower()
    return f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"


def _live(kubectl: Kubectl, objects: Iterable[Manifest]) -> Mapping[Key, dict[str, Any]]:
    listing = as_json(tuple(objects))
    text = kubectl.must("get", "--filename=-", "--ignore-not-found", "--output=json", stdin=listing)
    found: dict[str, Any] = json.loads(text) if text.strip() else {"items": []}
    items: list[dict[str, Any]] = found.get("items", [found])
    return {key_of(one): one for one in items}


def _dry_run(
    kubectl: Kubectl, objects: tuple[Manifest, ...], live: Mapping[Key, dict[str, Any]]
) -> Mapping[Key, Manifest]:
    """What each of `objects` would be. In a namespace that is not there yet a server can't say: as it is written."""
    written = {key_of(one): one for one in objects}
    asked = tuple(one for one in objects if _is_there(one, live))
    text = kubectl.must(*_APPLY, "--dry-run=server", "--output=json", "--filename=-", stdin=as_json(asked))
    found: dict[str, Any] = json.loads(text)
    answered = {key_of(one): one for one in found.get("items", [found])}
    return {**written, **answered}


def _is_there(manifest: Manifest, live: Mapping[Key, Any]) -> bool:
    namespace = manifest["metadata"].get("namespace", "")
    return not namespace or ("Namespace", "", namespace) in live
