"""Bundles, clusters, locks, and the schema's version."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from pipelines.apps import ClusterName, ReleaseId
from pipelines.bundle import BundleDigest
from pipelines.errors import InvalidConfiguration, NotFound, Unavailable
from pipelines.ports import ClusterFacts
from pipelines.states import ReleaseKind, ReleaseState, StageName, StageState
from store import NewRelease, Release, Store, migrate, open_store, schema
from store.sessions import make_engine
from store.tables import Table

Accept = Callable[..., Release]
DIGEST = BundleDigest("sha256:" + "1" * 64)


def test_a_bundle_is_stored_once_and_read_again(store: Store) -> None:
    assert not store.bundles.exists(DIGEST)
    store.bundles.put(DIGEST, b"\x00content")
    store.bundles.put(DIGEST, b"\x00content")
    assert store.bundles.exists(DIGEST)
    assert store.bundles.get(DIGEST) == b"\x00content"


def test_a_bundle_that_is_not_there_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound, match="not in the store"):
        store.bundles.get(DIGEST)


def test_a_clusters_facts_are_the_same_object_until_others_are_published(store: Store) -> None:
    name, facts = ClusterName("local"), ClusterFacts("v1.36.3", ("v1",), {"v1/Pod": {"type": "object"}})
    assert store.clusters.facts(name) is None
    store.clusters.publish(name, facts)
    known = store.clusters.facts(name)
    assert known == facts
    store.clusters.publish(name, facts)
    assert store.clusters.facts(name) is known
    store.clusters.publish(name, ClusterFacts("v1.37.0", (), {}))
    newer = store.clusters.facts(name)
    assert newer is not None
    assert newer.kubernetes_version == "v1.37.0"


def test_when_a_clusters_worker_was_last_seen_is_known(store: Store) -> None:
    name = ClusterName("local")
    store.clusters.seen(name)
    assert store.clusters.seen_at(name) is None
    store.clusters.publish(name, ClusterFacts("v1.36.3", (), {}))
    first = store.clusters.seen_at(name)
    store.clusters.seen(name)
    second = store.clusters.seen_at(name)
    assert first is not None
    assert second is not None
    assert first < second


def test_a_place_is_held_by_a_release_until_it_has_ended(store: Store, accept: Accept) -> None:
    first, second = accept(), accept(dry_run=True)
    assert store.locks.holder("checkout", "staging") is None
    assert store.locks.acquire("checkout", "staging", first.id)
    assert store.locks.acquire("checkout", "staging", first.id)
    assert not store.locks.acquire("checkout", "staging", second.id)
    assert store.locks.holder("checkout", "staging") == first.id
    store.releases.transition(first.id, ReleaseState.FAILED)
    assert store.locks.holder("checkout", "staging") is None
    assert store.locks.acquire("checkout", "staging", second.id)


def test_another_place_is_free(store: Store, accept: Accept) -> None:
    first, second = accept(), accept(environment="production")
    assert store.locks.acquire("checkout", "staging", first.id)
    assert store.locks.acquire("checkout", "production", second.id)


@contextmanager
def _alembic(database_url: str) -> Iterator[tuple[Connection, Config]]:
    engine, config = make_engine(database_url), Config()
    config.set_main_option("script_location", str(Path(schema.__file__).with_name("migrations")))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        yield connection, config
        connection.commit()
    engine.dispose()


def test_the_migrations_make_the_tables_that_the_program_uses(database_url: str) -> None:
    migrate(database_url)
    with _alembic(database_url) as (connection, _):
        assert compare_metadata(MigrationContext.configure(connection), Table.metadata) == []


def test_releases_from_before_charts_were_kept_are_read_as_they_were(database_url: str) -> None:
    with _alembic(database_url) as (_, config):
        command.upgrade(config, "0001")
    old = {
        **dict.fromkeys(("app", "environment", "team", "cluster", "namespace"), "x"),
        **dict.fromkeys(("commit_subject", "message", "reason", "requested_by"), ""),
        **{"id": "0" * 26, "kind": "release", "ref": "main", "state": "deployed", "changes": "[]"},
        **{"attempts": 1, "dry_run": False, "cancel_requested": False},
        **dict.fromkeys(("created_at", "updated_at"), datetime(2026, 1, 1, tzinfo=UTC)),
    }
    with _alembic(database_url) as (connection, _):
        names = ", ".join(old)
        values = ", ".join(f":{name}" for name in old)
        connection.execute(text(f"INSERT INTO releases ({names}) VALUES ({values})"), old)
    migrate(database_url)
    store = open_store(database_url)
    release = store.releases.get(ReleaseId("0" * 26))
    assert (release.ref, release.state, release.chart, release.chart_version) == ("main", "deployed", None, None)
    store.close()


def test_an_unmigrated_store_is_not_opened(database_url: str) -> None:
    with pytest.raises(InvalidConfiguration, match="missing or older"):
        open_store(database_url)


def test_a_store_of_a_newer_version_is_not_opened(database_url: str) -> None:
    migrate(database_url)
    migrate(database_url)
    engine = make_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(InvalidConfiguration, match="newer version"):
        open_store(database_url)


def test_a_database_that_is_away_is_told_without_its_address() -> None:
    with pytest.raises(Unavailable) as caught:
        open_store("postgresql://user:secret@127.0.0.1:1/nothing")
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


def test_what_was_committed_survives_another_opening(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'gateway.db'}"
    migrate(url)
    first = open_store(url)
    first.bundles.put(DIGEST, b"x")
    first.forget_connections()
    assert open_store(url).bundles.get(DIGEST) == b"x"


def test_notify_is_called_after_each_commit_that_added_an_event(database_url: str) -> None:
    migrate(database_url)
    seen: list[int] = []
    store = open_store(database_url, lambda *ids: seen.extend(len(other.events.after(id, 0, 100)) for id in ids))
    other = open_store(database_url)
    place = (ClusterName("c"), "ns", "main", False, "somebody", "")
    release = store.releases.accept(NewRelease(ReleaseKind.RELEASE, "app", "staging", "shop", *place))
    store.clusters.publish(ClusterName("c"), ClusterFacts("v1", (), {}))
    for number, add in enumerate(
        (
            lambda: store.events.append(release.id, "log", {"line": "x"}),
            lambda: store.releases.stage(release.id, StageName.CHECKOUT, StageState.RUNNING),
            lambda: store.releases.set_changes(release.id, []),
            lambda: store.releases.transition(release.id, ReleaseState.CHECKING),
        ),
        2,
    ):
        add()
        assert seen[-1] == number
    assert seen == [1, 2, 3, 4, 5]
    store.close()
    other.close()
