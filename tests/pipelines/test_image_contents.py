"""Manifests and configs: what a runtime could take for something else is refused, and names the image."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipelines.errors import ImageUnreadable
from pipelines.image_contents import Entry, PlatformImage, Pointer, read_config, read_manifest
from tests.images import INDEX, config, layers, manifest, sha256

PACKED = (sha256("packed 0"), sha256("packed 1"))
CONFIG = json.dumps(config("os", "app")).encode()
DOCKER = "application/vnd.docker.distribution.manifest."


def _read(document: Any) -> Any:
    return read_manifest(json.dumps(document).encode(), "registry.example.com/a:1")


def _index(*platforms: dict[str, str] | None, media_type: str = INDEX) -> dict[str, Any]:
    entries = [
        {"digest": sha256(str(n)), **({} if platform is None else {"platform": platform})}
        for n, platform in enumerate(platforms)
    ]
    return {"schemaVersion": 2, "mediaType": media_type, "manifests": entries}


@pytest.mark.parametrize("media_type", ["", "application/vnd.oci.image.manifest.v1+json", f"{DOCKER}v2+json"])
def test_a_manifest_says_where_its_config_is(media_type: str) -> None:
    assert _read(manifest(CONFIG, 2, media_type)) == Pointer(sha256(CONFIG), PACKED, {})


@pytest.mark.parametrize("media_type", ["", INDEX, f"{DOCKER}list.v2+json"])
def test_an_index_says_what_there_is_for_which_platform(media_type: str) -> None:
    arm = {"os": "linux", "architecture": "arm64", "variant": "v8"}
    old_arm = {"os": "linux", "architecture": "arm", "variant": "v7"}
    found = _read(_index({"os": "linux", "architecture": "amd64"}, arm, old_arm, None, media_type=media_type))
    assert [one.platform for one in found] == ["linux/amd64", "linux/arm64", "linux/arm/v7", ""]


def test_attestations_are_no_platform() -> None:
    assert _read(_index({"os": "unknown", "architecture": "unknown"})) == ()


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], "no JSON object"),
        ({"schemaVersion": 1, "fsLayers": []}, "schema 1, and only 2"),
        ({"layers": [], "config": {}}, "schema None"),
        ({"schemaVersion": 2}, "neither an image nor an index"),
        ({**_index(), **manifest(CONFIG, 1)}, "or both at once"),
        ({**_index(), "config": {}}, "or both at once"),
        ({"schemaVersion": 2, "layers": []}, "neither"),
        ({**manifest(CONFIG, 1), "mediaType": INDEX}, "calls itself"),
        ({**_index(), "mediaType": f"{DOCKER}v2+json"}, "calls itself"),
        ({"schemaVersion": 2, "manifests": "x"}, "no list of at most 64"),
        (_index(*[None] * 65), "no list of at most 64"),
        ({"schemaVersion": 2, "manifests": ["x"]}, "other than manifests by sha256"),
        ({"schemaVersion": 2, "manifests": [{"digest": "sha512:x"}]}, "other than manifests by sha256"),
        ({"schemaVersion": 2, "manifests": [{"digest": sha256("x"), "mediaType": INDEX}]}, "other than manifests"),
        ({**manifest(CONFIG, 1), "config": None}, "no config"),
        ({**manifest(CONFIG, 1), "config": {"digest": "md5:x"}}, "no config"),
        ({**manifest(CONFIG, 1), "layers": {}}, "no list of at most 512"),
        (manifest(CONFIG, 513), "no list of at most 512"),
        ({**manifest(CONFIG, 1), "layers": [{"digest": "md5:x"}]}, "a layer without a sha256"),
    ],
)
def test_what_is_no_image_is_refused(document: Any, reason: str) -> None:
    with pytest.raises(ImageUnreadable, match=reason) as caught:
        _read(document)
    assert "registry.example.com/a:1" in caught.value.reason


@pytest.mark.parametrize("content", [b"", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_refused(content: bytes) -> None:
    with pytest.raises(ImageUnreadable, match="no JSON object"):
        read_manifest(content, "a")


def test_a_config_lists_its_layers() -> None:
    assert read_config(CONFIG, Pointer("", PACKED, {}), None, "a") == PlatformImage(
        "linux/amd64", tuple(layers("os", "app")), {}, PACKED
    )


def test_an_index_has_the_say_on_the_platform() -> None:
    assert read_config(CONFIG, Pointer("", PACKED, {}), Entry("", "linux/arm64"), "a").platform == "linux/arm64"
    assert read_config(CONFIG, Pointer("", PACKED, {}), Entry("", ""), "a").platform == "linux/amd64"


def test_what_it_says_of_its_base_is_kept_when_it_can_be_shown() -> None:
    label = "org.opencontainers.image.base."
    content = json.dumps(config("os", labels={f"{label}name": "python:3.13", f"{label}digest": "a\x1b[2J"})).encode()
    pointer = _read({**manifest(content, 1), "annotations": {f"{label}name": "registry.example.com/python:3.13"}})
    assert read_config(content, pointer, None, "a").says == {"name": "registry.example.com/python:3.13"}


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({}, "lists no layers"),
        ({"rootfs": {"diff_ids": ["md5:x"]}}, "lists no layers"),
        ({"rootfs": {"diff_ids": layers("os")}}, "1 layers and its manifest 2"),
    ],
)
def test_a_config_that_does_not_fit_its_manifest_is_refused(document: Any, reason: str) -> None:
    with pytest.raises(ImageUnreadable, match=reason):
        read_config(json.dumps(document).encode(), Pointer("", PACKED, {}), None, "a")


def test_a_config_may_lack_what_nobody_needs() -> None:
    content = json.dumps({"rootfs": {"diff_ids": layers("os")}}).encode()
    assert read_config(content, Pointer("", PACKED[:1], {}), None, "a").platform == ""
