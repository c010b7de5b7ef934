"""What a worker finds out before it takes its first job."""

from __future__ import annotations

from pathlib import Path

import pytest

from configuration.references import Reference
from pipelines.credentials import Credentials
from pipelines.errors import InvalidConfiguration
from workers.main import _reader


def test_a_credential_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="can't be read") as caught:
        _reader(Reference("file:git-token", tmp_path, "gateway.yaml:16"))
    assert caught.value.where == "gateway.yaml:16"


def test_a_credential_can_be_changed_while_a_worker_runs(tmp_path: Path) -> None:
    file = tmp_path / "git-token"
    file.write_text("ci:first\n")
    read = _reader(Reference("file:git-token", tmp_path, "gateway.yaml:16"))
    file.write_text("ci:second\n")
    assert read() == Credentials("ci", "second")
