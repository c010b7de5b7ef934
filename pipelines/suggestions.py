"""Did you mean: the known word that is nearest to a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one of `known` that `word` may be a slip of; None: it is like none."""
    return next(iter(get_close_matches(word, sorted(known), n=1, cutoff=0.6)), None)


def did_you_mean(word: str, known: Iterable[str], *, if_none: str = "") -> str:
    """`Did you mean X?`, or what is known when nothing is near; `if_none` when nothing is known."""
    words = sorted(known)
    if near := nearest(word, words):
        return f"Did you mean {near!r}?"
    if not words:
        return if_none
    shown = ", ".join(words[:12])
    return f"Known are: {shown}{' …' if len(words) > 12 else ''}"
