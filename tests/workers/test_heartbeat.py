"""Worker processes: what they do beside their jobs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from redis import Redis
from rq import Queue

# In a process of its own: RQ takes signals and timers for itself.
WORKER = """
import sys
from redis import Redis
from rq import Queue
from workers.main import _Worker

connection = Redis.from_url(sys.argv[1])
queue = Queue("slow", connection=connection, serializer="json")
worker = _Worker([queue], connection=connection, serializer="json", job_monitoring_interval=1)
worker.before_job = lambda: print("before", flush=True)
worker.during_job = lambda: print("during", flush=True)
worker.between_jobs = lambda: print("between", flush=True)
worker.work(burst=True, logging_level="WARNING")
"""


def test_a_worker_shows_that_it_lives_also_while_a_job_runs(queue_url: str) -> None:
    with Redis.from_url(queue_url) as redis:
        queue = Queue("slow", connection=redis, serializer="json")
        queue.enqueue("time.sleep", 2.5, job_timeout=60, result_ttl=0)
    command = [sys.executable, "-c", WORKER, queue_url]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=True, cwd=Path(__file__).parents[2]
    )
    said = done.stdout.split()
    assert said.index("before") < said.index("during")
    assert "between" in said
