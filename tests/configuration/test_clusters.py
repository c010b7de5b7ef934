"""What gateway.yaml says of clusters: their nodes, what kube-bench is exempted from, what an Environment requires."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from configuration.file import load
from configuration.identity import Role
from configuration.settings import KubeBench
from pipelines.apps import BenchmarkRequirement
from pipelines.benchmark import NODE_CLASSES
from pipelines.errors import InvalidConfiguration, NotFound

GATEWAY_YAML = """\
apiVersion: deploy-gateway/v1
public_url: http://127.0.0.1:8080
store: {url: "sqlite:///gateway.db"}
queue: {url: "redis://127.0.0.1:6379/0"}
clusters:
  main: {kube_bench: {exempted_by: Ada, until: "2027-06-30"}}
  managed: {node_classes: {worker: [node, policies]}}
environments:
  staging: {cluster: main}
  production:
    cluster: managed
    namespace: "{app}-production"
    requires: {benchmark: {not_older_than_days: 3, passing: [4.2.6, 4.1.1], no_new_failures: true}}
tokens:
  - {name: kube-bench, role: measurer, sha256: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}
"""


MIDDLEWARE, ROUTE = "traefik.io/Middleware", "traefik.io/IngressRoute"


def written(tmp_path: Path, old: str = "", new: str = "") -> Path:
    path = tmp_path / "gateway.yaml"
    path.write_text(GATEWAY_YAML.replace(old, new, 1))
    return path


def test_clusters_have_classes_of_nodes_and_who_has_reviewed_kube_bench(tmp_path: Path) -> None:
    settings = load(written(tmp_path))
    assert settings.node_classes["main"] == NODE_CLASSES
    assert settings.node_classes["managed"] == {"worker": ("node", "policies")}
    reason = "kube-bench reads the processes and files of its node, and changes nothing"
    assert settings.kube_bench == {"main": KubeBench("deploy-gateway-kube-bench", "Ada", reason, date(2027, 6, 30))}
    assert settings.cluster("main") == "main"
    with pytest.raises(NotFound, match="no cluster 'nain'"):
        settings.cluster("nain")


def test_an_environment_requires_nothing_of_its_cluster_or_what_is_written(tmp_path: Path) -> None:
    environments = load(written(tmp_path)).environments
    assert environments["staging"].benchmark is None
    assert environments["production"].benchmark == BenchmarkRequirement(3, ("4.2.6", "4.1.1"), True)


def test_a_measurer_goes_without_a_team(tmp_path: Path) -> None:
    (token,) = load(written(tmp_path)).tokens
    assert (token.grant.role, token.grant.team) == (Role.MEASURER, "")


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ('"2027-06-30"', "2027-06-31", 6, 'write a day in quotes, such as "2027-06-30"'),
        ("exempted_by: Ada, ", "", 6, "the key 'clusters.main.kube_bench.exempted_by' is missing"),
        ("[node, policies]", "[]", 7, "clusters.managed.node_classes.worker"),
        ("[node, policies]", "[nodes]", 7, "should be 'master', 'etcd', 'controlplane', 'node'"),
        ("{worker: [node, policies]}", "{}", 7, "clusters.managed.node_classes"),
        ("[4.2.6, 4.1.1]", '["1; id"]', 13, "does not have the form it must have"),
        ("not_older_than_days: 3", "not_older_than_days: 0", 13, "greater than or equal to 1"),
        ("requires: {benchmark", "requires: {benchmarks", 13, "unknown key"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, old: str, new: str, line: int, reason: str) -> None:
    assert old in GATEWAY_YAML
    with pytest.raises(InvalidConfiguration) as refused:
        load(written(tmp_path, old, new))
    (fault,) = refused.value.errors
    assert fault.where == f"gateway.yaml:{line}"
    assert reason in fault.reason


def test_kinds_of_other_proxies_are_allowed_in_one_environment(tmp_path: Path) -> None:
    path = written(tmp_path, "{cluster: main}", f"{{cluster: main, allowed_kinds: [{MIDDLEWARE}]}}")
    places = load(path, environ={}).environments
    assert {name: one.allowed_kinds for name, one in places.items()} == {"staging": (MIDDLEWARE,), "production": ()}


@pytest.mark.parametrize("kind", [ROUTE, "v1/ResourceQuota", "external-secrets.io/SecretStore", "traefik.io/x y", ""])
def test_neither_routes_nor_what_bounds_an_app_can_be_allowed(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path, "{cluster: main}", f'{{cluster: main, allowed_kinds: ["{kind}"]}}')
    with pytest.raises(InvalidConfiguration, match="none of its routes"):
        load(path, environ={})
