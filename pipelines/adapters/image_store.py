"""What images are made of, read from registries once and kept on disk: a digest never means anything else."""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from pipelines.adapters.layers import system_in
from pipelines.adapters.registry import Registries
from pipelines.base_images import MOST_VERSIONS, ApprovedBase, Build
from pipelines.errors import ImageUnreadable
from pipelines.image_contents import Entry, ImageContents, PlatformImage, read_config, read_manifest
from pipelines.versions import VersionRange

FRESH_SECONDS = 600.0
"""How long the list of a base's tags, and what they mean, is taken as it was read."""
_MOST_EARLIER = 20
_MOST_FILES = 4000
_SIDE_BY_SIDE = 8


class ImageStore:
    """Implements `pipelines.ports.ImageReader`. Several processes may share `folder`."""

    def __init__(self, registries: Registries, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        """`folder` is made when it is needed; what is in it may be removed at any time."""
        self._registries, self._folder, self._clock = registries, folder, clock

    def contents(self, repository: str, digest: str, *, timeout_seconds: float) -> ImageContents:
        """See `pipelines.ports.ImageReader.contents`."""
        kept = _contents_of(self._kept(f"image {digest}"))
        if kept is None:
            kept = self._read(repository, digest, timeout_seconds)
            self._keep(f"image {digest}", _as_json(kept))
        return kept

    def builds(self, base: ApprovedBase, *, timeout_seconds: float) -> tuple[Build, ...]:
        """See `pipelines.ports.ImageReader.builds`."""
        name = f"base {base.repository} {base.versions} {base.digests}"
        kept = self._kept(name)
        known = _builds_of(kept, base)
        age = self._clock() - kept.get("read_at", 0.0)
        if known and 0 <= age < FRESH_SECONDS:
            return known
        found = self._read_builds(base, known, timeout_seconds)
        listed = [{"tag": one.tag, "is_current": one.is_current, **_as_json(one.contents)} for one in found]
        self._keep(name, {"read_at": self._clock(), "builds": listed})
        return found

    def system_in(self, repository: str, image: PlatformImage, *, timeout_seconds: float) -> str:
        """See `pipelines.ports.ImageReader.system_in`."""
        for digest in image.packed:
            kept = self._kept(f"system {digest}").get("found")
            if not isinstance(kept, str):
                content = self._registries.layer(repository, digest, timeout_seconds=timeout_seconds)
                kept = system_in(content, f"{repository}@{digest}")
                self._keep(f"system {digest}", {"found": kept})
            if kept:
                return kept
        return ""

    def _read(self, repository: str, digest: str, timeout_seconds: float) -> ImageContents:
        image = f"{repository}@{digest}"
        manifest = partial(self._registries.manifest, repository, timeout_seconds=timeout_seconds)
        found = read_manifest(manifest(digest), image)
        entries: tuple[Entry | None, ...] = found if isinstance(found, tuple) else (None,)

        def of_platform(entry: Entry | None) -> PlatformImage:
            pointer = read_manifest(manifest(entry.digest), image) if entry is not None else found
            if isinstance(pointer, tuple):
                raise ImageUnreadable(
                    f"{image} can't be read: its index lists another index", "Push one index of all its platforms"
                )
            config = self._registries.blob(repository, pointer.config, timeout_seconds=timeout_seconds)
            return read_config(config, pointer, entry, image)

        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            return ImageContents(digest, tuple(pool.map(of_platform, entries)))

    def _read_builds(self, base: ApprovedBase, known: Iterable[Build], timeout_seconds: float) -> tuple[Build, ...]:
        """What is listed, what tags mean now, and what they meant when they were looked at before."""
        ask = partial(self._registries.digest, timeout_seconds=timeout_seconds)
        tags: tuple[str, ...] = ()
        if base.versions is not None:
            tags = _highest(self._registries.tags(base.repository, timeout_seconds=timeout_seconds), base.versions)
        read = partial(self.contents, base.repository, timeout_seconds=timeout_seconds)
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            listed = pool.map(read, base.digests)
            digests = list(pool.map(ask, (f"{base.repository}:{tag}" for tag in tags)))
            tagged = pool.map(read, digests)
            current = [Build(base, "", True, one) for one in listed]
            current += [Build(base, tag, True, one) for tag, one in zip(tags, tagged, strict=True)]
        earlier: dict[tuple[str, str], Build] = {}
        for one in known:
            if one.tag in tags and one.contents.digest not in digests:
                earlier[one.tag, one.contents.digest] = Build(base, one.tag, False, one.contents)
        return (*current, *list(earlier.values())[: _MOST_EARLIER * len(tags)])

    def _kept(self, name: str) -> Mapping[str, Any]:
        try:
            document = json.loads(self._path(name).read_bytes())
        except (OSError, ValueError):
            return {}
        return document if isinstance(document, Mapping) else {}

    def _keep(self, name: str, document: Mapping[str, Any]) -> None:
        """Without room nothing is kept, and all is read again."""
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self._folder, delete=False, suffix=".new") as file:
                json.dump(document, file)
            Path(file.name).replace(self._path(name))
            self._bound()

    def _bound(self) -> None:
        files = list(self._folder.iterdir())
        if len(files) > _MOST_FILES:
            for path in sorted(files, key=lambda path: path.stat().st_mtime)[: _MOST_FILES // 4]:
                path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / f"{hashlib.sha256(name.encode()).hexdigest()}.json"


def _highest(tags: Iterable[str], versions: VersionRange) -> tuple[str, ...]:
    found = [(version, tag) for tag in tags if (version := versions.version(tag)) is not None]
    return tuple(tag for _, tag in sorted(found, reverse=True)[:MOST_VERSIONS])


def _as_json(contents: ImageContents) -> Mapping[str, Any]:
    return asdict(contents)


def _contents_of(document: Mapping[str, Any]) -> ImageContents | None:
    """The inverse of `_as_json`; None for what was written by another version of this."""
    try:
        platforms = (
            PlatformImage(str(one["platform"]), tuple(one["layers"]), dict(one["says"]), tuple(one["packed"]))
            for one in document["platforms"]
        )
        return ImageContents(document["digest"], tuple(platforms))
    except (KeyError, TypeError, ValueError):
        return None


def _builds_of(document: Mapping[str, Any], base: ApprovedBase) -> tuple[Build, ...]:
    found = [(one, _contents_of(one)) for one in document.get("builds", [])]
    return tuple(Build(base, one["tag"], one["is_current"], contents) for one, contents in found if contents)
