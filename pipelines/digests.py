"""The digest that content is named by: of a Bundle, a chart, a manifest or a layer."""

from __future__ import annotations

import hashlib


def content_digest(content: bytes) -> str:
    """`sha256:` and 64 hex digits."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
