"""What must never be lost: Releases, their events and Bundles, in SQLite or PostgreSQL."""

from __future__ import annotations

from pipelines.apps import ReleaseId
from store.benchmarks import Benchmarks, MeasurementPage, NewMeasurement
from store.bundles import Bundles
from store.clusters import Clusters
from store.deliveries import Deliveries, DeliveryReused
from store.events import Events, LeaseLost, Notify
from store.idempotency import Idempotency
from store.locks import Locks
from store.page_sessions import PageSessions
from store.records import (
    Delivery,
    Event,
    IdempotencyKey,
    NewDelivery,
    NewRelease,
    Page,
    Push,
    Reach,
    Release,
    ReleaseFilter,
    Stage,
    Unfinished,
)
from store.releases import Releases
from store.running import Running
from store.schema import insist_on_current_schema, migrate
from store.sessions import Sessions, make_engine
from store.tokens import Tokens
from store.waivers import NewWaiver, WaiverFilter, WaiverPage, Waivers

__all__ = [
    "Delivery",
    "DeliveryReused",
    "Event",
    "IdempotencyKey",
    "LeaseLost",
    "MeasurementPage",
    "NewDelivery",
    "NewMeasurement",
    "NewRelease",
    "NewWaiver",
    "Page",
    "Push",
    "Reach",
    "Release",
    "ReleaseFilter",
    "Stage",
    "Store",
    "Unfinished",
    "WaiverFilter",
    "WaiverPage",
    "migrate",
    "open_store",
]


def _tell_nobody(*_ids: ReleaseId) -> None:
    pass


class Store:
    """One database, by its nouns."""

    def __init__(self, sessions: Sessions, notify: Notify = _tell_nobody) -> None:
        """`notify` is called with the ids after each commit that added events to Releases."""
        self._sessions = sessions
        self.releases = Releases(sessions, notify)
        self.events = Events(sessions, notify)
        self.bundles = Bundles(sessions)
        self.clusters = Clusters(sessions)
        self.benchmarks = Benchmarks(sessions)
        self.waivers = Waivers(sessions)
        self.running = Running(sessions)
        self.locks = Locks(sessions)
        self.page_sessions = PageSessions(sessions)
        self.tokens = Tokens(sessions)
        self.idempotency = Idempotency(sessions)
        self.deliveries = Deliveries(sessions, notify)

    def forget_connections(self) -> None:
        """For a process that was just forked: the connections belong to its parent."""
        self._sessions.begin_anew()

    def close(self) -> None:
        """Closes all connections."""
        self._sessions.engine.dispose()


def open_store(database_url: str, notify: Notify = _tell_nobody) -> Store:
    """The store at `database_url`. Raises `InvalidConfiguration` unless it is migrated to this version."""
    engine = make_engine(database_url)
    insist_on_current_schema(engine)
    return Store(Sessions(engine), notify)
