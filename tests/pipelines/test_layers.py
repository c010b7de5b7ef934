"""Layers: a program alone, or an operating system that was packed with it; what can't be read is told."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.adapters import layers
from pipelines.adapters.image_store import ImageStore
from pipelines.adapters.layers import system_in
from pipelines.adapters.registry import Registries
from pipelines.errors import ImageUnreadable
from pipelines.image_contents import PlatformImage
from tests.images import put_blob


def tar(*paths: str, size: int = 1) -> bytes:
    """A plain archive of files with those paths."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in paths:
            entry = tarfile.TarInfo(path)
            entry.size = size
            archive.addfile(entry, io.BytesIO(b"x" * size))
    return buffer.getvalue()


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("app", ""),
        ("etc/ssl/certs/ca-certificates.crt", ""),
        ("./bin/sh", "bin/sh"),
        ("/usr/bin/busybox", "usr/bin/busybox"),
        ("etc/os-release", "etc/os-release"),
        ("var/lib/dpkg/status.d/base", "var/lib/dpkg/status.d/base"),
        ("lib/apk/db/installed", "lib/apk/db/installed"),
    ],
)
def test_a_system_is_known_by_its_files(pack: Callable[[bytes], bytes], path: str, found: str) -> None:
    assert system_in(pack(tar("first", path)), "x") == found


@pytest.mark.parametrize(
    "content",
    [b"", b"\x28\xb5\x2f\xfd zstd", b"\x1f\x8b broken", gzip.compress(tar("a" * 90, "b"))[:40]],
    ids=["empty", "zstd", "broken", "cut off"],
)
def test_what_is_no_archive_is_told(content: bytes) -> None:
    with pytest.raises(ImageUnreadable, match="the layer x is no tar archive"):
        system_in(content, "x")


def test_what_unpacks_to_a_whole_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "LARGEST_BYTES", 1 << 20)
    with pytest.raises(ImageUnreadable, match="unpacks to more than 1 MiB"):
        system_in(gzip.compress(tar("a", "b", size=1 << 20)), "x")


def test_a_layer_is_looked_into_once(registry: str, tmp_path: Path) -> None:
    good, bad = put_blob(registry, "layers/a", gzip.compress(tar("app"))), put_blob(registry, "layers/a", tar("bin/sh"))
    clean, system = PlatformImage("p", (), {}, (good,)), PlatformImage("p", (), {}, (good, bad))
    for registries in (Registries(plain_http_hosts=[registry]), Registries()):
        store = ImageStore(registries, tmp_path)
        assert store.system_in(f"{registry}/layers/a", clean, timeout_seconds=30) == ""
        assert store.system_in(f"{registry}/layers/a", system, timeout_seconds=30) == "bin/sh"
