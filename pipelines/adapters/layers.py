"""What is in a packed layer: whether it brings parts of an operating system, which an image of one program has not."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib

from pipelines.errors import ImageUnreadable

LARGEST_BYTES = 256 * 1024 * 1024
_PROGRAMS = ("sh", "ash", "bash", "busybox")
_FILES = frozenset(
    (
        "etc/os-release",
        "usr/lib/os-release",
        *(f"{folder}/{name}" for folder in ("bin", "usr/bin") for name in _PROGRAMS),
    )
)
_FOLDERS = ("lib/apk/", "var/lib/dpkg/", "var/lib/rpm/", "usr/lib/sysimage/")


def system_in(content: bytes, layer: str) -> str:
    """The first path in `content`, a tar archive as gzip or plain, that is a system's; empty where there is none.

    Raises `ImageUnreadable` for what is neither, and for more than 256 MiB unpacked: `layer` names it there.
    """
    packed = io.BytesIO(content)
    unpacked = gzip.GzipFile(fileobj=packed) if content[:2] == b"\x1f\x8b" else packed
    try:
        # Typeshed wants what is only read to be writable too.
        with tarfile.open(fileobj=_Bounded(unpacked, layer), mode="r|") as archive:  # type: ignore[call-overload]
            paths = (entry.name.removeprefix("./").lstrip("/") for entry in archive)
            return next((path for path in paths if path in _FILES or path.startswith(_FOLDERS)), "")
    except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError) as error:
        raise _unreadable(layer, "is no tar archive, as gzip or plain (zstd is not read)") from error


class _Bounded:
    """Gives what `stream` has, up to a limit: a small archive can unpack to a whole disk."""

    def __init__(self, stream: io.BytesIO | gzip.GzipFile, layer: str) -> None:
        self._stream, self._layer, self._left = stream, layer, LARGEST_BYTES

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes. Raises `ImageUnreadable` past the limit."""
        content = self._stream.read(size)
        self._left -= len(content)
        if self._left < 0:
            raise _unreadable(self._layer, f"unpacks to more than {LARGEST_BYTES >> 20} MiB")
        return content


def _unreadable(layer: str, does: str) -> ImageUnreadable:
    return ImageUnreadable(
        f"the layer {layer} {does}", "Build it smaller, as gzip, or on one of the approved bases", where="image"
    )
