"""The digest that a tag means now, for whoever has written the tag alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipelines.errors import AccessRefused, ImageNotFound, ImageUnreadable
from pipelines.images import Digests, parse_image

REFUSED = (AccessRefused, ImageNotFound, ImageUnreadable)
"""What asking a registry again does not change. Anything else that one may do is raised: it is worth another try."""

# What a manifest has is any text, and this one becomes part of an address.
_TAGGED = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]*(/[a-z0-9]+([._-]+[a-z0-9]+)*)+:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


@dataclass(frozen=True, slots=True)
class Pinned:
    """What to write in place of an image without a digest, or why that is not known; both may be empty."""

    how: str = ""
    problem: str = ""


def pinned(image: str, digests: Digests, *, timeout_seconds: float) -> Pinned:
    """The line to write for `image`, whose registry may be asked; nothing for `latest`, which no rule lets pass.

    Raises `RegistryUnavailable`.
    """
    if not _TAGGED.fullmatch(image) or str(parse_image(image).tag).lower() == "latest":
        return Pinned()
    try:
        digest = digests.digest(image, timeout_seconds=timeout_seconds)
    except REFUSED as error:
        return Pinned(problem=f"The one of its tag could not be looked up: {error.reason}")
    return Pinned(f"image: {image}@{digest}   # what its tag means now")
