"""Chart archives: gzipped tars, taken apart within limits and put together the same way each time."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipelines.errors import InvalidChart

LARGEST_ARCHIVE_BYTES = 4 * 1024 * 1024
"""Of the .tgz; a cluster keeps no more than 1 MiB of what it renders to."""

LARGEST_CHART_BYTES = 20 * 1024 * 1024
MOST_FILES = 2_000
_DEEPEST = 3
_MOST_INFLATED_BYTES = LARGEST_CHART_BYTES + MOST_FILES * 1024
_SOLUTION = "Take the chart as `helm package` makes it, from who publishes it"


def packed(name: str, contents: Mapping[str, bytes]) -> bytes:
    """A chart archive whose bytes depend on `contents` alone: no times, owners or order of a file system."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(contents):
            entry = tarfile.TarInfo(f"{name}/{path}")
            entry.size, entry.mode = len(contents[path]), 0o644
            archive.addfile(entry, io.BytesIO(contents[path]))
    return gzip.compress(buffer.getvalue(), mtime=0)


@dataclass(slots=True)
class _Room:
    """How much may still be inflated: of a chart and all archives in it together, whatever is kept of them."""

    left: int = _MOST_INFLATED_BYTES * 2


def unpacked(archive: bytes, where: str) -> dict[str, bytes]:
    """The files of a chart (path in it → content), those of archives in its charts/ among them.

    Raises `InvalidChart` for what is too large, leads out of it, or is no plain file.
    """
    return _unpacked(archive, where, 0, _Room())


def with_subcharts(files: Mapping[str, bytes], where: str) -> dict[str, bytes]:
    """`files` with the archives in charts/ taken apart. Raises `InvalidChart`."""
    return _with_subcharts(files, where, 0, _Room())


def _unpacked(archive: bytes, where: str, depth: int, room: _Room) -> dict[str, bytes]:
    try:
        with tarfile.open(fileobj=io.BytesIO(_inflated(archive, where, room)), mode="r:") as tar:
            files = dict(_files(tar, where))
    except (tarfile.TarError, zlib.error, ValueError, OverflowError, UnicodeError) as error:
        raise InvalidChart(f"it is no gzipped tar: {error}", _SOLUTION, where=where) from error
    return _with_subcharts(files, where, depth, room)


def _with_subcharts(files: Mapping[str, bytes], where: str, depth: int, room: _Room) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for path, content in files.items():
        folder, _, name = path.rpartition("/")
        if name.endswith(".tgz") and (folder == "charts" or folder.endswith("/charts")):
            if depth == _DEEPEST:
                raise InvalidChart(f"its charts have charts, deeper than {_DEEPEST}", _SOLUTION, where=where)
            inner = _unpacked(content, f"{where}: {path}", depth + 1, room)
            found |= {f"{folder}/{name.removesuffix('.tgz')}/{one}": text for one, text in inner.items()}
        else:
            found[path] = content
    insist_on_size(found, where)
    return found


def insist_on_size(files: Mapping[str, bytes], where: str) -> None:
    """Raises `InvalidChart` for more, or larger, files than a chart may have."""
    total = sum(map(len, files.values()))
    if len(files) > MOST_FILES or total > LARGEST_CHART_BYTES:
        raise InvalidChart(
            f"it has {len(files)} files with {total >> 10} KiB, and {MOST_FILES} with {LARGEST_CHART_BYTES >> 10} KiB "
            "are the most",
            _SOLUTION,
            where=where,
        )


def _inflated(archive: bytes, where: str, room: _Room) -> bytes:
    """One gzip member, and no more of it than there is room for: a bomb is not blown up to see how large it is."""
    most = min(_MOST_INFLATED_BYTES, room.left)
    inflate = zlib.decompressobj(wbits=31)
    content = inflate.decompress(archive, most + 1)
    if len(content) > most:
        raise InvalidChart(f"unpacked it is larger than {LARGEST_CHART_BYTES >> 20} MiB", _SOLUTION, where=where)
    if not inflate.eof or inflate.unused_data:
        raise zlib.error("it is cut short, or something follows it")
    room.left -= len(content)
    return content


def _files(tar: tarfile.TarFile, where: str) -> Iterator[tuple[str, bytes]]:
    top, seen = "", set[str]()
    for entry in tar:
        if entry.isdir():
            continue
        parts = entry.name.removeprefix("./").split("/")
        if not entry.isreg() or entry.issparse():
            raise InvalidChart(f"{entry.name[:80]} is a link or something else than a file", _SOLUTION, where=where)
        if len(parts) < 2 or any(part in ("", ".", "..") or "\\" in part or ":" in part for part in parts):
            raise InvalidChart(f"{entry.name[:80]!r} leads out of the chart", _SOLUTION, where=where)
        path = "/".join(parts[1:])
        if path in seen or (top and parts[0] != top):
            raise InvalidChart(f"{entry.name[:80]} stands there twice, or beside the chart", _SOLUTION, where=where)
        top, content = parts[0], tar.extractfile(entry)
        seen.add(path)
        yield path, content.read() if content else b""
