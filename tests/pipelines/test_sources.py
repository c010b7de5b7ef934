"""From a field of what the standard chart rendered back to deploy.yaml, on the chart's own golden tests."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.deployfile import Declaration, DeployFile, overlaid, read
from pipelines.findings import Finding, Mode, Severity
from pipelines.origins import origin
from pipelines.resources import WORKLOADS, at, field_path, pod_spec_path
from pipelines.sources import Written, located
from pipelines.yaml_nodes import compose

GOLDEN = Path(__file__).resolve().parents[1] / "charts" / "golden"
FEATURES = sorted(path.parent.name for path in GOLDEN.glob("*/deploy.yaml"))


@cache
def _declaration(feature: str) -> Declaration:
    text = (GOLDEN / feature / "deploy.yaml").read_bytes()
    return read(text, "deploy.yaml", app="checkout", environments={"staging", "production"})


@cache
def _file(feature: str) -> DeployFile:
    return overlaid(_declaration(feature).file, "staging")


@cache
def _objects(feature: str) -> list[dict[str, Any]]:
    documents = yaml.safe_load_all((GOLDEN / feature / "expected.yaml").read_text())
    return [one for one in documents if one is not None]


def _origin(feature: str, resource: str, field: str) -> tuple[str | int, ...]:
    kind, _, name = resource.partition("/")
    return origin(kind, name, field_path(field), _file(feature))


def _containers(feature: str) -> Iterator[tuple[str, str, tuple[str | int, ...], dict[str, Any]]]:
    """Kind, name, path and content of each container that was rendered."""
    for one in _objects(feature):
        spec = pod_spec_path(one["kind"])
        for key in ("initContainers", "containers"):
            pod = at(one, spec) if one["kind"] in WORKLOADS else {}
            for index, container in enumerate(pod.get(key, [])):
                yield one["kind"], one["metadata"]["name"], (*spec, key, index), container


def _written_at(feature: str, path: tuple[str | int, ...]) -> Any:
    """What deploy.yaml says at `path`, for staging."""
    return at(_file(feature).model_dump(mode="json"), tuple("from_" if part == "from" else part for part in path))


@pytest.mark.parametrize("feature", FEATURES)
def test_an_image_leads_to_where_it_was_written(feature: str) -> None:
    for kind, name, path, container in _containers(feature):
        found = origin(kind, name, (*path, "image"), _file(feature))
        if "curl" in container["image"]:  # the platform's own
            assert found == ("verify",)
        else:
            assert container["image"].startswith(_written_at(feature, found))


@pytest.mark.parametrize("feature", FEATURES)
def test_a_variable_leads_to_its_name(feature: str) -> None:
    for kind, name, path, container in _containers(feature):
        for index, variable in enumerate(container.get("env", [])):
            found = origin(kind, name, (*path, "env", index, "value"), _file(feature))
            assert found[-1] == {"URL": "path", "STATUS": "status"}.get(variable["name"], variable["name"])
            assert _written_at(feature, found) is not None


@pytest.mark.parametrize("feature", FEATURES)
def test_a_mount_leads_to_its_path(feature: str) -> None:
    for kind, name, path, container in _containers(feature):
        for index, mount in enumerate(container["volumeMounts"]):
            found = origin(kind, name, (*path, "volumeMounts", index), _file(feature))
            if mount["name"] in ("tmp", "kubernetes-api"):
                assert found[0] in ("scratch", "kubernetes_api", "sidecars", "verify")
            elif found[0] == "volumes":
                assert _written_at(feature, (*found, "path")) == mount["mountPath"]
            else:
                assert found[1] == mount["mountPath"]


@pytest.mark.parametrize("feature", FEATURES)
def test_a_port_leads_to_its_number(feature: str) -> None:
    for kind, name, path, container in _containers(feature):
        for index, port in enumerate(container.get("ports", [])):
            found = origin(kind, name, (*path, "ports", index, "containerPort"), _file(feature))
            written = _written_at(feature, found)
            assert (written["port"] if isinstance(written, dict) else written) == port["containerPort"]


DEPLOYMENT = "Deployment/checkout"
POD = "spec.template.spec"
MAIN = f"{POD}.containers[0]"
CASES = [
    ("web-minimal", DEPLOYMENT, "spec.replicas", "replicas"),
    ("web-minimal", DEPLOYMENT, "spec.strategy.type", "update"),
    ("web-minimal", DEPLOYMENT, "", ""),
    ("web-minimal", DEPLOYMENT, POD, ""),
    ("web-minimal", DEPLOYMENT, f"{POD}.hostNetwork", ""),
    ("web-minimal", DEPLOYMENT, f"{POD}.containers[7].image", "image"),
    ("web-minimal", DEPLOYMENT, MAIN, ""),
    ("web-minimal", DEPLOYMENT, f"{MAIN}.resources", "resources"),
    ("web-minimal", DEPLOYMENT, f"{MAIN}.resources.limits.cpu", "resources.cpu_limit"),
    ("web-minimal", DEPLOYMENT, f"{MAIN}.resources.limits.memory", "resources.memory"),
    ("web-minimal", DEPLOYMENT, f"{MAIN}.resources.limits.other", "resources"),
    ("gpu", DEPLOYMENT, f"{MAIN}.resources.limits.nvidia.com/gpu", "resources.gpu"),
    ("gpu", DEPLOYMENT, f"{POD}.tolerations[0].key", "placement"),
    ("web-minimal", DEPLOYMENT, f"{MAIN}.readinessProbe.httpGet.path", "health.readiness"),
    ("web-minimal", DEPLOYMENT, f"{MAIN}.livenessProbe", "health.liveness"),
    ("web-minimal", DEPLOYMENT, f"{MAIN}.securityContext.runAsUser", "user"),
    ("web-minimal", DEPLOYMENT, f"{MAIN}.ports[9]", "port"),
    ("web-minimal", DEPLOYMENT, f"{MAIN}.env[3].value", "env"),
    ("web-minimal", DEPLOYMENT, f"{MAIN}.volumeMounts[9]", ""),
    ("web-minimal", DEPLOYMENT, f"{POD}.volumes[0]", "scratch"),
    ("web-minimal", DEPLOYMENT, f"{POD}.volumes[9]", ""),
    ("web-everything", DEPLOYMENT, f"{POD}.volumes[2].projected", "files"),
    ("web-everything", DEPLOYMENT, f"{MAIN}.envFrom[0].configMapRef.name", "env_from.0"),
    ("volumes-shared", DEPLOYMENT, f"{POD}.volumes[1]", "volumes.0"),
    ("stop", DEPLOYMENT, f"{POD}.terminationGracePeriodSeconds", "stop.seconds"),
    ("stop-command", DEPLOYMENT, f"{MAIN}.lifecycle.preStop", "stop.command"),
    ("update", DEPLOYMENT, "spec.minReadySeconds", "update.ready_seconds"),
    ("sidecars", DEPLOYMENT, f"{POD}.containers[1].resources.requests.cpu", "sidecars.0.resources.cpu"),
    ("sidecars", DEPLOYMENT, f"{POD}.containers[1].volumeMounts[0]", "sidecars.0"),
    ("sidecars", DEPLOYMENT, f"{POD}.containers[1].command", "sidecars.0"),
    ("init", DEPLOYMENT, f"{POD}.initContainers[0].command[0]", "init.0.command"),
    ("init", DEPLOYMENT, f"{POD}.initContainers[0].resources.limits.memory", "resources.memory"),
    ("cronjob", "CronJob/checkout", "spec.schedule", "cron.schedule"),
    ("cronjob", "CronJob/checkout", "spec.jobTemplate.spec.activeDeadlineSeconds", "cron.timeout_seconds"),
    ("cronjob", "CronJob/checkout", "spec.jobTemplate.spec.template.spec.containers[0].image", "image"),
    ("job", "Job/checkout-6b2dc843", "spec.backoffLimit", "job.retries"),
    ("migrate", "Job/checkout-migrate", "spec.activeDeadlineSeconds", "migrate.timeout_seconds"),
    ("migrate", "Job/checkout-migrate", "", "migrate"),
    ("migrate", "Job/checkout-migrate", f"{MAIN}.command", "migrate.command"),
    ("migrate", "NetworkPolicy/checkout-hooks", "spec", "migrate"),
    ("migrate", "ConfigMap/checkout-hooks", "data.file-0", "files./etc/checkout/app.conf"),
    ("verify-http", "Job/checkout-verify", f"{MAIN}.volumeMounts[0]", "verify"),
    ("verify-http", "ServiceAccount/checkout-hooks", "", "verify"),
    ("verify-http", "NetworkPolicy/checkout", "spec.ingress[0]", "verify"),
    ("volumes-shared", "PersistentVolumeClaim/checkout-media", "spec.resources.requests.storage", "volumes.0.size"),
    ("volumes-shared", "PersistentVolumeClaim/other", "spec", "volumes"),
    ("stateful", "StatefulSet/checkout", "spec.replicas", "replicas"),
    ("stateful", "StatefulSet/checkout", "spec.volumeClaimTemplates[0].spec.storageClassName",
     "volumes.0.storage_class"),
    ("stateful-ordered", "StatefulSet/checkout", "spec.podManagementPolicy", "update.ordered"),
    ("autoscale", "HorizontalPodAutoscaler/checkout", "spec.maxReplicas", "autoscale.max"),
    ("autoscale", "HorizontalPodAutoscaler/checkout", "spec.metrics[1].containerResource", "autoscale.memory"),
    ("autoscale-custom", "HorizontalPodAutoscaler/checkout", "spec.metrics[0]", "autoscale.metrics.queue_depth"),
    ("web-minimal", "HorizontalPodAutoscaler/checkout", "spec.metrics[0]", "autoscale"),
    ("web-minimal", "PodDisruptionBudget/checkout", "spec", "replicas"),
    ("metrics", "PodMonitor/checkout", "spec.podMetricsEndpoints[0].path", "metrics.path"),
    ("alerts", "PrometheusRule/checkout", "spec.groups[0].rules[0].annotations.summary", "alerts.0.summary"),
    ("alerts", "PrometheusRule/checkout", "spec", "alerts"),
    ("external-secrets", "ExternalSecret/checkout-db", "spec.data[1].remoteRef.key",
     "external_secrets.checkout-db.keys.time_zone"),
    ("external-secrets", "ExternalSecret/checkout-db", "spec.refreshInterval",
     "external_secrets.checkout-db.refresh_minutes"),
    ("external-secrets", "ExternalSecret/other", "spec.data[0]", "external_secrets.other"),
    ("migrate-external-secrets", "ExternalSecret/checkout-hooks-checkout-db", "spec.secretStoreRef.name",
     "external_secrets.checkout-db.store"),
    ("kubernetes-api", "Role/checkout", "rules[1].verbs", "kubernetes_api.1.verbs"),
    ("kubernetes-api", "Role/checkout", "rules", "kubernetes_api"),
    ("kubernetes-api", "RoleBinding/checkout", "subjects", "kubernetes_api"),
    ("ports", "Service/checkout", "spec.ports[1].port", "ports.0"),
    ("ports", "Service/checkout", "spec.type", "port"),
    ("allow", "NetworkPolicy/checkout", "spec.ingress[1].from", "allow.from.1"),
    ("allow", "NetworkPolicy/checkout", "spec.egress[2]", "allow.to"),
    ("allow", "NetworkPolicy/checkout", "spec", "allow.from"),
    ("allow", "AuthorizationPolicy/checkout", "spec.rules[0]", "allow"),
    ("allow-hosts", "ServiceEntry/checkout-c529d5d3b0", "spec.hosts", "allow.to.1"),
    ("allow-hosts", "ServiceEntry/other", "spec.hosts", "allow.to"),
    ("expose-paths", "VirtualService/checkout", "spec.hosts[1]", "expose.more_hosts.0"),
    ("expose-paths", "VirtualService/checkout", "spec.http[0].match[0].uri", "expose.paths"),
    ("expose-paths", "VirtualService/checkout", "spec.http[0].timeout", "expose.timeout_seconds"),
    ("expose-ingress", "Ingress/checkout", "spec.rules[0].host", "expose.host"),
    ("expose-ingress", "Ingress/checkout", "spec.rules[0].http.paths[0].path", "expose.paths"),
    ("expose-httproute", "HTTPRoute/checkout", "spec.hostnames[0]", "expose.host"),
    ("web-minimal", "PeerAuthentication/checkout", "spec.mtls.mode", ""),
]  # fmt: skip


@pytest.mark.parametrize(("feature", "resource", "field", "key"), CASES)
def test_a_field_leads_to_its_key(feature: str, resource: str, field: str, key: str) -> None:
    assert ".".join(str(part) for part in _origin(feature, resource, field)) == key


@pytest.mark.parametrize("feature", FEATURES)
def test_the_objects_of_the_cases_are_rendered(feature: str) -> None:
    rendered = {f"{one['kind']}/{one['metadata']['name']}" for one in _objects(feature)}
    named = {resource for of, resource, _, _ in CASES if of == feature and not resource.endswith("/other")}
    assert named - rendered <= {"HorizontalPodAutoscaler/checkout"}


def _source(feature: str, resource: str, field: str, environment: str = "") -> str:
    finding = Finding("r", Severity.LOW, Mode.WARN, resource, field, "", "a", "b", "c", "d", "policy")
    return located([finding], _declaration(feature), {}, environment)[0].source


def test_a_finding_names_the_line_of_the_key() -> None:
    assert _source("cronjob", "CronJob/checkout", "spec.timeZone") == "deploy.yaml:8"


def test_a_finding_about_a_default_names_the_line_of_the_key_around_it() -> None:
    assert _source("cronjob", "CronJob/checkout", "spec.suspend") == "deploy.yaml:6"


def test_a_finding_about_what_nobody_wrote_names_the_app() -> None:
    assert _source("web-minimal", "PodDisruptionBudget/checkout", "spec") == "deploy.yaml:2"
    assert _source("web-minimal", "PeerAuthentication/checkout", "spec") == "deploy.yaml:2"


@pytest.mark.parametrize(("environment", "line"), [("staging", 11), ("production", 12), ("", 8)])
def test_a_finding_names_the_environments_own_line_where_it_says_something_else(environment: str, line: int) -> None:
    assert _source("environments", DEPLOYMENT, "spec.replicas", environment) == f"deploy.yaml:{line}"


@pytest.mark.parametrize(("environment", "line"), [("staging", 11), ("production", 9)])
def test_of_what_is_merged_each_entry_has_its_own_line(environment: str, line: int) -> None:
    assert _source("environments", DEPLOYMENT, f"{MAIN}.env[0].value", environment) == f"deploy.yaml:{line}"
    assert _source("environments", DEPLOYMENT, f"{MAIN}.env[1].value", environment) == "deploy.yaml:9"


MANIFESTS = read(
    b"apiVersion: deploy-gateway/v1\napp: checkout\nmanifests: k8s\n", "deploy.yaml", app="checkout", environments=()
)


@pytest.mark.parametrize(
    ("resource", "field", "source"),
    [("Pod/p", "spec.image.x", "k8s/a.yaml:7"), ("Pod/p", "", "k8s/a.yaml:3"), ("Job/j", "", "deploy.yaml:3")],
)
def test_a_finding_about_a_teams_own_manifest_names_its_line(resource: str, field: str, source: str) -> None:
    (node,) = compose(b"\n\nkind: Pod\n\n\nspec:\n  image: x\n")
    written = {"Pod/p": Written("k8s/a.yaml", node)}
    finding = Finding("r", Severity.LOW, Mode.WARN, resource, field, "", "a", "b", "c", "d", "policy")
    assert located([finding], MANIFESTS, written)[0].source == source
