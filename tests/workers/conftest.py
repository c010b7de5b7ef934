"""Jobs as workers run them, on a real store; what they meet in the world is as a test says."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from redis import Redis

from store import Store, migrate, open_store
from store.queue import RedisQueue
from tests.accepting import Accept, accepting


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
    return accepting(store)


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
