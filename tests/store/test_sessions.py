from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text

from store import sessions
from store.sessions import Sessions, StoreUnavailable, make_engine

Work = Callable[[Connection], int]


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


def _adds(*numbers: int) -> Work:
    def add(connection: Connection) -> int:
        for number in numbers:
            connection.execute(text(f"INSERT INTO t VALUES ({number})"))
        if 13 in numbers:
            raise KeyError(13)
        return sum(numbers)

    return add


def _all(sessions: Sessions) -> list[int]:
    with sessions.read() as session:
        return sorted(session.scalars(text("SELECT n FROM t")))


def test_several_works_share_a_transaction(sqlite: Sessions) -> None:
    began: list[object] = []
    event.listen(sqlite.engine, "begin", began.append)
    assert sqlite.write_each([_adds(1), _adds(2, 3)]) == [1, 5]
    assert (len(began), _all(sqlite)) == (1, [1, 2, 3])


def test_a_work_that_fails_undoes_its_own_part_only(sqlite: Sessions) -> None:
    first, failed, third = sqlite.write_each([_adds(1), _adds(2, 13), _adds(3)])
    assert (first, third, _all(sqlite)) == (1, 3, [1, 3])
    assert isinstance(failed, KeyError)


def test_works_that_the_store_fails_fail_together(sqlite: Sessions) -> None:
    with pytest.raises(StoreUnavailable):
        sqlite.write_each([_adds(1), lambda connection: connection.execute(text("INSERT INTO nothing VALUES (1)"))])
    assert _all(sqlite) == []


def test_who_waits_too_long_for_another_process_is_told(
    sqlite: Sessions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "_BUSY_SECONDS", 0)
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable):
            sqlite.write_each([_adds(1)])
    assert sqlite.write_each([_adds(2)]) == [2]


def test_who_waits_for_another_process_goes_on_after_it(sqlite: Sessions, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        end = threading.Timer(0.05, other.execute, ["COMMIT"])
        end.start()
        assert sqlite.write_each([_adds(1)]) == [1]
        end.join()
