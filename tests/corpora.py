"""Where the public corpora are that the rules are tried on: other people's manifests, good and bad."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

VARIABLE = "DEPLOY_GATEWAY_CORPORA"


def corpora() -> Path:
    """The folder of DEPLOY_GATEWAY_CORPORA, or `shared/corpora` beside one of this file's parents; else skips."""
    named = os.environ.get(VARIABLE)
    parents = Path(__file__).resolve().parents
    places = [Path(named)] if named else [parent / "shared" / "corpora" for parent in parents]
    for place in places:
        if place.is_dir():
            return place
    pytest.skip(f"there are no corpora: {VARIABLE} names their folder")
