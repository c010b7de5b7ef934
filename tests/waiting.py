"""Waiting for what comes about by itself, and how long a loaded machine may take over it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_SECONDS = 60.0

Found = TypeVar("Found")


def eventually(condition: Callable[[], Found], seconds: float = PATIENCE_SECONDS) -> Found:
    """What `condition` answers once that is true; fails when it isn't after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"did not come about within {seconds:.0f} s; the last answer was {found!r}")
        time.sleep(0.05)
    return found
