"""The store, once on each database that it runs on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from pipelines.apps import ClusterName
from pipelines.states import ReleaseKind
from store import NewRelease, Release, Store, migrate, open_store

Accept = Callable[..., Release]


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'gateway.db'}"
    url = str(request.getfixturevalue("postgres_url"))
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return url


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    migrate(database_url)
    opened = open_store(database_url)
    yield opened
    opened.close()


@pytest.fixture
def accept(store: Store) -> Accept:
    """Accepts a Release of checkout in staging, with whatever else is asked for."""

    def accept(**more: Any) -> Release:
        wanted: dict[str, Any] = {
            "kind": ReleaseKind.RELEASE,
            "app": "checkout",
            "environment": "staging",
            "team": "shop",
            "cluster": ClusterName("local"),
            "namespace": "checkout-staging",
            "ref": "main",
            "dry_run": False,
            "requested_by": "somebody",
            "reason": "",
        }
        return store.releases.accept(NewRelease(**{**wanted, **more}))

    return accept
