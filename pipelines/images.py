"""Image references, taken apart as container runtimes do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Image:
    """`registry/repository:tag@digest`; tag and digest are None where they are not written."""

    registry: str
    repository: str
    tag: str | None
    digest: str | None


def parse_image(text: str) -> Image:
    """The parts of `text`. The first part is a registry only with a dot, a port, or as localhost; else Docker Hub."""
    name, _, digest = text.partition("@")
    head, slash, rest = name.partition("/")
    if slash and ("." in head or ":" in head or head == "localhost"):
        registry, path = head, rest
    else:
        registry, path = "docker.io", name
    repository, colon, tag = path.rpartition(":")
    if not colon:
        repository, tag = path, ""
    return Image(registry, repository, tag or None, digest or None)


def has_prefix(text: str, prefixes: tuple[str, ...]) -> bool:
    """Whether `text` begins with one of `prefixes`, which end in `/`."""
    return text.startswith(prefixes)
