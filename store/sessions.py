"""Connections and transactions: short, written at once or not at all, and with errors of our own."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.orm import Session

from pipelines.errors import DiskFull, GatewayError, Unavailable

_BUSY_SECONDS = 10
_LOOK_AGAIN_MILLISECONDS = 2
Done = TypeVar("Done")


class StoreUnavailable(Unavailable):
    """The database does not answer."""

    code = "store-unavailable"
    title = "The store does not answer"


def make_engine(database_url: str) -> Engine:
    """An engine for SQLite or PostgreSQL. Connects when first used."""
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite":
        return create_engine(url.set(drivername="postgresql+psycopg"), pool_pre_ping=True, pool_size=8)
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False})
    event.listen(engine, "connect", _prepare_sqlite)
    # pysqlite begins no transaction before a SELECT; one that will write has to hold the write lock from its start.
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={_BUSY_SECONDS}000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    if connection.get_execution_options().get("reads_only"):
        connection.exec_driver_sql("BEGIN")
        return
    # SQLite looks again after ever longer pauses, up to 100 ms: whoever has just come overtakes who waits.
    connection.exec_driver_sql(f"PRAGMA busy_timeout={_LOOK_AGAIN_MILLISECONDS}")
    deadline = time.monotonic() + _BUSY_SECONDS
    try:
        while not _has_begun(connection, is_last=time.monotonic() >= deadline):
            pass
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={_BUSY_SECONDS}000")


def _has_begun(connection: Connection, *, is_last: bool) -> bool:
    """Takes the write lock; False where another process has it, or OperationalError if `is_last`."""
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except OperationalError as error:
        if is_last or getattr(error.orig, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


class Sessions:
    """Hands out transactions on one engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._turn = _turn(engine)

    def begin_anew(self) -> None:
        """For a process that was just forked: connections, and whose turn it is, belong to its parent."""
        self.engine.dispose(close=False)
        self._turn = _turn(self.engine)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only reads. Raises `StoreUnavailable`."""
        with translated(), self.engine.connect() as connection:
            connection = connection.execution_options(reads_only=True)
            with Session(connection) as session:
                yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that is committed at the end, or undone. Raises `StoreUnavailable`, `DiskFull`."""
        with translated(), self._turn, Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    def write_each(self, works: Sequence[Callable[[Connection], Done]]) -> list[Done | Exception]:
        """Does all `works` in one transaction or, where one raises, each in one of its own: that is then its answer.

        So what a work does outside of the database may be done twice. Raises `StoreUnavailable` and `DiskFull`.
        """
        try:
            with translated(), self._turn, self.engine.begin() as connection:
                return [work(connection) for work in works]
        except (StoreUnavailable, DiskFull):
            raise
        except Exception as error:  # noqa: BLE001 (raised again for the one who asked for it)
            if len(works) == 1:
                return [error]
            return [answer for work in works for answer in self.write_each([work])]


class _Turn:
    """Who writes next in this process: SQLite has each waiting writer sleep and look again, whoever came first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=_BUSY_SECONDS):
            raise StoreUnavailable(
                f"the database was busy for {_BUSY_SECONDS} seconds",
                "Nothing accepted is lost. See what else writes to the database, and whether its disk is slow",
            )

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _turn(engine: Engine) -> AbstractContextManager[None]:
    return _Turn() if engine.dialect.name == "sqlite" else nullcontext()


@contextmanager
def translated() -> Iterator[None]:
    """Raises errors of ours in place of the driver's."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise _ours(error) from error


def _ours(error: DBAPIError) -> GatewayError:
    if "disk is full" in str(error.orig) or "No space left" in str(error.orig):
        return DiskFull("the store can't write: its disk is full", "Make room on the disk that the database is on")
    # Only the kind: the driver's texts name hosts and users.
    return StoreUnavailable(
        f"the database does not answer ({type(error.orig).__name__})",
        "Nothing accepted is lost. See that the database runs and can be reached",
    )


def now() -> datetime:
    """The time, aware and in UTC."""
    return datetime.now(UTC)
