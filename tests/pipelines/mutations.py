"""One change to a good App for each thing that a rule refuses; offline and on an API server alike."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from tests.pipelines.mutation import Mutation
from tests.pipelines.mutations_network import NETWORK
from tests.pipelines.mutations_scope import SCOPE

DIGEST = "sha256:" + "0" * 64
IMAGE = "registry.example.com/shop/checkout"


def _pod(rule: str, what: str, change: Callable[[Any], object]) -> Mutation:
    return Mutation(rule, what, "Deployment", lambda one: change(one["spec"]["template"]["spec"]))


def _container(rule: str, what: str, change: Callable[[Any], object]) -> Mutation:
    return _pod(rule, what, lambda pod: change(pod["containers"][0]))


def _security(rule: str, what: str, **changes: Any) -> Mutation:
    return _container(rule, what, lambda one: one["securityContext"].update(changes))


def _template(rule: str, what: str, change: Callable[[Any], object]) -> Mutation:
    return Mutation(rule, what, "Deployment", lambda one: change(one["spec"]["template"]["metadata"]))


def _image(rule: str, image: str) -> Mutation:
    return _container(rule, image, lambda one: one.update(image=image))


def _unset_security(rule: str, *names: str) -> Mutation:
    def change(pod: Any) -> None:
        for context in (pod["securityContext"], pod["containers"][0]["securityContext"]):
            for name in names:
                context.pop(name, None)

    return _pod(rule, f"no {', '.join(names)}", change)


def _probe(kind: str, handler: str) -> Mutation:
    value = {"port": 8080, "host": "10.0.0.1"}
    return _container("host-access", f"{kind} {handler} host", lambda one: one.update({kind: {handler: value}}))


MUTATIONS = (
    _pod("host-access", "hostNetwork", lambda pod: pod.update(hostNetwork=True)),
    _pod("host-access", "hostPID", lambda pod: pod.update(hostPID=True)),
    _pod("host-access", "hostIPC", lambda pod: pod.update(hostIPC=True)),
    _pod("host-access", "hostPath", lambda pod: pod.update(volumes=[{"name": "x", "hostPath": {"path": "/"}}])),
    _container("host-access", "hostPort", lambda one: one.update(ports=[{"containerPort": 8080, "hostPort": 8080}])),
    *(_probe(kind, handler) for kind in ("livenessProbe", "readinessProbe") for handler in ("httpGet", "tcpSocket")),
    _pod(
        "host-access",
        "sysctls",
        lambda pod: pod["securityContext"].update(
            sysctls=[{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]
        ),
    ),
    _image("image-pinned", IMAGE),
    _image("image-pinned", f"{IMAGE}:latest"),
    _image("image-pinned", f"{IMAGE}:LATEST"),
    _image("image-pinned", f"{IMAGE}:latest@{DIGEST}"),
    _pod(
        "image-pinned",
        "an init container",
        lambda pod: pod.update(
            initContainers=[{**copy.deepcopy(pod["containers"][0]), "name": "first", "image": IMAGE}]
        ),
    ),
    _image("image-registry", f"docker.io/library/nginx@{DIGEST}"),
    _image("image-registry", f"nginx:1.29@{DIGEST}"),
    _image("image-registry", f"registry.example.com/shopping/checkout@{DIGEST}"),
    _image("image-registry", f"registry.example.com.evil.org/shop/checkout@{DIGEST}"),
    _template("mesh-injection", "a label", lambda one: one["labels"].update({"sidecar.istio.io/inject": "false"})),
    _template(
        "mesh-injection", "an annotation", lambda one: one.update(annotations={"sidecar.istio.io/inject": "false"})
    ),
    _template(
        "mesh-injection",
        "traffic taken out",
        lambda one: one.update(annotations={"traffic.sidecar.istio.io/excludeInboundPorts": "8080"}),
    ),
    _security("no-privileges", "privileged", privileged=True, allowPrivilegeEscalation=True),
    _security("no-privileges", "escalation", allowPrivilegeEscalation=True),
    _security("no-privileges", "no drop", capabilities={}),
    _security("no-privileges", "SYS_ADMIN", capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN"]}),
    _security("read-only-root", "writable", readOnlyRootFilesystem=False),
    Mutation(
        "required-labels", "no team", "Deployment", lambda one: one["metadata"]["labels"].pop("deploy-gateway.dev/team")
    ),
    _container("resources-set", "no limit of memory", lambda one: one["resources"]["limits"].pop("memory")),
    _container("resources-set", "no requests", lambda one: one["resources"].pop("requests")),
    _unset_security("run-as-non-root", "runAsNonRoot"),
    _unset_security("run-as-non-root", "runAsUser"),
    _security("run-as-non-root", "user 0", runAsUser=0),
    _security("run-as-non-root", "group 999", runAsGroup=999),
    _unset_security("seccomp", "seccompProfile"),
    _security("seccomp", "unconfined", seccompProfile={"type": "Unconfined"}),
    _pod("service-account", "default", lambda pod: pod.update(serviceAccountName="default")),
    _pod("service-account", "a token", lambda pod: pod.update(automountServiceAccountToken=True)),
    *NETWORK,
    *SCOPE,
)
