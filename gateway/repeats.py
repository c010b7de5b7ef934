"""Idempotency-Key: the same request sent twice is one Release, or one row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from gateway.context import gateway, principal
from pipelines.errors import Conflict
from store import IdempotencyKey, NewRelease, Release


class KeyReused(Conflict):
    """The Idempotency-Key was sent before, with another request."""

    code = "idempotency-key-reused"
    title = "This Idempotency-Key belongs to another request"


def once(key: str | None, asked: Mapping[str, Any], make: Callable[[], NewRelease]) -> tuple[Release, bool]:
    """The Release for what was asked, and whether it is new.

    With `key` set, a repeat of the same request by the same caller gives the Release of the first time;
    `make` is not called for it. Raises `KeyReused` where the key came with anything else before.
    """
    releases = gateway().store.releases
    if key is None:
        return releases.accept(make()), True
    remembered = IdempotencyKey(principal().name, key, _digest(asked))
    earlier = _earlier(remembered)
    if earlier is not None:
        return earlier, False
    try:
        return releases.accept(make(), remembered), True
    except Conflict:
        # Another request with the same key was faster by a moment, and is stored now.
        earlier = _earlier(remembered)
        if earlier is None:
            raise
        return earlier, False


def callers_key(key: str | None) -> str | None:
    """What to remember an Idempotency-Key by where the row itself holds it: two callers may send the same one."""
    return f"{principal().name}:{key}" if key else None


def _earlier(wanted: IdempotencyKey) -> Release | None:
    store = gateway().store
    found = store.idempotency.find(wanted.principal, wanted.key)
    if found is None:
        return None
    first, release_id = found
    if first.request_digest != wanted.request_digest:
        raise KeyReused(
            f"the key {wanted.key!r} came before, with another request",
            "Use a new key for each new request, and repeat one only with the same body",
            where="Idempotency-Key",
        )
    return store.releases.get(release_id)


def _digest(asked: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
