"""What can't be changed in a running object, and what to write instead: the API server only says that it is so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.catalogue.relations import FIELDS_KEPT
from pipelines.errors import Fault
from pipelines.manifests import name_of, without_nulls
from pipelines.ports import Manifest
from pipelines.resources import at

_SELECTING = (("spec", "selector"),)
_CLAIM = (("spec", "storageClassName"), ("spec", "accessModes"), ("spec", "volumeMode"))
# For each kind, the fields that stay as the object was made (API reference, and the validation of updates).
_KEPT: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "Deployment": _SELECTING,
    "DaemonSet": _SELECTING,
    "ReplicaSet": _SELECTING,
    "StatefulSet": (
        *_SELECTING,
        ("spec", "serviceName"),
        ("spec", "podManagementPolicy"),
        ("spec", "volumeClaimTemplates"),
    ),
    "Job": (("spec", "template"), ("spec", "completionMode"), ("spec", "selector")),
    "PersistentVolumeClaim": _CLAIM,
    "RoleBinding": (("roleRef",),),
    "Service": (("spec", "clusterIP"),),
}
# These may hold what nobody wants to read in a message.
_NOT_SHOWN = frozenset({"template", "volumeClaimTemplates"})
_ANOTHER_NAME = "or give it another name, and the old one is removed"


def changes_of_kept(before: Manifest, after: Manifest) -> tuple[Fault, ...]:
    """A Fault for each field of `after` that can't be changed in `before`, which runs; none where it is another matter.

    `before` has what the server filled in, so that only what `after` writes is compared.
    """
    kind = str(after["kind"])
    paths = _KEPT.get(kind, ())
    return tuple(fault for path in paths for fault in _fault(before, after, path))


def _fault(before: Manifest, after: Manifest, path: tuple[str, ...]) -> Iterator[Fault]:
    was, wanted = at(before, path), without_nulls(at(after, path))
    is_selector = path[-1] == "selector"
    is_kept = was == wanted if is_selector and wanted is not None else _is_in(wanted, was)
    if is_kept:
        return
    key = path[-1]
    if key in _NOT_SHOWN:
        reason, solution = f"it differs from what runs, and {_WORDS}", f"Write {key} as it was, {_ANOTHER_NAME}"
    else:
        reason = f"it is {_flow(was)} and would become {_flow(wanted)}, and {_WORDS}"
        solution = f"{key}: {_flow(was)}   # {_ANOTHER_NAME}"
    yield Fault(f"{name_of(after)} {'.'.join(path)}", f"{FIELDS_KEPT.id}: {reason}", solution)


_WORDS = "the field is immutable in an object that is there"


def _is_in(wanted: Any, was: Any) -> bool:
    """Whether all that is `wanted` is in what `was`, beside what the server filled in."""
    if wanted is None:
        return True
    if isinstance(wanted, Mapping):
        return isinstance(was, Mapping) and all(_is_in(value, was.get(key)) for key, value in wanted.items())
    if isinstance(wanted, list):
        return (
            isinstance(was, list)
            and len(was) == len(wanted)
            and all(_is_in(one, other) for one, other in zip(wanted, was, strict=True))
        )
    return bool(wanted == was)


def _flow(value: Any) -> str:
    """`value` as YAML writes it on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(one) for one in value) + "]"
    return "not set" if value is None else str(value)
