"""A small line of how many checks failed, measurement after measurement, as SVG made here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.postures import MeasurementView

WIDTH, HEIGHT = 320, 72
_LEFT, _RIGHT, _TOP, _BOTTOM = 28, 8, 10, 10


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement in the drawing's units. `failed` is None where its report could not be used."""

    x: float
    y: float
    failed: int | None


@dataclass(frozen=True, slots=True)
class Trend:
    """`points` are in the order of time; `line` joins those that could be read; `most` is the top of the scale."""

    points: tuple[Point, ...]
    line: str
    most: int
    summary: str


def trend(measurements: Sequence[MeasurementView]) -> Trend | None:
    """The drawing of one class of nodes. None for fewer than two measurements: that is no trend."""
    if len(measurements) < 2:
        return None
    ordered = sorted(measurements, key=lambda one: one.measured_at)
    readable = [one.failed for one in ordered if not one.error]
    most = max([*readable, 1])
    step = (WIDTH - _LEFT - _RIGHT) / (len(ordered) - 1)
    height = HEIGHT - _TOP - _BOTTOM
    points = tuple(
        Point(
            round(_LEFT + at * step, 1),
            round(_TOP + height * (1 - (0 if one.error else one.failed / most)), 1),
            None if one.error else one.failed,
        )
        for at, one in enumerate(ordered)
    )
    line = " ".join(f"{point.x},{point.y}" for point in points if point.failed is not None)
    unreadable = len(ordered) - len(readable)
    change = f"from {readable[0]} to {readable[-1]} failures" if readable else "no report could be read"
    not_read = f", {unreadable} could not be read" if unreadable and readable else ""
    return Trend(points, line, most, f"{len(ordered)} measurements: {change}{not_read}")
