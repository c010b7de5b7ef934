"""Which base an image is built on: the approved one whose layers are the image's first layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from pipelines.image_contents import ImageContents, PlatformImage
from pipelines.versions import VersionRange

MOST_VERSIONS = 200
"""How many tags of one base are looked at, the highest ones."""


@dataclass(frozen=True, slots=True)
class ApprovedBase:
    """A base that images may be built on, as the platform lists it.

    `repository` is `host/path`. Builds of it are what `digests` say and what tags in `versions` mean. Nothing is
    built on it from `end_of_life` on. `recommended` is the tag or digest to build on.
    """

    name: str
    repository: str
    versions: VersionRange | None = None
    digests: tuple[str, ...] = ()
    end_of_life: date | None = None
    recommended: str | None = None


@dataclass(frozen=True, slots=True)
class BaseImages:
    """What the platform says on bases.

    Images below `exempt` (prefixes that end in `/`) have a base of their own. `platforms` (`linux/amd64`) are what
    nodes are, and each image has to have. With `scratch`, an image may also stand on nothing: when none of its layers
    brings parts of an operating system.
    """

    approved: tuple[ApprovedBase, ...]
    exempt: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    scratch: bool = False


@dataclass(frozen=True, slots=True)
class Build:
    """One image of an approved base. `tag` is empty for one by digest; `is_current` where a tag means it now."""

    base: ApprovedBase
    tag: str
    is_current: bool
    contents: ImageContents

    @property
    def reference(self) -> str:
        """What stands after FROM: the digest, and the tag where there is one."""
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.base.repository}{tag}@{self.contents.digest}"

    @property
    def _rank(self) -> tuple[bool, tuple[int, ...], str]:
        version = self.base.versions.version(self.tag) if self.base.versions else None
        return self.is_current, version or (), self.tag

    def is_newer_than(self, other: Build) -> bool:
        """Whether a tag means this now, and it is above `other`, which is current."""
        return self.is_current and self._rank > other._rank

    def layers(self, platform: str) -> tuple[str, ...]:
        """Its layers for `platform`; none where it does not have that."""
        return next((one.layers for one in self.contents.platforms if one.platform == platform), ())


@dataclass(frozen=True, slots=True)
class Builds:
    """All builds of all approved bases, found by their layers."""

    all: Sequence[Build]
    _by_layers: Mapping[tuple[str, tuple[str, ...]], Build] = field(init=False)

    def __post_init__(self) -> None:
        found: dict[tuple[str, tuple[str, ...]], Build] = {}
        for build in self.all:
            for one in build.contents.platforms:
                key = (one.platform, one.layers)
                # An image without layers would be the beginning of every other one.
                if one.layers and (key not in found or build._rank > found[key]._rank):
                    found[key] = build
        object.__setattr__(self, "_by_layers", found)

    def below(self, image: PlatformImage) -> Build | None:
        """What `image` is built on: of several, the one with most layers in common, and of those the newest."""
        lengths = range(len(image.layers), 0, -1)
        found = (self._by_layers.get((image.platform, image.layers[:length])) for length in lengths)
        return next((build for build in found if build is not None), None)

    def recommended(self, base: ApprovedBase) -> Build | None:
        """The build of `base` to build on: the platform's, or its highest version."""
        builds = [build for build in self.all if build.base == base and build.is_current]
        if base.recommended is not None:
            builds = [one for one in builds if base.recommended in (one.tag, one.contents.digest)]
        elif base.versions is None:
            builds = builds[-1:]
        return max(builds, key=lambda build: build._rank, default=None)

    def newer(self, build: Build, image: PlatformImage) -> Build | None:
        """What to rebuild `image` on, which stands on `build`; None where that is good."""
        wanted = self.recommended(build.base)
        if wanted is None or build.is_newer_than(wanted):
            return None
        layers = wanted.layers(image.platform)
        return None if layers and image.layers[: len(layers)] == layers else wanted

    def to_build_on(self, today: date) -> tuple[Build, ...]:
        """The recommended build of each base that has not reached its end of life."""
        bases = dict.fromkeys(build.base for build in self.all)
        found = (self.recommended(base) for base in bases if base.end_of_life is None or base.end_of_life > today)
        return tuple(build for build in found if build is not None)
