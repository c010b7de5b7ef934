"""Versions in tags, and ranges of them: `>=3.12 <3.14`, or `3.13` for all that begin so."""

from __future__ import annotations

import re
from dataclasses import dataclass

Version = tuple[int, ...]

_VERSION = r"[0-9]{1,9}(?:\.[0-9]{1,9}){0,3}"
_TERM = re.compile(rf"(>=|<=|>|<|=|)\s*v?({_VERSION})")


@dataclass(frozen=True, slots=True)
class VersionRange:
    """Which tags are meant: a version that all of `terms` hold for, and then exactly `suffix` (such as `-slim`)."""

    terms: tuple[tuple[str, Version], ...]
    suffix: str = ""

    def version(self, tag: str) -> Version | None:
        """The version that `tag` is, when it is one of those that are meant."""
        found = re.fullmatch(rf"v?({_VERSION}){re.escape(self.suffix)}", tag)
        version = _parts(found[1]) if found else None
        return version if version is not None and all(_holds(version, *term) for term in self.terms) else None


def parse_range(text: str, suffix: str = "") -> VersionRange:
    """`text` as a range. Raises ValueError, saying what to write instead."""
    terms = [_TERM.fullmatch(term) for term in re.split(r"(?<![<>=\s])[\s,]+", text.strip())]
    found = tuple((term[1], _parts(term[2])) for term in terms if term is not None)
    if len(found) != len(terms):
        raise ValueError('write versions as ">=3.12 <3.14", or "3.13" for all that begin so')
    return VersionRange(found, suffix)


def _parts(text: str) -> Version:
    return tuple(int(part) for part in text.split("."))


def _holds(version: Version, how: str, bound: Version) -> bool:
    if how == "":
        return version[: len(bound)] == bound
    here, there = _padded(version), _padded(bound)
    return {
        ">=": here >= there,
        "<=": here <= there,
        ">": here > there,
        "<": here < there,
        "=": here == there,
    }[how]


def _padded(version: Version) -> Version:
    return (*version, 0, 0, 0, 0)[:4]
