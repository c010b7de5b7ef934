"""Releases in the store: accepted whole, moved only forward, one at a time in each place."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from pipelines.apps import ReleaseId
from pipelines.bundle import BundleDigest
from pipelines.errors import Conflict, InvalidInput, NotFound
from pipelines.findings import Finding, Mode, Severity
from pipelines.ports import Change
from pipelines.states import FINAL_STATES, ReleaseKind, ReleaseState, StageName, StageState
from store import IdempotencyKey, LeaseLost, NewRelease, Reach, Release, ReleaseFilter, Store

Accept = Callable[..., Release]
S = ReleaseState
ONE, TWO, THREE = (BundleDigest(f"sha256:{digit * 64}") for digit in "123")
FINDING = Finding("r", Severity.HIGH, Mode.WARN, "Pod/x", "spec", "deploy.yaml:1", "a", "b", "c", "d", "policy")


def _deployed(store: Store, accept: Accept, bundle: BundleDigest, revision: int, **more: object) -> Release:
    release = accept(bundle=bundle, **more)
    assert store.releases.transition(release.id, S.DEPLOYING)
    assert store.releases.transition(release.id, S.DEPLOYED, revision=revision)
    return store.releases.get(release.id)


def test_an_accepted_release_can_be_read_again(store: Store, accept: Accept) -> None:
    release = accept()
    assert store.releases.get(release.id) == release
    assert release.state is S.ACCEPTED
    assert release.created_at.tzinfo is not None


def test_which_chart_was_asked_for_and_which_was_used_is_kept(store: Store, accept: Accept) -> None:
    release = accept(dry_run=True, chart_version="next")
    assert (release.chart_version, release.chart) == ("next", None)
    store.releases.transition(release.id, S.CHECKING)
    store.releases.transition(release.id, S.READY, bundle=ONE, chart="standard-app 0.2.0")
    store.releases.transition(release.id, S.DEPLOYING)
    kept = store.releases.get(release.id)
    assert (kept.chart_version, kept.chart) == ("next", "standard-app 0.2.0")


def test_the_same_commit_by_another_chart_is_a_way_back(store: Store, accept: Accept) -> None:
    before = _deployed(store, accept, ONE, 1, commit="a" * 40, chart="standard-app 0.1.0")
    _deployed(store, accept, TWO, 2, commit="a" * 40, chart="standard-app 0.2.0")
    assert store.releases.last_good("checkout", "staging") == before


def test_an_unknown_release_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        store.releases.get(ReleaseId("0" * 26))


def test_a_release_with_its_bundle_needs_no_check(accept: Accept) -> None:
    assert accept(kind=ReleaseKind.ROLLBACK, bundle=ONE).state is S.READY


def test_a_newer_release_supersedes_those_that_wait_in_its_place(store: Store, accept: Accept) -> None:
    older = accept()
    newer = accept()
    ended = store.releases.get(older.id)
    assert (ended.state, ended.superseded_by) == (S.SUPERSEDED, newer.id)


def test_other_places_are_left_alone(store: Store, accept: Accept) -> None:
    others = [accept(app="other"), accept(environment="production")]
    accept()
    assert all(store.releases.get(one.id).state is S.ACCEPTED for one in others)


def test_a_rollout_is_not_superseded(store: Store, accept: Accept) -> None:
    rolling = accept(bundle=ONE)
    store.releases.transition(rolling.id, S.DEPLOYING)
    accept()
    assert store.releases.get(rolling.id).state is S.DEPLOYING


def test_dry_runs_supersede_nothing_and_are_not_superseded(store: Store, accept: Accept) -> None:
    real = accept()
    dry = accept(dry_run=True)
    accept(environment="production")
    assert store.releases.get(real.id).state is S.ACCEPTED
    accept()
    assert store.releases.get(dry.id).state is S.ACCEPTED


def test_of_many_accepted_at_once_one_is_left(store: Store, accept: Accept) -> None:
    threads = [threading.Thread(target=accept) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    states = [one.state for one in store.releases.find(ReleaseFilter(), 20).items]
    assert states.count(S.ACCEPTED) == 1
    assert states.count(S.SUPERSEDED) == 7


def test_an_idempotency_key_is_taken_once(store: Store) -> None:
    key = IdempotencyKey("somebody", "k", "d" * 64)
    new = NewRelease(ReleaseKind.RELEASE, "a", "e", "t", "c", "n", "main", False, "somebody", "")  # type: ignore[arg-type]  # names are texts
    release = store.releases.accept(new, key)
    assert store.idempotency.find("somebody", "k") == (key, release.id)
    with pytest.raises(Conflict):
        store.releases.accept(new, key)
    assert len(store.releases.find(ReleaseFilter(), 10).items) == 1
    assert store.idempotency.find("somebody else", "k") is None


@pytest.mark.parametrize("final", sorted(FINAL_STATES))
def test_nothing_leaves_a_final_state(store: Store, accept: Accept, final: ReleaseState) -> None:
    release = accept(bundle=ONE, dry_run=final is S.PLANNED)
    store.releases.transition(release.id, S.DEPLOYING)
    if not store.releases.transition(release.id, final):
        release = accept(environment="production")
        assert store.releases.transition(release.id, final)
    for state in ReleaseState:
        assert not store.releases.transition(release.id, state)
    assert store.releases.get(release.id).finished_at is not None


def test_two_claims_race_and_one_wins(store: Store, accept: Accept) -> None:
    release, won = accept(), []

    def claim(worker: str) -> None:
        if store.releases.claim(release.id, {S.ACCEPTED}, S.CHECKING, worker, 10):
            won.append(worker)

    threads = [threading.Thread(target=claim, args=(f"w{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_a_dead_workers_release_can_be_claimed_again(store: Store, accept: Accept) -> None:
    release = accept()
    assert store.releases.claim(release.id, {S.ACCEPTED}, S.CHECKING, "dead", -1)
    again = store.releases.claim(release.id, {S.ACCEPTED}, S.CHECKING, "alive", 10)
    assert again is not None
    assert again.attempts == 2


def test_a_lost_lease_is_not_renewed(store: Store, accept: Accept) -> None:
    release = accept()
    store.releases.claim(release.id, {S.ACCEPTED}, S.CHECKING, "dead", -1)
    assert store.releases.heartbeat(release.id, "dead", 10)
    store.releases.claim(release.id, {S.ACCEPTED}, S.CHECKING, "dead", -1)
    store.releases.claim(release.id, {S.ACCEPTED}, S.CHECKING, "alive", 10)
    assert not store.releases.heartbeat(release.id, "dead", 10)


def test_who_has_lost_the_lease_has_no_say(store: Store, accept: Accept) -> None:
    release, new = accept(), store.releases
    new.claim(release.id, {S.ACCEPTED}, S.CHECKING, "dead", -1)
    new.claim(release.id, {S.ACCEPTED}, S.CHECKING, "alive", 10)
    before = store.events.after(release.id, 0, 100)
    for late in (
        lambda: new.stage(release.id, StageName.CHECKOUT, StageState.PASSED, worker="dead"),
        lambda: new.add_findings(release.id, [FINDING], worker="dead"),
        lambda: new.set_changes(release.id, [], worker="dead"),
        lambda: store.events.append(release.id, "log", {}, worker="dead"),
    ):
        with pytest.raises(LeaseLost):
            late()
    assert not new.transition(release.id, S.FAILED, worker="dead")
    assert not new.hand_back(release.id, "dead")
    assert new.get(release.id).state is S.CHECKING
    assert store.events.after(release.id, 0, 100) == before
    new.stage(release.id, StageName.CHECKOUT, StageState.PASSED, worker="alive")
    assert new.transition(release.id, S.FAILED, worker="alive")


def test_a_release_that_has_ended_takes_nothing_more_from_its_worker(store: Store, accept: Accept) -> None:
    release = accept()
    store.releases.claim(release.id, {S.ACCEPTED}, S.CHECKING, "w", 10)
    accept()
    with pytest.raises(LeaseLost):
        store.releases.stage(release.id, StageName.RENDER, StageState.RUNNING, worker="w")


def test_what_is_handed_back_waits_for_its_time(store: Store, accept: Accept) -> None:
    release, later = accept(), datetime.now(UTC) + timedelta(seconds=60)
    store.releases.claim(release.id, {S.ACCEPTED}, S.CHECKING, "w", 10)
    store.releases.hand_back(release.id, "w", not_before=later)
    (one,) = store.releases.unfinished()
    assert (one.worker, one.lease_expires_at, one.not_before) == (None, None, later)


def test_what_a_release_waits_for_is_told_once_and_forgotten_when_it_begins(store: Store, accept: Accept) -> None:
    release = accept(bundle=ONE)
    for _ in range(2):
        store.releases.note(release.id, "waits")
    lines = [one.data["line"] for one in store.events.after(release.id, 0, 10) if one.type == "log"]
    assert (store.releases.get(release.id).message, lines) == ("waits", ["waits"])
    begun = store.releases.claim(release.id, {S.READY}, S.DEPLOYING, "w", 10)
    assert begun is not None
    assert begun.message == ""
    store.releases.note(release.id, "waits again")
    store.releases.note(release.id, "")
    assert store.releases.get(release.id).message == ""


def test_how_a_release_ended_is_not_written_over(store: Store, accept: Accept) -> None:
    release = accept()
    store.releases.transition(release.id, S.FAILED, message="because")
    store.releases.note(release.id, "waits")
    assert store.releases.get(release.id).message == "because"


def test_finished_releases_are_not_unfinished(store: Store, accept: Accept) -> None:
    release = accept()
    assert [one.release.id for one in store.releases.unfinished()] == [release.id]
    store.releases.transition(release.id, S.FAILED)
    assert store.releases.unfinished() == []


def test_a_release_that_waits_is_cancelled_at_once(store: Store, accept: Accept) -> None:
    release = accept()
    store.releases.request_cancel(release.id)
    store.releases.request_cancel(release.id)
    assert store.releases.get(release.id).state is S.CANCELLED


def test_a_release_that_is_worked_on_is_asked_to_stop(store: Store, accept: Accept) -> None:
    release = accept()
    store.releases.claim(release.id, {S.ACCEPTED}, S.CHECKING, "w", 10)
    store.releases.request_cancel(release.id)
    found = store.releases.get(release.id)
    assert (found.state, found.cancel_requested) == (S.CHECKING, True)


def test_an_interrupted_rollout_is_not_called_cancelled(store: Store, accept: Accept) -> None:
    release = accept(bundle=ONE)
    store.releases.claim(release.id, {S.READY}, S.DEPLOYING, "w", 10)
    store.releases.hand_back(release.id, "w")
    store.releases.request_cancel(release.id)
    assert store.releases.get(release.id).state is S.DEPLOYING


def test_what_has_ended_can_not_be_cancelled(store: Store, accept: Accept) -> None:
    release = _deployed(store, accept, ONE, 1)
    with pytest.raises(Conflict, match="already ended as deployed"):
        store.releases.request_cancel(release.id)


def test_pages_go_through_all_once_newest_first(store: Store, accept: Accept) -> None:
    wanted = [accept(app=f"app-{number}").id for number in range(7)][::-1]
    found, cursor = [], None
    while True:
        page = store.releases.find(ReleaseFilter(), 3, cursor)
        found += [one.id for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == wanted


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1 OR 1=1", "²", "9" * 30])
def test_a_cursor_that_is_not_ours_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(InvalidInput, match="not a cursor"):
        store.releases.find(ReleaseFilter(), 3, cursor)


def test_filters_hold(store: Store, accept: Accept) -> None:
    one = accept(app="a", team="red")
    accept(app="b", team="blue")

    def found(**wanted: object) -> list[str]:
        return [release.id for release in store.releases.find(ReleaseFilter(**wanted), 10).items]  # type: ignore[arg-type]  # any field

    assert found(app="a") == [one.id]
    assert found(team="red") == [one.id]
    assert found(within=(Reach("red"),)) == [one.id]
    assert found(within=(Reach("red", frozenset({"b"})), Reach("blue", frozenset({"a"})))) == []
    assert found(within=(Reach("", frozenset({"a", "x"})),)) == [one.id]
    assert found(within=(Reach("red"), Reach("green")), team="blue") == []
    assert found(within=()) == []
    assert found(state=S.DEPLOYED) == []
    assert found(commit="f" * 40) == []
    assert found(environment="production") == []


def test_stages_keep_their_order_and_times(store: Store, accept: Accept) -> None:
    release = accept()
    for name in (StageName.POLICY, StageName.CHECKOUT):
        store.releases.stage(release.id, name, StageState.RUNNING)
        store.releases.stage(release.id, name, StageState.PASSED, "fine")
    stages = store.releases.stages(release.id)
    assert [stage.name for stage in stages] == [StageName.CHECKOUT, StageName.POLICY]
    assert all(stage.finished_at and stage.finished_at >= stage.started_at for stage in stages)


def test_a_second_attempt_begins_its_stages_anew(store: Store, accept: Accept) -> None:
    release = accept()
    store.releases.stage(release.id, StageName.CHECKOUT, StageState.FAILED, "no answer")
    store.releases.stage(release.id, StageName.CHECKOUT, StageState.RUNNING)
    (stage,) = store.releases.stages(release.id)
    assert (stage.state, stage.finished_at, stage.detail) == (StageState.RUNNING, None, "")


def test_findings_of_a_second_attempt_replace_the_first(store: Store, accept: Accept) -> None:
    release = accept()
    store.releases.add_findings(release.id, [FINDING, FINDING])
    store.releases.add_findings(release.id, [FINDING])
    assert store.releases.findings(release.id) == [FINDING]


def test_changes_are_kept(store: Store, accept: Accept) -> None:
    release = accept()
    assert store.releases.changes(release.id) == []
    store.releases.set_changes(release.id, [Change("Pod/x", "create", "+ a")])
    assert store.releases.changes(release.id) == [Change("Pod/x", "create", "+ a")]


def test_events_are_read_on_from_any_point(store: Store, accept: Accept) -> None:
    release, other = accept(), accept(app="other")
    store.events.append(other.id, "log", {"line": "of another"})
    second = store.events.append(release.id, "log", {"line": "x"})
    store.releases.transition(release.id, S.FAILED, code="c", message="m")
    after = store.events.after(release.id, second.id, 10)
    assert [(one.type, one.data["state"], one.data["final"]) for one in after] == [("state", "failed", True)]
    assert [one.data.get("line") for one in store.events.after(release.id, 0, 2)] == [None, "x"]


def test_an_event_of_no_release_is_refused(store: Store) -> None:
    with pytest.raises(NotFound):
        store.events.append(ReleaseId("0" * 26), "log", {})


def test_the_last_good_one_is_the_newest_with_another_bundle(store: Store, accept: Accept) -> None:
    first = _deployed(store, accept, ONE, 1)
    assert store.releases.last_good("checkout", "staging") is None
    _deployed(store, accept, TWO, 2)
    _deployed(store, accept, TWO, 3)
    failed = accept(bundle=THREE)
    store.releases.transition(failed.id, S.DEPLOYING)
    store.releases.transition(failed.id, S.ROLLED_BACK)
    found = store.releases.last_good("checkout", "staging")
    assert found is not None
    assert found.id == first.id
    assert store.releases.by_revision("checkout", "staging", 1) == first


def test_two_rollbacks_in_a_row_go_further_back(store: Store, accept: Accept) -> None:
    first = _deployed(store, accept, ONE, 1)
    second = _deployed(store, accept, TWO, 2)
    _deployed(store, accept, THREE, 3)
    _deployed(store, accept, TWO, 4, kind=ReleaseKind.ROLLBACK, rollback_of=second.id)
    found = store.releases.last_good("checkout", "staging")
    assert found is not None
    assert found.id == first.id


def test_nothing_is_good_where_nothing_runs(store: Store) -> None:
    assert store.releases.last_good("checkout", "staging") is None
    assert store.releases.next_ready("checkout", "staging") is None
