"""Writing where the gateway works: a full disk is told apart from all else that keeps it from writing."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.errors import DiskFull, NotWritable

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def written(what: str) -> Iterator[None]:
    """Raises `DiskFull` (worth another try) or `NotWritable` for an OSError inside; `what` is `the chart`."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise full(what) from error
        raise NotWritable(
            f"{what} can't be written: {error.strerror or error}",
            "The platform corrects `work_dir` in gateway.yaml, or who may write there",
        ) from error


def full(what: str) -> DiskFull:
    """The error for a disk without room for `what`."""
    return DiskFull(f"{what} can't be written: no space left", "The platform makes room where `work_dir` is")
