"""One day for all, wherever a machine stands."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.days import today

ROOT = Path(__file__).parents[2]
PACKAGES = ("configuration", "deployctl", "gateway", "pipelines", "store", "tools", "workers")


# Of these two, one always has another day than UTC.
@pytest.fixture(params=["<east>-14", "<west>+12"], autouse=True)
def elsewhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's clock is read there."""
    with monkeypatch.context() as changed:
        changed.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


def test_it_is_the_day_in_utc() -> None:
    before = datetime.now(UTC).date()
    assert before <= today() <= datetime.now(UTC).date()


def test_nobody_has_a_day_of_his_own() -> None:
    own = re.compile(r"date\.today\b|now\(UTC\)\.date\(\)")
    found = [
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if own.search(path.read_text("utf-8"))
    ]
    assert found == ["pipelines/days.py"]
