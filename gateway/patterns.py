"""Patterns of refs, paths and claims: `*` is any text without a slash, `**` any text, all else itself."""

from __future__ import annotations

import re
from functools import lru_cache


def fits(pattern: str, text: str) -> bool:
    """Whether `text` as a whole is what `pattern` says."""
    return _compiled(pattern).fullmatch(text) is not None


def holds(pattern: str, path: str) -> bool:
    """Whether `path` is what `pattern` says, or below it."""
    pattern = pattern.rstrip("/")
    return fits(pattern, path) or fits(f"{pattern}/**", path)


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*\*|\*)", pattern)
    meanings = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    return re.compile("".join(meanings.get(part) or re.escape(part) for part in parts), re.DOTALL)
