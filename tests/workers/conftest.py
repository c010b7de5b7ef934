"""Jobs as workers run them, on a real store; what they meet in the world is as a test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from redis import Redis

from pipelines.apps import ClusterName
from pipelines.states import ReleaseKind
from store import NewRelease, Release, Store, migrate, open_store
from store.queue import RedisQueue

Accept = Callable[..., Release]


@cache
def _empty() -> bytes:
    """A migrated database: made once, since migrating takes longer than most tests."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "gateway.db"
        migrate(f"sqlite:///{path}")
        return path.read_bytes()


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    path = tmp_path / "gateway.db"
    path.write_bytes(_empty())
    return f"sqlite:///{path}"


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
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


@pytest.fixture
def queue_url(redis_url: str) -> Iterator[str]:
    """A database of these tests' own in the session's Redis, empty."""
    url = f"{redis_url.rpartition('/')[0]}/8"
    with Redis.from_url(url) as redis:
        redis.flushdb()
        yield url
        redis.flushdb()


@pytest.fixture
def queue(queue_url: str) -> RedisQueue:
    return RedisQueue(queue_url)
