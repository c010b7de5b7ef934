"""What pods name and a Release does not bring: asked for in the cluster before anything waits for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
import yaml

from pipelines.adapters.kube import KubeCluster
from pipelines.adapters.kube.connection import Connection, Refused
from pipelines.errors import PreflightRefused
from pipelines.findings import Mode
from pipelines.ports import Change
from pipelines.stages.needs import insist_on_what_is_needed
from pipelines.states import ReleaseState
from pipelines.waivers import Waiver
from tests.pipelines.deploying import BUNDLE, Place, Told, run_deploy
from tests.pipelines.test_apps import STAGING
from tools.stack import Stack

KEY = {"valueFrom": {"secretKeyRef": {"name": "database", "key": "password"}}}
ENV = [{"name": "PASSWORD", **KEY}, {"name": "AGAIN", **KEY}]
FIELD = "spec.template.spec.containers[0].env[{}].valueFrom.secretKeyRef"


def _workload(**spec: Any) -> dict[str, Any]:
    pod = {"containers": [{"name": "app", "image": "x", "env": ENV}], **spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "checkout"},
        "spec": {"template": {"spec": pod}},
    }


def _deployed(*objects: dict[str, Any], place: Place | None = None, **changes: Any) -> tuple[ReleaseState, Told, Place]:
    manifest = yaml.safe_dump_all(objects).encode()
    at, bundle, told = place or Place(), replace(BUNDLE, manifest=manifest), Told()
    wanted = {"rendered": manifest, **changes}
    return run_deploy(at, told, bundle, **wanted)[0].state, told, at


def _refused(*objects: dict[str, Any], **changes: Any) -> PreflightRefused:
    with pytest.raises(PreflightRefused) as caught:
        _deployed(*objects, **changes)
    return caught.value


def test_what_is_missing_stops_the_release_and_names_each_place_once() -> None:
    (fault,) = _refused(_workload()).errors
    assert fault.where == f"Deployment/checkout {FIELD.format(0)}"
    assert "Secret/database is neither in this Release nor in the namespace checkout-staging" in fault.reason
    assert FIELD.format(1) in fault.reason


def test_how_to_make_it_is_a_command_with_the_keys_that_are_read() -> None:
    wanted = "kubectl create secret generic database --namespace=checkout-staging --from-file=password=FILE`"
    assert wanted in _refused(_workload()).solution


def test_the_namespace_is_there_when_the_first_release_is_refused() -> None:
    place = Place()
    _refused(_workload(), place=place)
    assert place.made == ["checkout-staging"]


def test_what_is_in_the_cluster_already_stops_nothing_and_says_nothing() -> None:
    state, told, _ = _deployed(_workload(), place=Place(present=frozenset({"Secret/database"})))
    assert (state, told.lines) == (ReleaseState.DEPLOYED, [])


@pytest.mark.parametrize(
    ("volume", "words"),
    [
        ({"persistentVolumeClaim": {"claimName": "archive"}}, "Make the claim archive in the namespace"),
        ({"configMap": {"name": "settings"}}, "kubectl create configmap settings --namespace=checkout-staging --from"),
    ],
)
def test_each_kind_has_its_own_way_to_be_made(volume: dict[str, Any], words: str) -> None:
    pod = _workload(containers=[{"name": "app", "image": "x"}], volumes=[{"name": "v", **volume}])
    assert words in _refused(pod).solution


def test_what_the_release_takes_away_is_missing_as_soon_as_it_runs() -> None:
    there = Place(present=frozenset({"Secret/database"}))
    bundle = replace(BUNDLE, manifest=yaml.safe_dump(_workload()).encode())
    gone = (Change("Secret/database", "delete", ""),)
    with pytest.raises(PreflightRefused, match="is not in this one, and goes with it") as caught:
        insist_on_what_is_needed(bundle, STAGING, (), there, gone, dry_run=False)
    assert caught.value.solution == "Bring Secret/database in this Release too"
    assert insist_on_what_is_needed(bundle, STAGING, (), there, (), dry_run=False) == ()


def test_a_name_that_is_no_word_is_quoted_in_the_command() -> None:
    key = {"valueFrom": {"secretKeyRef": {"name": "db; curl x", "key": "a b"}}}
    pod = _workload(containers=[{"name": "app", "image": "x", "env": [{"name": "E", **key}]}])
    (fault,) = _refused(pod).errors
    assert "create secret generic 'db; curl x' --namespace=checkout-staging --from-file='a b'=FILE" in fault.solution


def test_many_places_are_counted_rather_than_listed() -> None:
    pod = _workload(containers=[{"name": "app", "image": "x", "env": [{"name": f"E{n}", **KEY} for n in range(8)]}])
    assert f"{FIELD.format(4)} and 3 more can't do without" in _refused(pod).reason


def _waiver(resource: str) -> Waiver:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Waiver(
        "w1", "references-resolve", "checkout", "", resource, "ann", "it comes later", date(2030, 1, 1), now, "p"
    )


def _role(verbs: list[str], resources: list[str]) -> dict[str, Any]:
    rules = [{"apiGroups": [""], "resources": resources, "verbs": verbs}]
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "r"}, "rules": rules}


UNKNOWN = {"apiVersion": "example.com/v1", "kind": "Database", "metadata": {"name": "d"}}


@pytest.mark.parametrize(
    ("more", "changes", "why"),
    [
        ((), {"environment": replace(STAGING, mode=Mode.WARN)}, "references-resolve only warns"),
        ((), {"waivers": (_waiver("Deployment/checkout"),)}, "waived by ann, until 2030-01-01: it comes later"),
        ((), {"dry_run": True, "place": Place(has_namespace=False)}, "the first Release makes it"),
        ((_role(["create"], ["secrets"]),), {}, "something in this Release may make it"),
        ((UNKNOWN,), {}, "something in this Release may make it"),
    ],
)
def test_what_is_missing_and_stops_nothing_is_told_with_the_reason(
    more: tuple[dict[str, Any], ...], changes: dict[str, Any], why: str
) -> None:
    _, told, _ = _deployed(_workload(), *more, **changes)
    (line,) = told.lines
    assert "Secret/database" in line
    assert why in line


def test_an_image_may_need_no_credentials_so_that_those_missing_only_warn() -> None:
    pod = _workload(containers=[{"name": "app", "image": "x"}], imagePullSecrets=[{"name": "registry"}])
    state, told, _ = _deployed(pod)
    assert state is ReleaseState.DEPLOYED
    assert "an image that anybody may pull needs none" in told.lines[0]


@pytest.mark.parametrize(
    ("more", "changes"),
    [
        ((_role(["get"], ["secrets"]),), {}),
        ((_role(["create"], ["pods"]),), {}),
        ((), {"waivers": (_waiver("Deployment/other"),)}),
        ((), {"dry_run": True}),
    ],
)
def test_nothing_else_lets_through_what_is_missing(more: tuple[dict[str, Any], ...], changes: dict[str, Any]) -> None:
    assert _refused(_workload(), *more, **changes).errors


def test_a_real_server_is_asked_for_no_more_than_the_metadata(stack: Stack) -> None:
    cluster, connection = KubeCluster(stack.gateway_kubeconfig), Connection(stack.gateway_kubeconfig)
    cluster.ensure_namespace("needs-tests", {"deploy-gateway.dev/environment": "sandbox"})
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "there"}, "stringData": {"a": "hidden"}}
    path = connection.path_of(secret, "needs-tests")
    connection.apply(path, secret, dry_run=False)
    assert cluster.has("v1", "Secret", "there", namespace="needs-tests")
    assert not cluster.has("v1", "Secret", "absent", namespace="needs-tests")
    assert not cluster.has("v1", "Secret", "../../needs-tests/secrets/there", namespace="needs-other")
    assert not cluster.has("v1", "Secret", "..%2F..%2Fneeds-tests%2Fsecrets%2Fthere", namespace="needs-other")
    assert not cluster.has("v1", "Secret", "there?x", namespace="needs-tests")
    with pytest.raises(Refused, match="no object can be called"):
        connection.path_of({**secret, "metadata": {"name": "../x"}}, "needs-tests")
    assert set(connection.metadata(path) or {}) == {"kind", "apiVersion", "metadata"}


def test_a_server_that_refuses_to_say_is_not_taken_for_one_without_it(stack: Stack) -> None:
    with pytest.raises(Refused, match="403"):
        Connection(stack.gateway_kubeconfig).metadata("/apis/rbac.authorization.k8s.io/v1/clusterroles/none")
