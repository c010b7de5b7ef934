"""References to secrets: `env:NAME` and `file:PATH`, the only two ways to a secret."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pipelines.errors import InvalidConfiguration

_LARGEST_SECRET_BYTES = 64 * 1024


class BrokenReference(ValueError):
    """A reference that leads nowhere. Its text is one line for people, and holds no part of a secret."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A secret that only some processes may have: it is read by those, and not with the settings.

    `text` is `env:NAME` or `file:PATH`, relative to `folder`; `where` is its file and line.
    """

    text: str
    folder: Path
    where: str

    def read(self) -> str:
        """The secret as it is now. Raises `InvalidConfiguration`."""
        try:
            return resolve(self.text, folder=self.folder, environ=os.environ)
        except BrokenReference as error:
            raise InvalidConfiguration(str(error), "Put the secret there", where=self.where) from error


def resolve(text: str, *, folder: Path, environ: Mapping[str, str]) -> str:
    """What `text` refers to, or `text` itself when it is no reference.

    `folder` is where a relative `file:` path starts. Raises `BrokenReference`, also for a password that
    stands in `text` in the clear.
    """
    if text.startswith("env:"):
        return _from_environment(text.removeprefix("env:"), environ)
    if text.startswith("file:"):
        return _from_file(folder / text.removeprefix("file:"))
    if _password(text):
        raise BrokenReference("the address holds a password in the clear")
    return text


def _password(url: str) -> bool:
    try:
        return bool(urlsplit(url).password)
    except ValueError:
        return False


def _from_environment(name: str, environ: Mapping[str, str]) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise BrokenReference(f"the environment variable {name!r} is not set, or empty")
    return value


def _from_file(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as stream:
            value = stream.read(_LARGEST_SECRET_BYTES).strip()
    except OSError as error:
        raise BrokenReference(f"the file {path} can't be read: {error.strerror}") from error
    except UnicodeDecodeError:
        # Without its cause: that one quotes the bytes.
        raise BrokenReference(f"the file {path} is not UTF-8 text") from None
    if not value:
        raise BrokenReference(f"the file {path} is empty")
    return value
