"""Jobs whose world is away: tried again, told why, well again when it is back, and failed when it stays away."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from configuration.file import load
from configuration.settings import Settings
from pipelines.adapters.git import GitRepositories
from pipelines.adapters.helm import HelmClient
from pipelines.adapters.kube import KubeCluster
from pipelines.adapters.kube.connection import Connection
from pipelines.adapters.registry import Registries
from pipelines.apps import ClusterName
from pipelines.bundle import freeze
from pipelines.catalogue import entry_of
from pipelines.check import CheckPorts
from pipelines.deploy import DeployPorts
from pipelines.findings import Finding
from pipelines.ports import CheckSubject, ClusterFacts
from pipelines.states import ReleaseState as S
from store import Release, Store
from store.queue import RedisQueue, deploy_queue
from tests.conftest import GitServer
from tests.pipelines.conftest import kubeconfig_of
from tests.pipelines.test_bundle import BUNDLE
from tests.workers.conftest import Accept
from tools.toolbox import ensure
from workers.check import check_release
from workers.context import CheckContext, DeployContext
from workers.deploy import deploy_release
from workers.ending import MOST_ATTEMPTS

NAME = ClusterName("local")
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: checkout}\ndata: {a: b}\n"
FILES = {
    "deploy.yaml": "apiVersion: deploy-gateway/v1\napp: checkout\nmanifests: k8s\n",
    "k8s/a.yaml": CONFIG_MAP,
}
GATEWAY_YAML = """\
apiVersion: deploy-gateway/v1
public_url: http://127.0.0.1:8080
store: {{url: "sqlite:///gateway.db"}}
queue: {{url: "redis://127.0.0.1:1/0"}}
clusters: {{local: {{}}}}
environments: {{staging: {{cluster: local, namespace: "{{app}}-staging"}}}}
teams: {{shop: {{}}}}
apps: {{checkout: {{team: shop, repository: "{repository}"}}}}
"""


class Contented:
    """Implements `Check`: finds nothing."""

    name = "contented"

    def findings(self, subject: CheckSubject) -> tuple[Finding, ...]:
        return ()


@dataclass
class Zone:
    """The check zone of one repository, with all that is real but the checks."""

    store: Store
    queue: RedisQueue
    folder: Path
    scratch: Path
    repository: str

    def check(self, release: Release) -> Release:
        """One attempt; the Release as it is then."""
        check_release(self.context(), release.id)
        return self.store.releases.get(release.id)

    def context(self) -> CheckContext:
        ports = CheckPorts(
            git=GitRepositories(allowed_hosts=(), most_bytes=10 * 1024 * 1024),
            registry=Registries(plain_http_hosts=()),
            helm=HelmClient(ensure(["helm"])["helm"], self.folder / "helm"),
            lint=(Contented(),),
            policy=(Contented(),),
        )
        return CheckContext(self._settings(), self.store, self.queue, ports, self.scratch)

    def _settings(self) -> Settings:
        path = self.folder / "gateway.yaml"
        path.write_text(GATEWAY_YAML.format(repository=self.repository))
        return load(path)


@pytest.fixture
def zone(store: Store, queue: RedisQueue, git_server: GitServer, tmp_path: Path) -> Zone:
    """A cluster that is known, and a repository of this test's own with a ConfigMap in it."""
    store.clusters.publish(NAME, ClusterFacts("v1.36.3", ("v1",), {}))
    name = f"workers/{tmp_path.name}"
    git_server.push(name, FILES)
    return Zone(store, queue, tmp_path, tmp_path / "checks", f"{git_server.url}/{name}.git")


def _lines(store: Store, release: Release) -> list[str]:
    return [one.data["line"] for one in store.events.after(release.id, 0, 100) if one.type == "log"]


def _after(attempts: int, store: Store, release: Release, to: S) -> None:
    """So many attempts are over already: their workers died."""
    for number in range(attempts):
        assert store.releases.claim(release.id, {S.ACCEPTED, S.READY}, to, f"w{number}", -1)


def test_what_is_checked_is_ready_and_hinted_to_the_deploy_workers(zone: Zone, accept: Accept) -> None:
    done = zone.check(accept())
    assert (done.state, done.message) == (S.READY, "")
    assert zone.queue.waiting(deploy_queue("local")) == {done.id}
    assert list(zone.scratch.iterdir()) == []


def test_without_redis_it_is_ready_all_the_same(zone: Zone, accept: Accept) -> None:
    assert replace(zone, queue=RedisQueue("redis://127.0.0.1:1/0")).check(accept()).state is S.READY


@contextmanager
def _line(target: str, port: int) -> Iterator[None]:
    """Passes connections to `port` on to the server at `target`, `host:port`."""
    host, _, number = target.rpartition(":")
    listener = socket.create_server(("127.0.0.1", port))

    def forward(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while block := source.recv(65536):
                sink.sendall(block)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, server = listener.accept()[0], socket.create_connection((host, int(number)))
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=forward, args=ends, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield
    listener.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_a_git_server_that_is_away_for_a_while_costs_a_second_attempt(zone: Zone, accept: Accept) -> None:
    release, port = accept(), _free_port()
    _, _, server, path = zone.repository.split("/", 3)
    behind = replace(zone, repository=f"http://127.0.0.1:{port}/{path}")
    waits = behind.check(release)
    assert (waits.state, waits.attempts) == (S.CHECKING, 1)
    (line,) = _lines(zone.store, release)
    assert "can't be fetched" in line
    assert "Tried again in 1 s (attempt 1 of 5)" in line
    with _line(server, port):
        done = behind.check(release)
    assert done.state is S.READY
    assert {stage.state for stage in zone.store.releases.stages(release.id)} == {"passed"}


def test_a_git_server_that_stays_away_fails_the_release_with_the_reason(zone: Zone, accept: Accept) -> None:
    release = accept()
    _after(MOST_ATTEMPTS - 1, zone.store, release, S.CHECKING)
    done = replace(zone, repository=f"http://127.0.0.1:{_free_port()}/x.git").check(release)
    assert (done.state, done.code) == (S.FAILED, "git-unavailable")
    assert done.message.endswith("Tried 5 times.")


def test_a_worker_with_a_full_disk_says_so_and_goes_on_when_there_is_room(
    zone: Zone, accept: Accept, small_disk: Path
) -> None:
    release, ballast = accept(), small_disk / "ballast"
    with suppress(OSError):
        ballast.write_bytes(b"0" * 2 * 1024 * 1024)
    full = replace(zone, scratch=small_disk / "checks")
    assert full.check(release).state is S.CHECKING
    assert "the checkout can't be written: no space left. Tried again" in _lines(zone.store, release)[0]
    ballast.unlink()
    assert full.check(release).state is S.READY
    assert list((small_disk / "checks").iterdir()) == []


def test_a_cluster_that_no_worker_has_ever_reached_fails_a_check_in_the_end(
    zone: Zone, accept: Accept, database_url: str
) -> None:
    production = ClusterName("production")
    release = accept(cluster=production)
    assert zone.check(release).state is S.CHECKING
    _after(MOST_ATTEMPTS - 2, zone.store, release, S.CHECKING)
    done = zone.check(release)
    assert (done.state, done.code) == (S.FAILED, "cluster-unavailable")
    assert "no deploy worker of the cluster production has been seen yet" in done.message


def test_a_finding_that_appears_late_is_not_told_by_who_lost_the_lease(zone: Zone, accept: Accept) -> None:
    release = accept()

    class TakesItsTime(Contented):
        def findings(self, subject: CheckSubject) -> tuple[Finding, ...]:
            held = zone.store.releases.unfinished()[0].worker
            zone.store.releases.hand_back(release.id, str(held))
            zone.store.releases.claim(release.id, {S.ACCEPTED}, S.CHECKING, "other", 10)
            return ()

    context = zone.context()
    late = replace(context, ports=replace(context.ports, lint=(TakesItsTime(),)))
    check_release(late, release.id)
    (one,) = zone.store.releases.unfinished()
    assert (one.release.state, one.worker) == (S.CHECKING, "other")


@pytest.fixture
def away(zone: Zone, tmp_path: Path) -> Callable[[Release], Release]:
    """The deploy zone of a cluster that does not answer: one attempt; the Release as it is then."""
    kubeconfig = kubeconfig_of(tmp_path, f"http://127.0.0.1:{_free_port()}")

    def ports() -> DeployPorts:
        cluster = KubeCluster(kubeconfig)
        cluster._connection = Connection(kubeconfig, patience_seconds=0.3)
        return DeployPorts(cluster, HelmClient(ensure(["helm"])["helm"], tmp_path / "helm", kubeconfig))

    def attempt(release: Release) -> Release:
        deploy_release(DeployContext(zone.context().settings, zone.store, zone.queue, "local", ports), release.id)
        return zone.store.releases.get(release.id)

    return attempt


@pytest.fixture
def ready(store: Store, accept: Accept) -> Release:
    digest, content = freeze(replace(BUNDLE, manifest=CONFIG_MAP.encode()))
    store.bundles.put(digest, content)
    return accept(bundle=digest)


def test_a_cluster_that_is_away_is_tried_again(
    store: Store, ready: Release, away: Callable[[Release], Release]
) -> None:
    waits = away(ready)
    assert (waits.state, waits.attempts) == (S.DEPLOYING, 1)
    assert "Tried again in 1 s (attempt 1 of 5)" in _lines(store, ready)[0]
    assert store.locks.holder("checkout", "staging") == ready.id


def test_a_waiver_that_ended_since_the_check_blocks_the_rollout(
    store: Store, ready: Release, away: Callable[[Release], Release]
) -> None:
    finding = entry_of("seccomp").finding("Deployment/checkout", "", "none")
    store.releases.add_findings(ready.id, [replace(finding, waiver="Ada, until 2026-01-01: x (waiver w1)")])
    done = away(ready)
    assert (done.state, done.code) == (S.BLOCKED, "waiver-ended")
    assert "seccomp for Deployment/checkout" in done.message


def test_a_cluster_that_stays_away_fails_the_release_and_frees_its_place(
    store: Store, ready: Release, accept: Accept, queue: RedisQueue, away: Callable[[Release], Release]
) -> None:
    store.locks.acquire("checkout", "staging", ready.id)
    _after(MOST_ATTEMPTS - 1, store, ready, S.DEPLOYING)
    following = accept(bundle=ready.bundle)
    done = away(ready)
    assert (done.state, done.code) == (S.FAILED, "cluster-unavailable")
    assert done.message.endswith("Tried 5 times.")
    assert store.locks.holder("checkout", "staging") is None
    assert queue.waiting(deploy_queue("local")) == {following.id}
