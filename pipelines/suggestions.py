"""Did you mean: the known word that is nearest to a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`Did you mean X?`, or what is known when nothing is near; empty when nothing is known."""
    words = sorted(known)
    near = get_close_matches(word, words, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]!r}?"
    if not words:
        return ""
    shown = ", ".join(words[:12])
    return f"Known are: {shown}{' …' if len(words) > 12 else ''}"
