"""Image references, taken apart as container runtimes do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from pipelines.errors import GatewayError


class Digests(Protocol):
    """What knows which digest a tag means now: `pipelines.ports.Registry`."""

    def digest(self, image: str, *, timeout_seconds: float) -> str:
        """`sha256:…` of `image`."""


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


def resolved(
    images: Iterable[str],
    prefixes: tuple[str, ...],
    registry: Digests | None,
    timeout_seconds: float,
    where: Callable[[str], str] = lambda _image: "image",
) -> dict[str, str]:
    """Each of `images` with the digest that its tag means now, where that is asked; without a registry, as written.

    A registry that is not allowed is not asked: the finding says so, and no request goes where a team points. Errors
    have the place that `where` gives for an image.
    """
    found = {}
    for image in dict.fromkeys(images):
        parsed = parse_image(image)
        fixed = parsed.digest or not parsed.tag or parsed.tag.lower() == "latest"
        if fixed or registry is None or not has_prefix(image, prefixes):
            found[image] = image
        else:
            try:
                found[image] = f"{image}@{registry.digest(image, timeout_seconds=timeout_seconds)}"
            except GatewayError as error:
                error.where = where(image)
                raise
    return found
