"""What findings say to write can be pasted: it is YAML, whole objects are whole, and it fits who reads it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from pipelines.adapters.kube_score import KubeScore
from pipelines.catalogue import catalogue
from pipelines.catalogue.entry import Entry
from pipelines.deployfile import DeployFile
from pipelines.relations.network import unselected_pods
from pipelines.relations.release import Release
from pipelines.snippets import of_image, of_kubernetes, parts
from tests.pipelines.conftest import subject
from tools.toolbox import ensure

# Not done in an object, but in a Dockerfile or a shell.
_COMMANDS = ("base-image-", "benchmark-", "image-platforms", "image-signed")
RULES = [pytest.param(one, id=one.id) for one in catalogue() if not one.id.startswith(_COMMANDS)]


@pytest.mark.parametrize("entry", RULES)
def test_a_snippet_is_yaml_and_a_whole_object_has_all_that_one_needs(entry: Entry) -> None:
    for part in parts(entry.how):
        written = yaml.safe_load(part)
        assert written is None or isinstance(written, dict | list), part
        assert "…" not in str(written), "something is left out of it"
        if isinstance(written, dict) and written.keys() & {"kind"} and written.keys() & {"spec", "data", "metadata"}:
            assert {"apiVersion", "kind", "metadata"} <= written.keys()
            assert written["metadata"]["name"]


@pytest.mark.parametrize("entry", RULES)
def test_keys_of_deploy_yaml_stand_apart_and_are_keys_of_it(entry: Entry) -> None:
    kubernetes, declared = parts(entry.how)
    assert "deploy.yaml" not in kubernetes
    assert set(yaml.safe_load(declared) or {}) <= set(DeployFile.model_fields)


def test_who_writes_objects_is_told_the_field_of_the_object_alone() -> None:
    (entry,) = (one for one in catalogue() if one.id == "service-type")
    assert of_kubernetes(entry.how) == "type: ClusterIP"
    assert parts(entry.how)[1].startswith("expose: ")
    assert of_kubernetes("type: ClusterIP") == "type: ClusterIP"


def _pod(**more: Any) -> dict[str, Any]:
    container = {"name": "a", "image": "a:1", **more.pop("container", {})}
    metadata = {"name": "bare", "namespace": "shop", **more}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}


def _policy_for(labels: dict[str, str]) -> dict[str, Any]:
    looked_at = replace(subject((_pod(labels=labels),)), namespace="shop")
    (found,) = unselected_pods(Release(looked_at))
    written: dict[str, Any] = yaml.safe_load(found.how)
    return written


_OF_THE_GATEWAY = {"deploy-gateway.dev/app": "shop", "deploy-gateway.dev/commit": "0" * 40}


def test_a_policy_for_a_bare_pod_selects_what_the_next_release_has_too() -> None:
    policy = _policy_for({"tier": "front", "helm.sh/chart": "x-1", **_OF_THE_GATEWAY})
    assert policy["spec"]["podSelector"] == {"matchLabels": {"tier": "front"}}
    assert policy["metadata"] == {"name": "bare"}


def test_a_pod_without_labels_of_its_own_is_told_which_to_get() -> None:
    policy = _policy_for(_OF_THE_GATEWAY)
    assert policy["spec"]["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": "bare"}}


@pytest.mark.parametrize(
    ("container", "port"),
    [({"ports": [{"name": "http", "containerPort": 3000}]}, 3000), ({}, 8080), ({"ports": [{}]}, 8080)],
)
def test_a_probe_asks_the_port_that_the_container_has(container: dict[str, Any], port: int) -> None:
    checks = KubeScore(ensure(["kube-score"])["kube-score"])
    pod = _pod(container=container, labels={"app": "bare"})
    calling = {"selector": {"app": "bare"}, "ports": [{"port": 80}]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "shop"}, "spec": calling}
    found = checks.findings(subject((pod, service)))
    (probes,) = (one for one in found if one.rule == "kube-score/pod-probes")
    written = yaml.safe_load(probes.how)
    assert written["readinessProbe"]["httpGet"]["port"] == port
    assert written["livenessProbe"]["httpGet"]["port"] == port


def test_an_image_is_written_in_a_volume_as_its_reference() -> None:
    field = "spec.template.spec.volumes[0].image.reference"
    assert of_image("image: a:1   # why", field) == "reference: a:1   # why"
    assert of_image("image: a:1", "spec.containers[0].image") == "image: a:1"
    assert of_image("FROM a:1", field) == "FROM a:1"
