"""Values of Secrets never leave: not in a diff, not in an event, not in an error."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any

_KEY = secrets.token_bytes(16)
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def masked(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """`manifest` with the values of a Secret replaced: one can see that they differ, and not what they are."""
    made = dict(manifest)
    metadata = made.get("metadata")
    if isinstance(metadata, Mapping) and _LAST_APPLIED in (metadata.get("annotations") or {}):
        annotations = {key: text for key, text in metadata["annotations"].items() if key != _LAST_APPLIED}
        made["metadata"] = {**metadata, "annotations": annotations}
    if made.get("kind") == "Secret":
        for key in ("data", "stringData"):
            if isinstance(made.get(key), Mapping):
                made[key] = {name: _hidden(value) for name, value in made[key].items()}
            elif key in made:
                made[key] = _hidden(made[key])
    return made


def _hidden(value: Any) -> str:
    """A mark that is the same for the same value in this process, and says nothing else about it."""
    return f"(hidden {hmac.new(_KEY, repr(value).encode(), hashlib.sha256).hexdigest()[:8]})"
