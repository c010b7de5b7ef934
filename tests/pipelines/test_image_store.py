"""What images are made of, from a real registry: read once, kept on disk, and followed when a tag moves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.adapters import image_store
from pipelines.adapters.image_store import FRESH_SECONDS, ImageStore
from pipelines.adapters.registry import Registries
from pipelines.base_images import ApprovedBase
from pipelines.errors import ImageNotFound, ImageUnreadable, RegistryUnavailable
from pipelines.image_contents import PlatformImage
from pipelines.versions import parse_range
from tests.images import INDEX, layers, push, push_index, put_manifest, sha256

PACKED = (sha256("packed 0"), sha256("packed 1"))


class Clock:
    """A clock that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(registry: str, tmp_path: Path, clock: Clock) -> ImageStore:
    return ImageStore(Registries(plain_http_hosts=[registry]), tmp_path / "images", clock=clock)


@pytest.fixture
def cut_off(registry: str, tmp_path: Path, clock: Clock) -> ImageStore:
    """The same folder, and a registry that is away."""
    return ImageStore(Registries(plain_http_hosts=[]), tmp_path / "images", clock=clock)


def test_an_image_of_one_platform_is_read(store: ImageStore, registry: str) -> None:
    digest = push(registry, "store/one:1", "os", "app")
    found = store.contents(f"{registry}/store/one", digest, timeout_seconds=30)
    assert found.digest == digest
    assert found.platforms == (PlatformImage("linux/amd64", tuple(layers("os", "app")), {}, PACKED),)


def test_an_index_is_read_without_its_attestations(store: ImageStore, registry: str) -> None:
    amd = push(registry, "store/index:amd", "os", "app")
    arm = push(registry, "store/index:arm", "os-arm", "app", platform="linux/arm64")
    proof = push(registry, "store/index:proof", "in-toto")
    entries = [("linux/amd64", amd), ("linux/arm64", arm), ("unknown/unknown", proof)]
    digest = push_index(registry, "store/index:1", entries)
    found = store.contents(f"{registry}/store/index", digest, timeout_seconds=30)
    assert [(one.platform, list(one.layers)) for one in found.platforms] == [
        ("linux/amd64", layers("os", "app")),
        ("linux/arm64", layers("os-arm", "app")),
    ]


def test_an_index_below_an_index_is_refused(store: ImageStore, registry: str) -> None:
    inner = push_index(registry, "store/nested:inner", [])
    document = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [{"digest": inner, "size": 1}]}
    outer = put_manifest(registry, "store/nested:outer", document)
    with pytest.raises(ImageUnreadable, match="its index lists another index"):
        store.contents(f"{registry}/store/nested", outer, timeout_seconds=30)


def test_a_digest_is_read_once(store: ImageStore, cut_off: ImageStore, registry: str) -> None:
    digest = push(registry, "store/kept:1", "os")
    first = store.contents(f"{registry}/store/kept", digest, timeout_seconds=30)
    assert cut_off.contents(f"{registry}/store/kept", digest, timeout_seconds=30) == first
    with pytest.raises(RegistryUnavailable):
        cut_off.contents(f"{registry}/store/kept", sha256("another"), timeout_seconds=1)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"digest": "x", "platforms": [3]}'])
def test_what_is_kept_and_broken_is_read_again(store: ImageStore, registry: str, tmp_path: Path, text: str) -> None:
    digest = push(registry, "store/broken:1", "os")
    first = store.contents(f"{registry}/store/broken", digest, timeout_seconds=30)
    (file,) = (tmp_path / "images").iterdir()
    file.write_text(text)
    assert store.contents(f"{registry}/store/broken", digest, timeout_seconds=30) == first
    assert json.loads(file.read_text())["digest"] == digest


def test_without_a_disk_it_is_read_each_time(registry: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = ImageStore(Registries(plain_http_hosts=[registry]), tmp_path / "file" / "images")
    digest = push(registry, "store/no-disk:1", "os")
    assert store.contents(f"{registry}/store/no-disk", digest, timeout_seconds=30).digest == digest


def test_what_is_kept_is_bounded(
    store: ImageStore, registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_store, "_MOST_FILES", 4)
    for number in range(6):
        digest = push(registry, f"store/many:{number}", f"os{number}")
        store.contents(f"{registry}/store/many", digest, timeout_seconds=30)
    assert len(list((tmp_path / "images").iterdir())) <= 4


def test_builds_are_what_versions_mean_and_digests_say(store: ImageStore, registry: str) -> None:
    repository = f"{registry}/store/base"
    pushed = {tag: push(registry, f"store/base:{tag}", "os", tag) for tag in ("1.1", "1.2", "2.0", "latest")}
    base = ApprovedBase("base", repository, parse_range("1"), (pushed["2.0"],))
    found = store.builds(base, timeout_seconds=30)
    assert {(one.tag, one.contents.digest, one.is_current) for one in found} == {
        ("", pushed["2.0"], True),
        ("1.1", pushed["1.1"], True),
        ("1.2", pushed["1.2"], True),
    }


def test_tags_are_looked_at_again_after_a_while_and_what_they_meant_is_kept(
    store: ImageStore, registry: str, clock: Clock
) -> None:
    base = ApprovedBase("base", f"{registry}/store/moving", parse_range("1"))
    before = push(registry, "store/moving:1.0", "unpatched")
    assert [one.contents.digest for one in store.builds(base, timeout_seconds=30)] == [before]
    after = push(registry, "store/moving:1.0", "patched")
    assert [one.contents.digest for one in store.builds(base, timeout_seconds=30)] == [before]
    for _ in range(2):
        clock.now += FRESH_SECONDS
        found = store.builds(base, timeout_seconds=30)
        assert [(one.contents.digest, one.is_current) for one in found] == [(after, True), (before, False)]


def test_what_tags_meant_is_not_enough_when_the_registry_is_away(
    store: ImageStore, cut_off: ImageStore, registry: str, clock: Clock
) -> None:
    base = ApprovedBase("base", f"{registry}/store/away", parse_range("1"))
    push(registry, "store/away:1.0", "os")
    first = store.builds(base, timeout_seconds=30)
    assert cut_off.builds(base, timeout_seconds=1) == first
    clock.now += FRESH_SECONDS
    with pytest.raises(RegistryUnavailable):
        cut_off.builds(base, timeout_seconds=1)


def test_a_digest_that_is_not_there_is_told(store: ImageStore, registry: str) -> None:
    push(registry, "store/listed:1", "os")
    base = ApprovedBase("base", f"{registry}/store/listed", None, (sha256("nowhere"),))
    with pytest.raises(ImageNotFound):
        store.builds(base, timeout_seconds=30)
