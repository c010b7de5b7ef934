"""Versions in tags: what a range takes, and what it does not."""

from __future__ import annotations

import pytest

from pipelines.versions import parse_range


@pytest.mark.parametrize(
    ("text", "suffix", "takes", "leaves"),
    [
        (">=3.12 <3.14", "", ["3.12", "3.13.2", "v3.12.0"], ["3.11.9", "3.14", "3.13-slim", "latest", "3.13rc1", ""]),
        (">= 3.12, < 3.14", "", ["3.13"], ["3.14.0"]),
        (">3.12 <=3.13", "", ["3.12.1", "3.13.0"], ["3.12.0", "3.13.1"]),
        ("=1.2", "", ["1.2", "1.2.0"], ["1.2.1"]),
        ("3.13", "", ["3.13", "3.13.9"], ["3.1", "3.130", "3"]),
        ("3.13", "-slim", ["3.13.1-slim"], ["3.13.1", "3.13.1-slim-x"]),
    ],
)
def test_a_range_takes_these_tags(text: str, suffix: str, takes: list[str], leaves: list[str]) -> None:
    versions = parse_range(text, suffix)
    assert [tag for tag in [*takes, *leaves] if versions.version(tag) is not None] == takes


@pytest.mark.parametrize("text", ["", "latest", ">=", "^1.2", "1.2.x", ">=1 || <2", "1.2.3.4.5"])
def test_what_is_no_range_says_how_one_is_written(text: str) -> None:
    with pytest.raises(ValueError, match=r'">=3.12 <3.14"'):
        parse_range(text)
