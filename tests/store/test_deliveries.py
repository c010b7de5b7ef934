from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.apps import ClusterName, CommitSha
from pipelines.errors import Conflict
from pipelines.states import ReleaseKind, ReleaseState
from store import Delivery, NewDelivery, NewRelease, Push, ReleaseFilter, Store, deliveries
from store.deliveries import is_late
from store.sessions import now

REPOSITORY = "git.example.com/shop/checkout"


def push(before: str, after: str, ref: str = "refs/heads/main") -> Push:
    return Push(REPOSITORY, ref, before * 40, after * 40)


def new(commit: str, app: str = "checkout", environment: str = "staging") -> NewRelease:
    return NewRelease(
        kind=ReleaseKind.RELEASE,
        app=app,
        environment=environment,
        team="shop",
        cluster=ClusterName("local"),
        namespace=f"{app}-{environment}",
        ref="main",
        dry_run=False,
        requested_by="webhook:shop",
        reason="",
        commit=CommitSha(commit * 40),
    )


class Sender:
    """Delivers to one store, each time with a new digest and id unless it says otherwise."""

    def __init__(self, store: Store) -> None:
        self._store, self._number = store, 0

    def __call__(self, *pushes: Push, apps: Sequence[str] = ("checkout",), **more: Any) -> Delivery:
        self._number += 1
        named = {"webhook": "shop", "digest": f"{self._number:064x}", "id": f"id-{self._number}", **more}
        wanted = {one: [new(one.after[0], app) for app in apps] for one in pushes if one.after and apps}
        return self._store.deliveries.accept(NewDelivery(**named, pushes=pushes), wanted)


@pytest.fixture
def send(store: Store) -> Sender:
    return Sender(store)


def _all(store: Store) -> list[tuple[str, str]]:
    return [(one.app, one.state) for one in store.releases.find(ReleaseFilter(), 100).items]


def test_a_push_makes_a_release_of_its_commit(store: Store, send: Sender) -> None:
    done = send(push("a", "b"))
    (release,) = done.releases
    assert (done.is_new, release.commit, release.state) == (True, "b" * 40, ReleaseState.ACCEPTED)
    assert store.releases.get(release.id) == release


def test_the_same_delivery_gives_what_came_of_it_and_makes_nothing(store: Store, send: Sender) -> None:
    first = send(push("a", "b"), digest="d" * 64)
    again = send(push("a", "b"), digest="d" * 64, id="another")
    assert [one.id for one in again.releases] == [one.id for one in first.releases]
    assert again.is_new is False
    assert len(_all(store)) == 1


def test_an_id_that_came_with_another_body_is_refused(store: Store, send: Sender) -> None:
    send(push("a", "b"), id="same")
    with pytest.raises(Conflict) as caught:
        send(push("b", "c"), id="same")
    assert caught.value.code == "delivery-reused"
    assert len(_all(store)) == 1


def test_ids_of_two_webhooks_are_two(store: Store, send: Sender) -> None:
    send(push("a", "b"), id="same")
    assert send(push("a", "b"), id="same", webhook="other").is_new


def test_without_ids_each_body_is_a_delivery(store: Store, send: Sender) -> None:
    assert send(push("a", "b"), id=None).is_new
    assert send(push("b", "c"), id=None).is_new


def test_of_two_pushes_the_newer_supersedes_the_older(store: Store, send: Sender) -> None:
    (older,) = send(push("a", "b")).releases
    (newer,) = send(push("b", "c")).releases
    assert store.releases.get(older.id).superseded_by == newer.id


@pytest.mark.parametrize(
    ("order", "made"),
    [
        ("bc ab", "bc"),
        ("bc ab cd", "bc cd"),
        ("cd bc ab", "cd"),
        ("bc cd ab", "bc cd"),
        ("cd ab bc", "cd ab"),  # whether ab or cd is older can't be known before bc comes
    ],
)
def test_a_push_that_comes_after_its_successor_makes_nothing(send: Sender, order: str, made: str) -> None:
    done = {pair: send(push(*pair)) for pair in order.split()}
    assert [pair for pair, one in done.items() if one.releases] == made.split()
    assert {one.outdated for one in done.values() if not one.releases} == {("refs/heads/main",)}


def test_a_branch_may_go_back_and_forth(send: Sender) -> None:
    for one in (push("a", "b"), push("b", "c"), push("c", "b"), push("b", "a"), push("a", "b")):
        assert len(send(one).releases) == 1


def test_a_late_push_does_not_keep_the_branch_from_going_back(send: Sender) -> None:
    send(push("b", "c"))
    send(push("a", "b"))
    assert len(send(push("c", "b")).releases) == 1


def test_a_branch_that_was_deleted_and_made_again_is_new(send: Sender) -> None:
    send(Push(REPOSITORY, "refs/heads/main", "", "a" * 40))
    send(Push(REPOSITORY, "refs/heads/main", "a" * 40, ""))
    assert len(send(Push(REPOSITORY, "refs/heads/main", "", "a" * 40)).releases) == 1


def test_a_successor_of_long_ago_does_not_count(send: Sender, monkeypatch) -> None:
    send(push("b", "c"))
    later = now() + deliveries.LATE + timedelta(minutes=1)
    monkeypatch.setattr(deliveries, "now", lambda: later)
    assert len(send(push("a", "b")).releases) == 1


def test_other_refs_and_other_webhooks_are_no_successors(send: Sender) -> None:
    send(push("b", "c", "refs/heads/other"))
    send(push("b", "c"), webhook="other")
    assert len(send(push("a", "b")).releases) == 1


def test_what_is_outdated_stays_so_when_it_comes_again(send: Sender) -> None:
    send(push("b", "c"))
    send(push("a", "b"), digest="d" * 64)
    again = send(push("a", "b"), digest="d" * 64)
    assert (again.is_new, again.releases, again.outdated) == (False, (), ("refs/heads/main",))


def test_what_wanted_nothing_may_come_again_and_then_be_wanted(send: Sender) -> None:
    assert send(push("a", "b"), apps=(), digest="d" * 64, id="same").releases == ()
    assert len(send(push("a", "b"), digest="d" * 64, id="same").releases) == 1


def test_a_push_to_several_apps_makes_all_or_none(store: Store, send: Sender, monkeypatch) -> None:
    assert [one.app for one in send(push("a", "b"), apps=("cart", "checkout")).releases] == ["cart", "checkout"]
    admit, calls = deliveries.admit, []

    def fails_at_the_second(session: Any, release: NewRelease) -> Any:
        calls.append(release)
        if len(calls) == 2:
            raise RuntimeError
        return admit(session, release)

    monkeypatch.setattr(deliveries, "admit", fails_at_the_second)
    before = _all(store)
    with pytest.raises(RuntimeError):
        send(push("b", "c"), apps=("cart", "checkout"), digest="e" * 64)
    assert _all(store) == before
    monkeypatch.undo()
    assert len(send(push("b", "c"), apps=("cart", "checkout"), digest="e" * 64).releases) == 2


def test_a_delivery_is_known_for_ever_and_a_push_for_a_while(store: Store, send: Sender, monkeypatch) -> None:
    first = send(push("b", "c"), digest="d" * 64)
    later = now() + timedelta(days=3650)
    monkeypatch.setattr(deliveries, "now", lambda: later)
    send(push("x", "y", "refs/heads/other"))
    again = send(push("b", "c"), digest="d" * 64)
    assert (again.is_new, again.releases[0].id) == (False, first.releases[0].id)
    assert len(send(push("a", "b")).releases) == 1


def test_the_same_delivery_on_many_connections_makes_one_release(store: Store) -> None:
    results: list[Delivery] = []
    delivery = NewDelivery("shop", "d" * 64, "same", (push("a", "b"),))
    threads = [
        threading.Thread(target=lambda: results.append(store.deliveries.accept(delivery, {push("a", "b"): [new("b")]})))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.is_new for one in results) == [False] * 5 + [True]
    assert len({one.releases[0].id for one in results}) == 1
    assert len(_all(store)) == 1


@given(st.lists(st.sampled_from("abcd"), min_size=2, max_size=30))
def test_pushes_that_come_in_their_order_are_never_late(commits: list[str]) -> None:
    known: list[tuple[str, str]] = []
    for step in pairwise(commits):
        assert not is_late(*step, known)
        known.append(step)


@given(st.integers(2, 12).flatmap(lambda length: st.tuples(st.just(length), st.integers(0, length - 2))))
def test_of_two_pushes_that_changed_places_the_older_is_late(case: tuple[int, int]) -> None:
    length, swapped = case
    steps = list(pairwise(map(str, range(length + 1))))
    steps[swapped], steps[swapped + 1] = steps[swapped + 1], steps[swapped]
    late = [step for number, step in enumerate(steps) if is_late(*step, steps[:number])]
    assert late == [steps[swapped + 1]]
