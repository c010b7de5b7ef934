"""How attempts end that did not come through: every Release gets one true end, whatever was raised."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from pipelines.errors import Fault, GitUnavailable, InvalidDeployFile, PreflightRefused
from pipelines.reporting import Cancelled
from pipelines.states import ReleaseState as S
from store import Release, Store
from store.events import LeaseLost
from tests.workers.conftest import Accept
from workers.ending import MOST_ATTEMPTS, brought_to_an_end

Attempt = Callable[[Exception], Release]
AWAY = GitUnavailable("git.example.com does not answer", "See whether it is up")


@pytest.fixture
def attempt(store: Store, accept: Accept) -> Attempt:
    """One more attempt at the same Release, that raises what it is given; the Release as it is then."""
    id = accept().id

    def attempt(error: Exception) -> Release:
        release = store.releases.claim(id, {S.ACCEPTED}, S.CHECKING, "w", 10)
        assert release is not None
        with brought_to_an_end(store, release, "w"):
            raise error
        return store.releases.get(id)

    return attempt


def _lines(store: Store, release: Release) -> list[str]:
    return [one.data["line"] for one in store.events.after(release.id, 0, 100) if one.type == "log"]


def test_what_does_not_answer_is_tried_again_after_growing_pauses_and_then_failed(
    store: Store, attempt: Attempt
) -> None:
    for number in range(1, MOST_ATTEMPTS):
        before = datetime.now(UTC)
        assert attempt(AWAY).state is S.CHECKING
        (one,) = store.releases.unfinished()
        assert one.worker is None
        assert one.not_before is not None
        pause = (one.not_before - before).total_seconds()
        assert 0.8 * 2 ** (number - 1) <= pause <= 1.2 * 2 ** (number - 1) + 1
    done = attempt(AWAY)
    assert (done.state, done.code) == (S.FAILED, "git-unavailable")
    assert done.message == "git.example.com does not answer. See whether it is up Tried 5 times."


def test_each_further_try_is_told_with_its_reason(store: Store, attempt: Attempt) -> None:
    release = attempt(AWAY)
    assert _lines(store, release) == ["git.example.com does not answer. Tried again in 1 s (attempt 1 of 5)"]


def test_what_somebody_has_to_correct_is_not_tried_again(attempt: Attempt) -> None:
    done = attempt(InvalidDeployFile("no such key", "Write `port`", where="deploy.yaml:3"))
    assert (done.state, done.code) == (S.FAILED, "invalid-deploy-file")
    assert done.message == "deploy.yaml:3: no such key. Write `port`"


def test_all_faults_of_a_file_are_told(attempt: Attempt) -> None:
    faults = [Fault("deploy.yaml:1", "one", "Mend it"), Fault("deploy.yaml:2", "two", "Mend it")]
    done = attempt(InvalidDeployFile("2 faults", "Mend them", errors=faults))
    assert done.message == "deploy.yaml:1: one. Mend it\ndeploy.yaml:2: two. Mend it"


def test_what_the_cluster_would_refuse_is_blocked(attempt: Attempt) -> None:
    done = attempt(PreflightRefused("no", "Correct it"))
    assert (done.state, done.code) == (S.BLOCKED, "preflight-refused")


def test_what_was_cancelled_is_cancelled(attempt: Attempt) -> None:
    assert attempt(Cancelled()).state is S.CANCELLED


def test_a_crash_is_told_by_a_reference_and_not_by_its_words(attempt: Attempt) -> None:
    done = attempt(ZeroDivisionError("postgresql://user:secret@host"))
    assert (done.state, done.code) == (S.FAILED, "internal-error")
    assert "the reference " in done.message
    assert "secret" not in done.message


@pytest.mark.parametrize("error", [AWAY, InvalidDeployFile("no", "Mend it"), Cancelled(), ZeroDivisionError()])
def test_who_has_lost_the_release_says_nothing_of_its_end(store: Store, accept: Accept, error: Exception) -> None:
    release = store.releases.claim(accept().id, {S.ACCEPTED}, S.CHECKING, "slow", -1)
    assert release is not None
    store.releases.claim(release.id, {S.ACCEPTED}, S.CHECKING, "other", 10)
    before = store.events.after(release.id, 0, 100)
    with brought_to_an_end(store, release, "slow"):
        raise error
    assert store.releases.unfinished()[0].worker == "other"
    assert store.events.after(release.id, 0, 100) == before


def test_an_attempt_that_finds_its_lease_lost_is_given_up(store: Store, attempt: Attempt) -> None:
    assert attempt(LeaseLost("lost", "Nothing")).state is S.CHECKING
    assert store.releases.unfinished()[0].worker == "w"
