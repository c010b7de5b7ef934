"""How long something takes, as the median of several runs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def median_milliseconds(action: Callable[[], object], runs: int) -> float:
    """The median time of `runs` calls of `action`, one after the other."""
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        action()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1000
