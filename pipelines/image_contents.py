"""What an image is made of, by its manifest and config: OCI's and Docker's documents, read and not believed further."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from pipelines.errors import ImageUnreadable

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
MOST_PLATFORMS = 64
_MOST_LAYERS = 512
_BASE = "org.opencontainers.image.base."
_SHOWN = re.compile(r"[\x21-\x7e]{1,200}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One manifest of an index. `platform` is `os/architecture`, or with `/variant`; empty where none is written."""

    digest: str
    platform: str


@dataclass(frozen=True, slots=True)
class Pointer:
    """A manifest of one platform, as far as it goes: where its config and its packed layers are, what it says."""

    config: str
    packed: tuple[str, ...]
    says: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PlatformImage:
    """An image for one platform.

    `layers` are the sha256 of its unpacked layers, lowest first (`diff_ids`; a container runtime compares them when it
    unpacks), `packed` the digests of what the registry keeps of them. `says` are its own words on its base: `name` and
    `digest`, where there are any.
    """

    platform: str
    layers: tuple[str, ...]
    says: Mapping[str, str]
    packed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageContents:
    """All that a digest stands for: one platform, or those of an index without its attestations."""

    digest: str
    platforms: tuple[PlatformImage, ...]


def read_manifest(content: bytes, image: str) -> Pointer | tuple[Entry, ...]:
    """A manifest, or the entries of an index. Raises `ImageUnreadable` for what a runtime could take for another."""
    document = _json(content, image)
    if document.get("schemaVersion") != 2:
        _refuse(image, f"its manifest has schema {str(document.get('schemaVersion'))[:20]}, and only 2 can be trusted")
    kind, is_index, is_image = str(document.get("mediaType", "")), "manifests" in document, "layers" in document
    if is_index == is_image or ("config" in document) != is_image:
        _refuse(image, "its manifest is neither an image nor an index, or both at once")
    if kind and any(word in kind for word in ("index", "list")) != is_index:
        _refuse(image, f"its manifest calls itself {kind[:80]}, and is not that")
    return _entries(document["manifests"], image) if is_index else _pointer(document, image)


def read_config(content: bytes, pointer: Pointer, entry: Entry | None, image: str) -> PlatformImage:
    """The image that `content`, its config, describes. `entry` is what an index says of it, which has the say there."""
    document = _json(content, image)
    layers = _get(document, "rootfs", "diff_ids")
    if not isinstance(layers, list) or not all(_is_digest(layer) for layer in layers):
        _refuse(image, "its config lists no layers: this is no container image")
    if len(layers) != len(pointer.packed):
        _refuse(image, f"its config has {len(layers)} layers and its manifest {len(pointer.packed)}")
    labels = _base_of(_get(document, "config", "Labels"))
    platform = (entry.platform if entry is not None else "") or _platform(document)
    return PlatformImage(platform, tuple(layers), {**labels, **pointer.says}, pointer.packed)


def _entries(written: Any, image: str) -> tuple[Entry, ...]:
    if not isinstance(written, list) or len(written) > MOST_PLATFORMS:
        _refuse(image, f"its index has no list of at most {MOST_PLATFORMS} manifests")
    found = []
    for one in written:
        digest, kind = _get(one, "digest"), str(_get(one, "mediaType"))
        if not _is_digest(digest) or "index" in kind or "list" in kind:
            _refuse(image, "its index names something other than manifests by sha256")
        platform = _platform(_get(one, "platform"))
        # No node is of this platform: it is where attestations are kept.
        if platform != "unknown/unknown":
            found.append(Entry(digest, platform))
    return tuple(found)


def _pointer(document: Mapping[str, Any], image: str) -> Pointer:
    config, layers = _get(document, "config", "digest"), document["layers"]
    if not _is_digest(config) or not isinstance(layers, list) or len(layers) > _MOST_LAYERS:
        _refuse(image, f"its manifest has no config, or no list of at most {_MOST_LAYERS} layers")
    packed = tuple(_get(layer, "digest") for layer in layers)
    if not all(_is_digest(digest) for digest in packed):
        _refuse(image, "its manifest has a layer without a sha256")
    return Pointer(config, packed, _base_of(document.get("annotations")))


def _platform(written: Any) -> str:
    parts = [_get(written, "os"), _get(written, "architecture")]
    if not all(isinstance(part, str) and part for part in parts):
        return ""
    variant = _get(written, "variant")
    if isinstance(variant, str) and variant and (parts[1], variant) != ("arm64", "v8"):
        parts.append(variant)
    return "/".join(parts)[:60]


def _base_of(written: Any) -> dict[str, str]:
    if not isinstance(written, Mapping):
        return {}
    texts = {key: written.get(f"{_BASE}{key}") for key in ("name", "digest")}
    return {key: text for key, text in texts.items() if isinstance(text, str) and _SHOWN.fullmatch(text)}


def _json(content: bytes, image: str) -> Mapping[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, Mapping):
        _refuse(image, "what the registry has of it is no JSON object")
    return document


def _get(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and DIGEST.fullmatch(value) is not None


def _refuse(image: str, reason: str) -> NoReturn:
    raise ImageUnreadable(
        f"{image} can't be read: {reason}",
        "Build and push it again with a current docker buildx, buildah or kaniko",
        where="image",
    )
