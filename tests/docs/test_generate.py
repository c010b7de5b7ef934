from __future__ import annotations

import pytest

from docs.generate import FOLDER, PAGES


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_is_what_the_code_says(name: str) -> None:
    assert (FOLDER / name).read_text("utf-8") == PAGES[name](), "run `make docs`"


def test_every_error_code_is_told_apart_and_stable() -> None:
    codes = [line.split("`")[1] for line in PAGES["errors.md"]().splitlines() if line.startswith("| `")]
    assert len(codes) == len(set(codes))
    assert {"invalid-ref", "not-found", "unauthenticated", "internal-error"} <= set(codes)
