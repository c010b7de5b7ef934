"""How one object differs from what runs, as people read diffs."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import yaml

from pipelines.manifests import name_of
from pipelines.masking import masked
from pipelines.ports import Change

_NOISE = (
    "managedFields",
    "resourceVersion",
    "uid",
    "generation",
    "creationTimestamp",
    "selfLink",
    "deletionGracePeriodSeconds",
)
# It changes with every Release, on every object: who wants to know what else does, would not find it.
_COMMIT_LABEL = "deploy-gateway.dev/commit"
_NOISY_ANNOTATIONS = (
    "deployment.kubernetes.io/revision",
    "meta.helm.sh/release-name",
    "meta.helm.sh/release-namespace",
)
_CONTEXT_LINES = 2
_MOST_LINES = 400


def change(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Change:
    """From `before` (None: not there) to `after` (None: gone), at least one of which is an object."""
    old, new = _readable(before), _readable(after)
    known = after if after is not None else before
    if known is None:
        raise ValueError("there is no change from nothing to nothing")
    if before is None:
        action = "create"
    elif after is None:
        action = "delete"
    else:
        action = "none" if old == new else "update"
    lines = list(difflib.unified_diff(old, new, "runs now", "after this Release", lineterm="", n=_CONTEXT_LINES))
    if len(lines) > _MOST_LINES:
        lines = [*lines[:_MOST_LINES], f"… {len(lines) - _MOST_LINES} more lines"]
    return Change(name_of(known), action, "\n".join(lines))


def _readable(manifest: Mapping[str, Any] | None) -> list[str]:
    if manifest is None:
        return []
    shown = masked(manifest)
    shown.pop("status", None)
    metadata = {key: value for key, value in (shown.get("metadata") or {}).items() if key not in _NOISE}
    annotations = {k: v for k, v in (metadata.pop("annotations", None) or {}).items() if k not in _NOISY_ANNOTATIONS}
    labels = {k: v for k, v in (metadata.pop("labels", None) or {}).items() if k != _COMMIT_LABEL}
    shown["metadata"] = (
        metadata | ({"annotations": annotations} if annotations else {}) | ({"labels": labels} if labels else {})
    )
    return yaml.safe_dump(shown, sort_keys=True, width=1000, allow_unicode=True).splitlines()
