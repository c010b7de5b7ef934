"""Waivers, and what runs with what was found in it, on each database."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from pipelines.bundle import BundleDigest
from pipelines.catalogue import entry_of
from pipelines.errors import Conflict, NotFound
from pipelines.states import ReleaseKind, ReleaseState, StageName, StageState
from store import NewWaiver, Release, Store, WaiverFilter
from tests.accepting import Accept

TODAY = date(2026, 11, 25)


def _new(**more: Any) -> NewWaiver:
    wanted: dict[str, Any] = {
        "rule": "image-pinned",
        "app": "checkout",
        "environment": "",
        "resource": "*",
        "owner": "Ada",
        "reason": "no tags",
        "until": TODAY,
        "created_by": "admin",
        "digest": "d" * 64,
    }
    return NewWaiver(**{**wanted, **more})


def test_what_was_added_is_found_until_it_is_over_and_kept_then(store: Store) -> None:
    waiver, is_new = store.waivers.add(_new())
    assert is_new
    assert store.waivers.get(waiver.id) == waiver
    assert store.waivers.in_force(TODAY) == (waiver,)
    assert store.waivers.in_force(TODAY + timedelta(days=1)) == ()
    assert store.waivers.find(WaiverFilter(on=TODAY + timedelta(days=1)), 10).items == ()
    assert store.waivers.find(WaiverFilter(), 10).items == (waiver,)


def test_who_ended_it_first_is_kept(store: Store) -> None:
    waiver, _ = store.waivers.add(_new())
    ended = store.waivers.end(waiver.id, ended_by="ada")
    assert store.waivers.end(waiver.id, ended_by="grace") == ended
    assert ended.ended_by == "ada"
    assert store.waivers.in_force(TODAY) == ()
    with pytest.raises(NotFound):
        store.waivers.end("nonesuch", ended_by="ada")


def test_a_key_is_for_one_waiver(store: Store) -> None:
    first, _ = store.waivers.add(_new(key="admin:1"))
    assert store.waivers.add(_new(key="admin:1")) == (first, False)
    with pytest.raises(Conflict):
        store.waivers.add(_new(key="admin:1", digest="e" * 64))


def test_a_list_is_of_what_is_asked_for_and_goes_on_with_the_cursor(store: Store) -> None:
    made = [store.waivers.add(_new(app=app))[0] for app in ("a", "b", "b")]
    assert store.waivers.find(WaiverFilter(apps=frozenset()), 10).items == ()
    assert store.waivers.find(WaiverFilter(rule="other"), 10).items == ()
    first = store.waivers.find(WaiverFilter(apps=frozenset({"b"})), 1)
    second = store.waivers.find(WaiverFilter(apps=frozenset({"b"})), 1, first.next_cursor)
    assert (*first.items, *second.items) == (made[2], made[1])
    assert second.next_cursor is None


def _deployed(store: Store, release: Release) -> None:
    for state in (ReleaseState.CHECKING, ReleaseState.READY, ReleaseState.DEPLOYING, ReleaseState.DEPLOYED):
        store.releases.transition(release.id, state, bundle=BundleDigest("sha256:1"))


def test_what_a_rollback_runs_was_found_when_it_was_checked_first(store: Store, accept: Accept) -> None:
    checked = accept()
    store.releases.stage(checked.id, StageName.POLICY, StageState.PASSED)
    finding = entry_of("seccomp").finding("Deployment/checkout", "", "none")
    store.releases.add_findings(checked.id, [finding])
    _deployed(store, checked)
    back = accept(kind=ReleaseKind.ROLLBACK, bundle=BundleDigest("sha256:1"), rollback_of=checked.id)
    _deployed(store, back)
    (running,) = store.running.checked()
    assert (running.release, running.findings) == (back.id, (finding,))
    assert running.checked_at is not None
    assert store.running.checked(["another"]) == ()
