"""What is wrong with an image as it is written, and which one to write: its own repository is kept."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipelines.images import parse_image
from pipelines.snippets import of_image

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_HEX = re.compile(r"sha256:[0-9a-f]*")
_LATEST = "latest"


def advice(rule: str, image: object, field: str, registries: Sequence[str]) -> str:
    """What to write in `field` in place of `image`, which breaks `rule`; empty where the rule's own words are best.

    `registries` are the prefixes that are allowed.
    """
    if not isinstance(image, str) or not image:
        return ""
    if rule == "image-pinned":
        name = image.partition("@")[0].removesuffix(f":{parse_image(image).tag}")
        line = f"image: {name}:VERSION   # one that you have built, or @sha256: and its 64 digits; never latest"
        return of_image(line, field)
    if rule == "image-registry" and registries:
        line = f"image: {_moved(image, registries[0])}   # copy it there first; below one of: {', '.join(registries)}"
        return of_image(line, field)
    return ""


def _moved(image: str, prefix: str) -> str:
    """`image` below `prefix`, which ends in a slash; what of its path the prefix has already, isn't told twice."""
    parsed = parse_image(image)
    path = [part for part in parsed.repository.split("/") if part not in ("", ".", "..")]
    if len(path) > 1 and (path[0] == "library" or prefix.endswith(f"/{path[0]}/")):
        path = path[1:]
    has_version = parsed.tag is not None and _TAG.fullmatch(parsed.tag) and parsed.tag.lower() != _LATEST
    digest = f"@{parsed.digest}" if parsed.digest and _DIGEST.fullmatch(parsed.digest) else ""
    tag = f":{parsed.tag}" if has_version else "" if digest else ":VERSION"
    return f"{prefix}{'/'.join(path)}{tag}{digest}"


def unpinned(image: object) -> str:
    """Why `image` has no fixed version, to be said behind its name; empty where there is no name."""
    if not isinstance(image, str) or not image:
        return ""
    parsed = parse_image(image)
    digest = image.partition("@")[2]
    if parsed.tag is not None and parsed.tag.lower() == _LATEST:
        beside = ", and a digest beside it says no version either" if digest else ""
        return f"the tag is {parsed.tag}{beside}"
    if "@" in image:
        if _HEX.fullmatch(digest):
            return f"the digest has {len(digest.removeprefix('sha256:'))} of 64 digits"
        return "the digest is none, which is sha256: and 64 of the digits 0-9 and a-f"
    return "it has no tag" if parsed.tag is None else "the tag has letters that none may have"
