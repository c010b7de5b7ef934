"""What a worker finds out before it takes its first job."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue

from configuration.references import Reference
from pipelines.credentials import Credentials
from pipelines.errors import InvalidConfiguration
from workers.images import reader


def test_a_credential_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="can't be read") as caught:
        reader(Reference("file:git-token", tmp_path, "gateway.yaml:16"))
    assert caught.value.where == "gateway.yaml:16"


def test_a_credential_can_be_changed_while_a_worker_runs(tmp_path: Path) -> None:
    file = tmp_path / "git-token"
    file.write_text("ci:first\n")
    read = reader(Reference("file:git-token", tmp_path, "gateway.yaml:16"))
    file.write_text("ci:second\n")
    assert read() == Credentials("ci", "second")


# In a process of its own: RQ takes signals and timers for itself.
WORKER = "import sys; from workers.main import _worker; _worker(*sys.argv[1:]).work(burst=True)"


def test_a_worker_runs_nothing_that_a_stranger_wrote_into_redis_and_goes_on(queue_url: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with Redis.from_url(queue_url) as redis:
        queue = Queue("deploy.local", connection=redis, serializer="json")
        queue.enqueue("os.mkdir", str(trace))
        broken = queue.enqueue("workers.jobs.deploy", "a" * 26)
        redis.hset(broken.key, "created_at", "x")
        command = [sys.executable, "-c", WORKER, queue_url, "deploy.local"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[2])
        assert (done.returncode, trace.exists(), queue.job_ids) == (0, False, []), done.stderr
