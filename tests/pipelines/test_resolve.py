"""resolve: callers to namespaces, tags to digests, raw manifests to labelled objects."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from pipelines.apps import Ingress, IngressKind, Mesh
from pipelines.errors import ImageNotFound, InvalidDeployFile
from pipelines.stages.resolve import Resolved, resolve
from tests.pipelines.conftest import DEPLOY_YAML, DIGEST, KnownImages, place, source

RAW = "apiVersion: deploy-gateway/v1\napp: checkout\nmanifests: k8s/\n"
IMAGE = "registry.example.com/shop/checkout:1.4.2"


def _resolve(text: str = DEPLOY_YAML) -> Resolved:
    return resolve(source(text), place(), KnownImages(), timeout_seconds=1)


def _raw(*texts: str) -> Resolved:
    manifests = {f"k8s/{number}.yaml": text.encode() for number, text in enumerate(texts)}
    return resolve(source(RAW, manifests), place(), KnownImages(), timeout_seconds=1)


def test_callers_are_found_in_this_environment_or_where_the_team_says() -> None:
    assert _resolve().values["allow"]["from"] == [
        {"app": "storefront", "namespace": "storefront-staging"},
        {"app": "orders", "namespace": "elsewhere"},
    ]


def test_hosts_stay_hosts() -> None:
    assert _resolve().values["allow"]["to"][1] == {"host": "api.stripe.com", "port": 443}


@pytest.mark.parametrize(("written", "line"), [("storefront", 9), ("payments", 10)])
def test_a_caller_that_nobody_knows_is_told_with_its_line(written: str, line: int) -> None:
    with pytest.raises(InvalidDeployFile, match="there is no App") as caught:
        _resolve(DEPLOY_YAML.replace(written, f"{written}s"))
    assert caught.value.where == f"deploy.yaml:{line}"
    assert f"Did you mean {written!r}?" in caught.value.solution


def test_a_tag_becomes_the_digest_that_it_means_now() -> None:
    resolved = _resolve()
    assert resolved.values["image"] == f"{IMAGE}@{DIGEST}"
    assert resolved.images == {IMAGE: f"{IMAGE}@{DIGEST}"}


@pytest.mark.parametrize(
    "image",
    [
        f"{IMAGE}@{DIGEST}",
        "registry.example.com/shop/checkout",
        "registry.example.com/shop/checkout:Latest",
        "evil.example.com/shop/checkout:1.4.2",
    ],
)
def test_a_registry_is_asked_only_where_it_makes_sense(image: str) -> None:
    registry = KnownImages()
    resolved = resolve(source(DEPLOY_YAML.replace(IMAGE, image)), place(), registry, timeout_seconds=1)
    assert resolved.values["image"] == image
    assert registry.asked == []


def test_what_is_not_exposed_has_no_host() -> None:
    assert "expose" not in _resolve(DEPLOY_YAML.replace("expose: {host: checkout.example.com}\n", "")).values


def test_a_rollout_ends_by_itself_before_helm_gives_up() -> None:
    assert _resolve().values["progressDeadlineSeconds"] == 58


def test_the_way_in_is_the_environments() -> None:
    ingress = Ingress(IngressKind.INGRESS, "nginx", "gateways/public", "ingress-nginx", "nginx")
    there = place(ingress=ingress, mesh=Mesh.NONE)
    values = resolve(source(), there, KnownImages(), timeout_seconds=1).values
    assert values["mesh"] == "none"
    assert values["ingress"] == {
        "class": "nginx",
        "namespace": "ingress-nginx",
        "serviceAccount": "nginx",
        "gateway": "gateways/public",
    }


def test_without_a_word_the_way_in_is_istios() -> None:
    values = _resolve().values
    assert "mesh" not in values
    assert values["ingress"] == {
        "class": "istio",
        "namespace": "istio-system",
        "serviceAccount": "istio-ingressgateway",
        "gateway": "istio-system/shared",
    }


def test_objects_of_a_team_get_its_labels_and_namespace() -> None:
    resolved = _raw("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {mine: x}}\ndata: {version: '1e3'}\n")
    made = json.loads(resolved.files["manifests/000.json"])
    assert made["metadata"]["namespace"] == "checkout-staging"
    assert made["metadata"]["labels"] == {
        "mine": "x",
        "deploy-gateway.dev/app": "checkout",
        "deploy-gateway.dev/team": "shop",
        "deploy-gateway.dev/environment": "staging",
        "deploy-gateway.dev/commit": "c" * 40,
    }
    assert made["data"] == {"version": "1e3"}


def test_where_a_field_was_written_is_kept() -> None:
    resolved = _raw("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  key: value\n")
    written = resolved.written["ConfigMap/a"]
    assert written.source() == "k8s/0.yaml:1"
    assert written.source(("data", "key")) == "k8s/0.yaml:6"


_SECRET = "apiVersion: v1\nkind: Secret\n"
_LIST = "apiVersion: v1\nkind: List\nmetadata: {name: x}\nitems: [{apiVersion: v1, kind: Namespace}]\n"
_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
_MANY = f"{_MAP}a: &a [{','.join('x' * 10_000)}]\nb: [{','.join(['*a'] * 15)}]\n"


def _annotated(annotation: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  annotations:\n    {annotation}\n"


@pytest.mark.parametrize(
    ("texts", "words", "where"),
    [
        pytest.param((_MAP, _MAP), "ConfigMap/a stands here and in k8s/0.yaml", "k8s/1.yaml:1", id="twice"),
        pytest.param(
            (_MANY, _MANY.replace("{name: a}", "{name: b}")), "aliases stand for", "k8s/1.yaml:5", id="aliases"
        ),
        pytest.param(("a: [\n",), "it is not YAML", "k8s/0.yaml:2", id="no YAML"),
        pytest.param(("- 1\n",), "no object with apiVersion", "k8s/0.yaml:1", id="a list"),
        pytest.param(("kind: Pod\n",), "no object with apiVersion", "k8s/0.yaml:1", id="no apiVersion"),
        pytest.param(("apiVersion: v1\nkind: 7\n",), "no object with apiVersion", "k8s/0.yaml:1", id="a number"),
        pytest.param(("apiVersion: V1\nkind: Pod\n",), "no apiVersion 'V1'", "k8s/0.yaml:1", id="capitals"),
        pytest.param((_MAP.replace("a}", "on}"),), "is read as true", "k8s/0.yaml:1", id="a name that is no text"),
        pytest.param(
            ("apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n",), "brings none", "k8s/0.yaml:1", id="a namespace"
        ),
        pytest.param(
            (f"{_SECRET}metadata: {{name: sh.helm.release.v1.checkout.v9}}\n",),
            "Helm's or Kubernetes' own",
            "k8s/0.yaml:1",
            id="a record of Helm by its name",
        ),
        pytest.param(
            (f"{_SECRET}metadata: {{name: a, labels: {{owner: helm}}}}\n",),
            "Helm's or Kubernetes' own",
            "k8s/0.yaml:1",
            id="a record of Helm by its label",
        ),
        pytest.param(
            (f"{_SECRET}metadata: {{name: a}}\ntype: kubernetes.io/service-account-token\n",),
            "Helm's or Kubernetes' own",
            "k8s/0.yaml:1",
            id="a token of an account",
        ),
        pytest.param((_LIST,), "this List is several objects", "k8s/0.yaml:1", id="a List"),
        pytest.param(
            (_LIST.replace("kind: List", "kind: ConfigMapList"),),
            "this ConfigMapList is several objects",
            "k8s/0.yaml:1",
            id="a List of one kind",
        ),
        pytest.param(
            (_LIST.replace("kind: List", "kind: ConfigMap"),),
            "this ConfigMap is several objects",
            "k8s/0.yaml:1",
            id="what Helm takes for a List",
        ),
        pytest.param(("apiVersion: v1\nkind: Pod\n",), "no metadata.name", "k8s/0.yaml:1", id="no metadata"),
        pytest.param(
            ("apiVersion: v1\nkind: Pod\nmetadata: {generateName: x-}\n",),
            "no metadata.name",
            "k8s/0.yaml:1",
            id="no name",
        ),
        pytest.param(
            (f"{_MAP}---\n{_MAP.replace('{name: a}', '{name: b, namespace: kube-system}')}",),
            "for the namespace 'kube-system'",
            "k8s/0.yaml:5",
            id="another namespace",
        ),
        *(
            pytest.param((_annotated(annotations),), words, "k8s/0.yaml:6", id=annotations)
            for annotations, words in (
                ("helm.sh/hook: nonsense", "Helm knows no event 'nonsense'"),
                ("helm.sh/hook: pre-install,test", "hooks for test never run here"),
                ("helm.sh/hook: pre-delete", "hooks for pre-delete never run here"),
                ("helm.sh/hook-delete-policy: later", "Helm knows no delete policy 'later'"),
                ("helm.sh/hook-weight: heavy", "the weight 'heavy' is no number"),
            )
        ),
        pytest.param((_annotated("a: 1"),), "names with a text each", "k8s/0.yaml:5", id="a number for a text"),
        pytest.param((_annotated("- a"),), "names with a text each", "k8s/0.yaml:5", id="annotations that are a list"),
    ],
)
def test_what_is_no_object_of_this_app_is_told_with_its_line(texts: tuple[str, ...], words: str, where: str) -> None:
    with pytest.raises(InvalidDeployFile, match=words) as caught:
        _raw(*texts)
    assert caught.value.where == where


def test_a_hook_that_runs_here_is_taken() -> None:
    annotation = 'helm.sh/hook: "pre-install, post-upgrade"\n    helm.sh/hook-delete-policy: hook-succeeded\n'
    resolved = _raw(_annotated(f'{annotation}    helm.sh/hook-weight: "-5"'))
    assert list(resolved.written) == ["ConfigMap/a"]


def test_labels_that_are_no_map_are_replaced() -> None:
    made: Any = json.loads(_raw(_MAP.replace("{name: a}", "{name: a, labels: [x]}")).files["manifests/000.json"])
    assert made["metadata"]["labels"]["deploy-gateway.dev/app"] == "checkout"


def _of_kind(kind: str, annotations: str, spec: str = "{}") -> str:
    return _annotated(annotations).replace("kind: ConfigMap", f"kind: {kind}") + f"spec: {spec}\n"


_STAYS_AS_HOOK = ("Deployment", "CronJob", "ReplicationController", "NetworkPolicy", "RoleBinding", "Service")
_AFTER = "helm.sh/hook: post-upgrade"
_TO_BE_KEPT = "helm.sh/resource-policy: keep"


@pytest.mark.parametrize("kind", _STAYS_AS_HOOK)
def test_what_stays_as_a_hook_is_refused_unless_helm_deletes_it(kind: str) -> None:
    with pytest.raises(InvalidDeployFile, match=f"this {kind} would stay when a Release leaves it out") as caught:
        _raw(_of_kind(kind, f"{_AFTER}\n    helm.sh/hook-delete-policy: before-hook-creation"))
    assert caught.value.where == "k8s/0.yaml:6"
    assert _raw(_of_kind(kind, f"{_AFTER}\n    helm.sh/hook-delete-policy: hook-succeeded")).written


@pytest.mark.parametrize("spec", ["{}", "null", "{restartPolicy: Always}"])
def test_a_hook_that_never_ends_is_refused(spec: str) -> None:
    with pytest.raises(InvalidDeployFile, match="never ends"):
        _raw(_of_kind("Pod", _AFTER, spec))


@pytest.mark.parametrize(
    ("kind", "spec"), [("Job", "{}"), ("Pod", "{restartPolicy: Never}"), ("Secret", "null"), ("ServiceAccount", "null")]
)
def test_what_ends_and_what_is_data_may_be_a_hook(kind: str, spec: str) -> None:
    assert list(_raw(_of_kind(kind, _AFTER, spec)).written) == [f"{kind}/a"]


@pytest.mark.parametrize("policy", ["keep", "Keep"])
@pytest.mark.parametrize("kind", ["NetworkPolicy", "Deployment", "RoleBinding", "Job", "Pod"])
def test_what_would_be_in_force_for_ever_can_not_be_kept(kind: str, policy: str) -> None:
    with pytest.raises(InvalidDeployFile, match=f"this {kind} would stay, and be in force") as caught:
        _raw(_of_kind(kind, f"helm.sh/resource-policy: {policy}"))
    assert caught.value.where == "k8s/0.yaml:6"


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("PersistentVolumeClaim", "{}"),
        ("ConfigMap", "null"),
        ("Secret", "null"),
        ("Job", "{activeDeadlineSeconds: 60}"),
    ],
)
def test_data_and_what_has_an_end_may_be_kept(kind: str, spec: str) -> None:
    assert list(_raw(_of_kind(kind, _TO_BE_KEPT, spec)).written) == [f"{kind}/a"]


class _Without:
    """A registry without the image that is named."""

    def __init__(self, missing: str) -> None:
        self._missing = missing

    def digest(self, image: str, *, timeout_seconds: float) -> str:
        if image == self._missing:
            raise ImageNotFound("no such image", "push it", where="image")
        return DIGEST


@pytest.mark.parametrize(
    ("missing", "line"),
    [
        ("registry.example.com/shop/checkout:1.4.2", 4),
        ("registry.example.com/shop/init:1", 12),
        ("registry.example.com/shop/sidecar:1", 13),
        ("registry.example.com/shop/migrate:1", 14),
        ("registry.example.com/shop/smoke:1", 15),
        ("registry.example.com/shop/checkout:2", 17),
    ],
)
def test_an_image_that_is_not_there_is_told_with_its_line(missing: str, line: int) -> None:
    prefix = "registry.example.com/shop"
    text = f"""{DEPLOY_YAML}init: [{{name: a, image: "{prefix}/init:1", command: [a]}}]
sidecars: [{{name: b, image: "{prefix}/sidecar:1", resources: {{cpu: 10m, memory: 16Mi}}}}]
migrate: {{image: "{prefix}/migrate:1", command: [c]}}
verify: {{path: /}}
environments:
"""
    overlay = f"  staging: {{image: {missing}}}\n" if line == 17 else "  staging: {replicas: 1}\n"
    there = replace(place(), smoke_image=f"{prefix}/smoke:1")
    with pytest.raises(ImageNotFound) as caught:
        resolve(source(text + overlay), there, _Without(missing), timeout_seconds=1)
    assert caught.value.where == f"deploy.yaml:{line}"
