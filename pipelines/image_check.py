"""The check of bases: each image of each pod is looked up in its registry, and stands on an approved base."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial

from pipelines.base_images import ApprovedBase, BaseImages, Build, Builds
from pipelines.catalogue.entry import Entry
from pipelines.catalogue.images import BASE_APPROVED, BASE_CURRENT, BASE_END_OF_LIFE, BASES, PLATFORMS
from pipelines.days import today
from pipelines.findings import Finding
from pipelines.image_contents import ImageContents, PlatformImage
from pipelines.images import Digests, has_prefix, parse_image
from pipelines.pinning import REFUSED, pinned
from pipelines.ports import CheckSubject, ImageReader
from pipelines.snippets import of_image
from pipelines.used_images import Use, used_images

_SIDE_BY_SIDE = 8
_TOLD_BEFORE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class _Said:
    """What is to be said of one image, wherever it is used."""

    entry: Entry
    what: str
    how: str = ""
    end_of_life: str = ""

    def at(self, use: Use) -> Finding:
        finding = self.entry.finding(use.resource, use.field, self.what, of_image(self.how, use.field))
        return replace(finding, end_of_life=self.end_of_life)


@dataclass(frozen=True, slots=True)
class _Unseen:
    """Why nobody can say what is in an image, and what to write instead where that is known."""

    why: str
    how: str = ""


class BaseImageCheck:
    """Implements `pipelines.ports.Check`. Keeps nothing between two checks: the reader does."""

    name = BASES

    def __init__(
        self,
        wanted: BaseImages,
        registries: tuple[str, ...],
        reader: ImageReader,
        digests: Digests,
        *,
        timeout_seconds: float = 10.0,
        today: Callable[[], date] = today,
    ) -> None:
        """Images are read from `registries` (prefixes) alone; `timeout_seconds` are for each request."""
        self._wanted, self._registries, self._reader, self._digests = wanted, registries, reader, digests
        self._timeout_seconds, self._today = timeout_seconds, today

    def findings(self, subject: CheckSubject) -> tuple[Finding, ...]:
        """See `pipelines.ports.Check.findings`. Raises `RegistryUnavailable`."""
        uses = [use for use in used_images(subject.objects) if not has_prefix(use.image, self._wanted.exempt)]
        images = list(dict.fromkeys(use.image for use in uses))
        if not images:
            return ()
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            approved = pool.map(self._builds, self._wanted.approved)
            contents = dict(zip(images, pool.map(self._contents, images), strict=True))
            known = list(approved)
        builds = Builds([build for found, _ in known for build in found])
        problems = [problem for _, problem in known if problem]
        judge = partial(self._judged, builds=builds, problems=problems)
        said = {image: tuple(judge(image, found)) for image, found in contents.items()}
        return tuple(one.at(use) for use in uses for one in said[use.image])

    def _builds(self, base: ApprovedBase) -> tuple[tuple[Build, ...], str]:
        """The builds of `base`, and why there are none."""
        try:
            return self._reader.builds(base, timeout_seconds=self._timeout_seconds), ""
        except REFUSED as error:
            return (), f"The base {base.name} could not be looked at: {error.reason}"

    def _contents(self, image: str) -> ImageContents | _Unseen:
        """What is in `image`, or why nobody can say."""
        parsed = parse_image(image)
        if not has_prefix(image, self._registries):
            return _Unseen("is from no registry that may be asked, so that nobody knows its base")
        if parsed.digest is None:
            return self._without_digest(image)
        repository = f"{parsed.registry}/{parsed.repository}"
        try:
            return self._reader.contents(repository, parsed.digest, timeout_seconds=self._timeout_seconds)
        except REFUSED as error:
            return _Unseen(f"could not be looked at: {error.reason}")

    def _without_digest(self, image: str) -> _Unseen:
        why = "has no digest, so that another image could run than the one that was looked at"
        found = pinned(image, self._digests, timeout_seconds=self._timeout_seconds)
        return _Unseen(". ".join([why, *[found.problem] * bool(found.problem)]), found.how)

    def _judged(
        self, image: str, found: ImageContents | _Unseen, builds: Builds, problems: list[str]
    ) -> Iterator[_Said]:
        if isinstance(found, _Unseen):
            yield _Said(BASE_APPROVED, f"{image} {found.why}", found.how or self._any(builds))
            return
        yield from self._missing(image, found)
        below = [(one, builds.below(one)) for one in found.platforms]
        without = [one for one, build in below if build is None]
        why = self._not_scratch(image, without) if self._wanted.scratch else ""
        may = self._wanted.scratch and not why
        if not below or (without and not may):
            reasons = [why] * bool(why) + problems
            yield _Said(BASE_APPROVED, _on_none(image, without, reasons), self._any(builds))
        yield from self._dated(image, [(one, build) for one, build in below if build is not None], builds)

    def _not_scratch(self, image: str, without: list[PlatformImage]) -> str:
        """Why those that stand on no base don't stand on nothing either; empty when they all do."""
        parsed = parse_image(image)
        for one in without:
            repository = f"{parsed.registry}/{parsed.repository}"
            try:
                system = self._reader.system_in(repository, one, timeout_seconds=self._timeout_seconds)
            except REFUSED as error:
                return f"It could not be seen whether it is built FROM scratch: {error.reason}"
            if system:
                return f"It is not built FROM scratch either: it brings /{system}"
        return ""

    def _missing(self, image: str, found: ImageContents) -> Iterator[_Said]:
        there = {one.platform for one in found.platforms}
        missing = [platform for platform in self._wanted.platforms if platform not in there]
        if missing:
            has = ", ".join(sorted(there)) or "nothing"
            how = f"docker buildx build --platform {','.join(self._wanted.platforms)} …"
            yield _Said(PLATFORMS, f"{image} is not there for {', '.join(missing)}, only for {has}", how)

    def _dated(self, image: str, below: list[tuple[PlatformImage, Build]], builds: Builds) -> Iterator[_Said]:
        """What the calendar has to say, once for each base."""
        today = self._today()
        for base in dict.fromkeys(build.base for _, build in below):
            end = base.end_of_life
            of_base = [(one, build) for one, build in below if build.base == base]
            behind = [build for one, build in of_base if builds.newer(build, one) is not None]
            stands_on = f"{image} is built on {(behind or [of_base[0][1]])[0].reference}"
            newest = builds.recommended(base)
            if end is not None and end <= today:
                what = f"{stands_on}: {base.name} has reached its end of life on {end.isoformat()}"
                yield _Said(BASE_END_OF_LIFE, what, self._any(builds))
            elif end is not None and end - _TOLD_BEFORE <= today:
                what = f"{stands_on}: {base.name} reaches its end of life on {end.isoformat()}"
                yield _Said(BASE_CURRENT, what, self._any(builds, other_than=base), end.isoformat())
            elif behind and newest is not None:
                yield _Said(BASE_CURRENT, f"{stands_on}, which is not the current one", f"FROM {newest.reference}")

    def _any(self, builds: Builds, other_than: ApprovedBase | None = None) -> str:
        """The lines that one may begin with, of the bases that are good today."""
        found = [build for build in builds.to_build_on(self._today()) if build.base != other_than]
        lines = [f"FROM {build.reference}   # {_described(build.base)}" for build in found]
        return "\n".join(lines) or "Ask the platform for a base: none that `base_images` lists can be built on today"


def _described(base: ApprovedBase) -> str:
    return f"{base.name}, until {base.end_of_life.isoformat()}" if base.end_of_life else base.name


def _on_none(image: str, without: list[PlatformImage], problems: list[str]) -> str:
    platforms = ", ".join(one.platform or "no platform" for one in without) or "it has no platform"
    claims = {f"{one.says.get('name', '')} {one.says.get('digest', '')}".strip() for one in without} - {""}
    said = f". It calls its base {', '.join(sorted(claims))}, which its layers do not show" if claims else ""
    return ". ".join([f"{image} is built on none of the approved bases ({platforms}){said}", *problems])
