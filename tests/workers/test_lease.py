"""A lease: kept by who works, lost by who does not answer, and an attempt without one ends."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from pipelines.apps import ReleaseId
from pipelines.states import ReleaseState as S
from store import Store
from tests.waiting import eventually
from tests.workers.conftest import Accept
from tools.stack.processes import ProcessId
from workers.lease import Lease, new_holder


def _claim(store: Store, accept: Accept, holder: str, seconds: float = 10) -> ReleaseId:
    release = accept()
    assert store.releases.claim(release.id, {S.ACCEPTED}, S.CHECKING, holder, seconds)
    return release.id


def test_no_two_holders_have_the_same_name() -> None:
    assert new_holder() != new_holder()


def test_a_lease_is_renewed_while_its_holder_works(store: Store, accept: Accept) -> None:
    id = _claim(store, accept, "w", 0.3)
    with Lease(store, id, "w", lease_seconds=30, renew_seconds=0.05):
        eventually(lambda: store.releases.unfinished()[0].lease_expires_at.timestamp() > time.time() + 5)
    assert store.releases.claim(id, {S.ACCEPTED}, S.CHECKING, "other", 10) is None


def test_a_holder_whose_release_was_taken_up_is_told(store: Store, accept: Accept) -> None:
    id, lost = _claim(store, accept, "slow", -1), threading.Event()
    assert store.releases.claim(id, {S.ACCEPTED}, S.CHECKING, "other", 10)
    with Lease(store, id, "slow", on_lost=lost.set, renew_seconds=0.02):
        assert lost.wait(60)


def test_a_release_that_ends_as_its_holder_says_is_no_lost_lease(store: Store, accept: Accept) -> None:
    id, lost = _claim(store, accept, "w"), threading.Event()
    with Lease(store, id, "w", on_lost=lost.set, renew_seconds=0.02):
        assert store.releases.transition(id, S.FAILED, worker="w")
        time.sleep(0.2)
    assert not lost.is_set()


def test_a_store_that_is_away_longer_than_the_lease_lasts_ends_it(
    store: Store, database_url: str, accept: Accept
) -> None:
    id, lost = _claim(store, accept, "w"), threading.Event()
    with sqlite3.connect(database_url.removeprefix("sqlite:///")) as other:
        other.execute("ALTER TABLE releases RENAME TO away")
    began = time.monotonic()
    with Lease(store, id, "w", on_lost=lost.set, lease_seconds=0.5, renew_seconds=0.02):
        assert lost.wait(60)
    assert time.monotonic() - began >= 0.5


JOB = """
    import os, subprocess, sys, time
    from pathlib import Path
    from store import open_store
    from workers.lease import Lease, end_at_once
    if sys.argv[3] == "leads":
        os.setpgid(0, 0)
    store = open_store(sys.argv[1])
    child = subprocess.Popen(["sleep", "60"])
    print(child.pid, flush=True)
    with Lease(store, sys.argv[2], "slow", on_lost=end_at_once, renew_seconds=0.05):
        time.sleep(60)
"""


@pytest.mark.parametrize(("leads", "code"), [("leads", -signal.SIGKILL), ("follows", 1)])
def test_a_job_that_has_lost_its_lease_ends_with_what_it_started(
    store: Store, database_url: str, accept: Accept, leads: str, code: int
) -> None:
    id = _claim(store, accept, "slow")
    command = [sys.executable, "-c", textwrap.dedent(JOB), database_url, id, leads]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as job:
        assert job.stdout is not None
        child = int(job.stdout.readline())
        store.releases.hand_back(id, "slow")
        assert store.releases.claim(id, {S.ACCEPTED}, S.CHECKING, "other", 10)
        assert job.wait(60) == code
    if leads == "leads":
        eventually(lambda: ProcessId.of(child) is None)
    else:
        os.kill(child, signal.SIGKILL)
