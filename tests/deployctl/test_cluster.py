"""`deployctl cluster`, run as its users run it against a gateway with a store of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from configuration.file import load
from deployctl.exits import Exit
from deployctl.facts import facts_in, read_facts
from gateway.app import create_app
from pipelines.apps import ClusterName
from pipelines.ports import ClusterFacts
from store import Store, open_store
from store.queue import RedisQueue
from tests.benchmarks import report, report_with
from tests.gateway.conftest import TOKENS, prepare

Run = Callable[..., subprocess.CompletedProcess[str]]
PROGRAM = str(Path(sys.executable).with_name("deployctl"))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return prepare(tmp_path, "redis://127.0.0.1:1/0")


@pytest.fixture
def store(config: Path) -> Iterator[Store]:
    opened = open_store(load(config).database_url)
    yield opened
    opened.close()


@pytest.fixture
def gateway(config: Path, store: Store) -> Iterator[str]:
    """The address of a gateway whose queue is not there: nothing here needs it."""
    settings = load(config)
    server = make_server("127.0.0.1", 0, create_app(settings, store, RedisQueue(settings.redis_url)), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def run(gateway: str, tmp_path: Path) -> Run:
    def run(*arguments: str, holder: str = "measurer", stdin: str = "") -> subprocess.CompletedProcess[str]:
        environment = {
            **{name: os.environ[name] for name in ("PATH", "COVERAGE_PROCESS_CONFIG") if name in os.environ},
            "HOME": str(tmp_path),
            "DEPLOY_GATEWAY_CACHE": str(tmp_path / "cache"),
            "DEPLOYCTL_URL": gateway,
            "DEPLOYCTL_TOKEN": TOKENS[holder],
        }
        return subprocess.run(
            [PROGRAM, "cluster", *arguments], env=environment, input=stdin, capture_output=True, text=True, timeout=60
        )

    return run


@pytest.fixture
def measured(run: Run, tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "report.json"
    path.write_text(report("worker"))
    os.utime(path, (1_790_000_000, 1_790_000_000))
    done = run("bench", "--file", str(path), "--node", "worker-1", "--node-class", "worker", "-o", "json")
    assert done.returncode == 0, done.stderr
    stored: dict[str, Any] = json.loads(done.stdout)
    return stored


def test_a_file_is_handed_in_as_measured_when_it_was_written(measured: dict[str, Any]) -> None:
    assert (measured["node"], measured["measured_at"]) == ("worker-1", "2026-09-21T14:13:20Z")


def test_the_posture_is_shown_with_what_to_do(run: Run, measured: dict[str, Any]) -> None:
    shown = run("bench", holder="shop-viewer").stdout
    lines = [line.split() for line in shown.splitlines()]
    assert lines[1] == ["control-plane", "not", "measured", "never"]
    assert lines[2][:6] == ["worker", "measured", "2", "1", "0", "worker-1"]
    assert "makeIPTablesUtilChains: true" in shown
    assert json.loads(run("bench", "-o", "json").stdout)["node_classes"][1]["newest"] == measured


def test_an_accepted_baseline_tells_what_is_new(run: Run, measured: dict[str, Any]) -> None:
    accept = ("baseline", "local", "--node-class", "worker", "--reason", "The network team's")
    assert run(*accept).returncode == 6
    accepted = run(*accept, holder="admin")
    assert (accepted.returncode, measured["id"] in accepted.stderr) == (0, True)
    worse = report_with("worker", **{"4.1.1": "FAIL"})
    shown = run("bench", "--file", "-", "--node", "worker-1", "--node-class", "worker", stdin=worse)
    assert shown.returncode == 0, shown.stderr
    assert "worker 4.1.1 (new)" in shown.stdout
    assert "worker 4.2.6  " in shown.stdout
    assert "by admin" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (("bench", "--file", "-"), "", "--file, --node and --node-class belong together"),
        (
            ("bench", "--file", "nowhere.json", "--node", "a", "--node-class", "worker"),
            "",
            "nowhere.json: No such file",
        ),
        (("bench", "--file", "-", "--node", "a", "--node-class", "worker"), "{}", "its keys should be Controls"),
        (("bench", "--cluster", "nonesuch"), "", "there is no cluster 'nonesuch'"),
        (("facts", "nonesuch"), "", "there is no cluster 'nonesuch'"),
        (("facts", "../local"), "", "'../local' is no name of a cluster"),
        (("facts",), "", "nothing is known of the cluster local yet"),
        (("baseline", "local", "--node-class", "worker", "--reason", "x"), "", "nothing was measured"),
    ],
)
def test_what_can_not_be_done_says_why(run: Run, arguments: tuple[str, ...], stdin: str, said: str) -> None:
    done = run(*arguments, holder="admin", stdin=stdin)
    assert done.returncode == 2
    assert said in done.stderr


KNOWN = ClusterFacts("v1.36.3", ("v1", "v1/Pod"), {"v1/Pod": {"type": "object"}})


def test_what_a_cluster_knows_is_written_for_check(run: Run, store: Store, tmp_path: Path) -> None:
    store.clusters.publish(ClusterName("local"), KNOWN)
    done = run("facts", "local", "-o", str(tmp_path / "facts.json"), holder="shop-viewer")
    assert (done.returncode, done.stdout) == (0, "")
    assert "local: Kubernetes v1.36.3, 1 kinds, in " in done.stderr
    assert read_facts(tmp_path / "facts.json") == KNOWN
    done = run("facts", "-o", "-")
    assert facts_in(done.stdout.encode(), "stdout") == KNOWN
    assert run("facts", "-o", str(tmp_path / "no" / "where")).returncode == Exit.WRONG_USAGE


def test_what_a_cluster_knows_is_kept_for_check(run: Run, store: Store, tmp_path: Path) -> None:
    store.clusters.publish(ClusterName("local"), KNOWN)
    done = run("facts")
    kept = tmp_path / "cache" / "facts" / "local.json"
    assert done.stderr == f"local: Kubernetes v1.36.3, 1 kinds, kept in {kept}\n"
    assert read_facts(kept) == KNOWN
    assert list(kept.parent.iterdir()) == [kept]
