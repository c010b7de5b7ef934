"""The body of a webhook, read by its fields: what is not as documented is said by its path, and never a crash."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pipelines.apps import CommitSha
from pipelines.errors import InvalidInput

_COMMIT = re.compile(r"[0-9a-f]{40}")
_LONGEST_TEXT = 4096
_UNSTORABLE = re.compile("[\\x00\\ud800-\\udfff]")


class Payload:
    """One JSON object of it; `path` is where it stands in the whole."""

    def __init__(self, value: Mapping[str, Any], path: str = "") -> None:
        self._value, self._path = value, path

    def has(self, key: str) -> bool:
        """Whether the field is there, and not null."""
        return self._value.get(key) is not None

    def part(self, *keys: str) -> Payload:
        """The object inside; raises `InvalidInput` where it is none."""
        here = self
        for key in keys:
            here = Payload(here._typed(key, dict, "an object"), here._at(key))
        return here

    def parts(self, key: str) -> list[Payload]:
        """The objects of a list."""
        values = self._typed(key, list, "a list")
        for number, value in enumerate(values):
            if not isinstance(value, dict):
                raise self._unlike(f"{key}[{number}]", "an object")
        return [Payload(value, self._at(f"{key}[{number}]")) for number, value in enumerate(values)]

    def text(self, key: str, default: str | None = None) -> str:
        """A text; `default` where it is missing or null, if there is one. Any text can be written as UTF-8."""
        if default is not None and not self.has(key):
            return default
        return self._clean(key, self._typed(key, str, "a text"))

    def texts(self, key: str) -> list[str]:
        """The texts of a list; none where it is missing or null."""
        values = self._typed(key, list, "a list") if self.has(key) else []
        for number, value in enumerate(values):
            if not isinstance(value, str):
                raise self._unlike(f"{key}[{number}]", "a text")
        return [self._clean(f"{key}[{number}]", value) for number, value in enumerate(values)]

    def commit(self, key: str) -> CommitSha:
        """The full SHA of a commit; its 40 zeros are one too."""
        text = self.text(key)
        if not _COMMIT.fullmatch(text):
            raise self._unlike(key, "the full SHA of a commit, 40 hex digits")
        return CommitSha(text)

    def flag(self, key: str) -> bool:
        """True or false; false where it is missing or null."""
        return bool(self._typed(key, bool, "true or false")) if self.has(key) else False

    def number(self, key: str, default: int) -> int:
        """A whole number; `default` where it is missing or null."""
        return int(self._typed(key, int, "a whole number")) if self.has(key) else default

    def _typed(self, key: str, kind: type, wanted: str) -> Any:
        value = self._value.get(key)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self._unlike(key, wanted)
        return value

    def _clean(self, key: str, text: str) -> str:
        # JSON can escape half a character, which no database and no answer can hold.
        if len(text) > _LONGEST_TEXT or _UNSTORABLE.search(text):
            raise self._unlike(key, f"a text of at most {_LONGEST_TEXT} whole characters")
        return text

    def _at(self, key: str) -> str:
        return f"{self._path}.{key}".lstrip(".")

    def _unlike(self, key: str, wanted: str) -> InvalidInput:
        return InvalidInput(
            f"{self._at(key)} is not {wanted}",
            "Have the forge send this event as it documents it, with nothing between that changes the body",
            where=self._at(key),
        )


def ref_of(text: str) -> tuple[str, str]:
    """`heads` or `tags`, and the name of the branch or tag; the first is empty for any other ref."""
    found = re.fullmatch(r"refs/(heads|tags)/(.+)", text, re.DOTALL)
    return (found.group(1), found.group(2)) if found else ("", text)


def changed_files(commits: Iterable[Payload], is_whole: bool) -> frozenset[str] | None:
    """What the commits of a push touch; None where the list is not `is_whole`, or one does not say."""
    files: set[str] = set()
    for commit in commits:
        of_commit = {path for key in ("added", "modified", "removed") for path in commit.texts(key)}
        if not of_commit or len(of_commit) >= MOST_FILES:
            return None
        files |= of_commit
    return frozenset(files) if files and is_whole else None


MOST_FILES = 3000
"""GitHub lists no more files of a commit than these."""

NO_COMMIT = "0" * 40


def or_none(sha: str) -> str:
    """`sha`, or empty for the zeros that stand for no commit."""
    return "" if sha == NO_COMMIT else sha
