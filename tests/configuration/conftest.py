"""Writes a gateway.yaml for one test."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str | bytes) -> Path:
        path = tmp_path / "gateway.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write
