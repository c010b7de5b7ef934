from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import text

from store import sessions
from store.sessions import Sessions, StoreUnavailable, make_engine


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Sessions]:
    made = Sessions(make_engine(f"sqlite:///{tmp_path / 'x.db'}"))
    with made.write() as session:
        session.execute(text("CREATE TABLE t (n INTEGER)"))
    yield made
    made.engine.dispose()


def test_writers_of_one_process_wait_for_their_turn(sqlite: Sessions) -> None:
    def add() -> None:
        with sqlite.write() as session:
            session.execute(text("INSERT INTO t SELECT count(*) FROM t"))

    threads = [threading.Thread(target=add) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with sqlite.read() as session:
        assert sorted(session.scalars(text("SELECT n FROM t"))) == list(range(20))


def test_who_waits_too_long_for_a_turn_is_told(sqlite: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "_BUSY_SECONDS", 0.01)
    with sqlite.write(), pytest.raises(StoreUnavailable, match="busy"), sqlite.write():
        raise AssertionError
    with sqlite.write() as session:
        session.execute(text("INSERT INTO t VALUES (1)"))


def test_readers_wait_for_no_writer(sqlite: Sessions) -> None:
    with sqlite.write() as writing, sqlite.read() as reading:
        writing.execute(text("INSERT INTO t VALUES (1)"))
        assert list(reading.scalars(text("SELECT n FROM t"))) == []


def test_a_turn_ends_with_what_fails(sqlite: Sessions) -> None:
    with pytest.raises(StoreUnavailable), sqlite.write() as session:
        session.execute(text("INSERT INTO nothing VALUES (1)"))
    with sqlite.write() as session:
        session.execute(text("INSERT INTO t VALUES (1)"))


def test_a_forked_process_has_turns_of_its_own(sqlite: Sessions) -> None:
    with ExitStack() as parent:
        parent.enter_context(sqlite._turn)
        sqlite.begin_anew()
        with sqlite.write() as session:
            session.execute(text("INSERT INTO t VALUES (1)"))
