"""One change to a good App's pod for each thing that a rule about pods refuses."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from tests.pipelines.mutation import Mutation

DIGEST = "sha256:" + "0" * 64
IMAGE = "registry.example.com/shop/checkout"
GOOD_IMAGE = f"{IMAGE}:1.4.2@{DIGEST}"
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def _pod(rule: str, what: str, change: Callable[[Any], object]) -> Mutation:
    return Mutation(rule, what, "Deployment", lambda one: change(one["spec"]["template"]["spec"]))


def _template(rule: str, what: str, change: Callable[[Any], object]) -> Mutation:
    return Mutation(rule, what, "Deployment", lambda one: change(one["spec"]["template"]["metadata"]))


def _container(rule: str, what: str, change: Callable[[Any], object]) -> Mutation:
    return _pod(rule, what, lambda pod: change(pod["containers"][0]))


def _another(rule: str, what: str, change: Callable[[Any], object], kind: str = "initContainers") -> Mutation:
    """`change` is made to a copy of the container that comes beside it."""

    def add(pod: Any) -> None:
        added = {**copy.deepcopy(pod["containers"][0]), "name": "another"}
        for key in (*_PROBES, "lifecycle", "ports"):
            added.pop(key, None)
        if kind == "ephemeralContainers":
            added.pop("resources")
        change(added)
        pod.setdefault(kind, []).append(added)

    return _pod(rule, f"{what}, in {kind}", add)


def _security(rule: str, what: str, **changes: Any) -> Mutation:
    return _container(rule, what, lambda one: one["securityContext"].update(changes))


def _of_pod(rule: str, what: str, **changes: Any) -> Mutation:
    return _pod(rule, f"{what}, of the pod", lambda pod: pod["securityContext"].update(changes))


def _unset(rule: str, *names: str) -> Mutation:
    def change(pod: Any) -> None:
        for context in (pod["securityContext"], pod["containers"][0]["securityContext"]):
            for name in names:
                context.pop(name, None)

    return _pod(rule, f"no {', '.join(names)}", change)


def _image(rule: str, image: str) -> Mutation:
    return _container(rule, image, lambda one: one.update(image=image))


def _image_volume(rule: str, reference: str) -> Mutation:
    return _volume(rule, f"a volume of {reference}", {"image": {"reference": reference}})


def _volume(rule: str, what: str, source: Any) -> Mutation:
    return _pod(rule, what, lambda pod: pod["volumes"].append({"name": "added", **source}))


def _projected(what: str, source: Any) -> Mutation:
    return _volume("token-audience", what, {"projected": {"sources": [source]}})


def _host(place: str, handler: str) -> Mutation:
    def change(container: Any) -> None:
        outer, _, inner = place.partition(".")
        value = {handler: {"port": 8080, "host": "10.0.0.1"}}
        container[outer] = {inner: value} if inner else value

    return _container("probe-hosts", f"{place} {handler}", change)


def _resources(what: str, **resources: Any) -> Mutation:
    return _container("resources-set", what, lambda one: one.update(resources=resources))


def _variable(name: str, value: str) -> Mutation:
    return _container("secret-literals", name, lambda one: one.update(env=[{"name": name, "value": value}]))


_ENOUGH = {"cpu": "250m", "memory": "256Mi"}
_SETTING = {"name": "kernel.msgmax", "value": "65536"}
_REGISTRY, _PINNED, _APPARMOR = "image-registry", "image-pinned", "container.apparmor.security.beta.kubernetes.io/"

PODS = (
    *(_pod("host-access", name, lambda pod, name=name: pod.update({name: True})) for name in ("hostPID", "hostIPC")),
    _pod("host-access", "hostNetwork", lambda pod: pod.update(hostNetwork=True)),
    _volume("host-path", "a folder", {"hostPath": {"path": "/var/lib"}}),
    _container("host-ports", "a port", lambda one: one.update(ports=[{"containerPort": 8080, "hostPort": 8080}])),
    *(
        _host(place, handler)
        for place in (*_PROBES, "lifecycle.postStart", "lifecycle.preStop")
        for handler in ("httpGet", "tcpSocket")
    ),
    _of_pod("sysctls", "not of the pod alone", sysctls=[_SETTING]),
    _security("no-privileges", "privileged", privileged=True, allowPrivilegeEscalation=None),
    _security("no-privileges", "hostProcess", windowsOptions={"hostProcess": True}),
    _of_pod("no-privileges", "hostProcess", windowsOptions={"hostProcess": True}),
    _another("no-privileges", "privileged", lambda one: one["securityContext"].update(privileged=True)),
    _security("privilege-escalation", "true", allowPrivilegeEscalation=True),
    _security("privilege-escalation", "unset", allowPrivilegeEscalation=None),
    _another("privilege-escalation", "true", lambda one: one["securityContext"].update(allowPrivilegeEscalation=True)),
    _security("capabilities", "nothing dropped", capabilities={}),
    _security("capabilities", "something dropped", capabilities={"drop": ["NET_RAW"]}),
    _security("capabilities", "SYS_ADMIN", capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN"]}),
    _another("capabilities", "none", lambda one: one["securityContext"].pop("capabilities"), "ephemeralContainers"),
    _security("proc-mount", "Unmasked", procMount="Unmasked"),
    _security("apparmor", "Unconfined", appArmorProfile={"type": "Unconfined"}),
    _of_pod("apparmor", "Unconfined", appArmorProfile={"type": "Unconfined"}),
    _template("apparmor", "annotation", lambda one: one.update(annotations={f"{_APPARMOR}checkout": "unconfined"})),
    *(_security("selinux", what, seLinuxOptions={what: "spc_t"}) for what in ("type", "user", "role")),
    *(_of_pod("selinux", what, seLinuxOptions={what: "spc_t"}) for what in ("type", "user", "role")),
    _unset("seccomp", "seccompProfile"),
    _security("seccomp", "Unconfined", seccompProfile={"type": "Unconfined"}),
    _of_pod("seccomp", "Unconfined", seccompProfile={"type": "Unconfined"}),
    _volume("volume-types", "nfs", {"nfs": {"server": "10.0.0.1", "path": "/"}}),
    _volume("volume-types", "gitRepo", {"gitRepo": {"repository": "https://git.example.com/x"}}),
    _unset("run-as-non-root", "runAsNonRoot"),
    _security("run-as-non-root", "false", runAsNonRoot=False),
    _of_pod("run-as-non-root", "false", runAsNonRoot=False),
    _security("run-as-non-root", "user 0", runAsUser=0),
    _of_pod("run-as-non-root", "user 0", runAsUser=0),
    _another("run-as-non-root", "user 0", lambda one: one["securityContext"].update(runAsUser=0)),
    _unset("high-user", "runAsUser"),
    _unset("high-user", "runAsGroup"),
    _security("high-user", "user 999", runAsUser=999),
    _security("high-user", "group 999", runAsGroup=999),
    _security("high-user", "group 0", runAsGroup=0),
    _security("read-only-root", "writable", readOnlyRootFilesystem=False),
    _security("read-only-root", "unset", readOnlyRootFilesystem=None),
    _image(_PINNED, IMAGE),
    _image(_PINNED, f"{IMAGE}:latest"),
    _image(_PINNED, f"{IMAGE}:LATEST"),
    _image(_PINNED, f"{IMAGE}:Latest@{DIGEST}"),
    _image(_PINNED, f"{IMAGE}:latest@{DIGEST}"),
    _image(_PINNED, f"{IMAGE}:"),
    _image(_PINNED, f"{IMAGE}@sha256:0"),
    _another(_PINNED, "no tag", lambda one: one.update(image=IMAGE)),
    _another(_PINNED, "no tag", lambda one: one.update(image=IMAGE), "ephemeralContainers"),
    _image_volume(_PINNED, IMAGE),
    _image(_REGISTRY, f"docker.io/library/nginx@{DIGEST}"),
    _image(_REGISTRY, f"nginx:1.29@{DIGEST}"),
    _image(_REGISTRY, f"registry.example.com/shopping/checkout@{DIGEST}"),
    _image(_REGISTRY, f"registry.example.com.evil.org/shop/checkout@{DIGEST}"),
    _image(_REGISTRY, f"registry.example.com/shop/../evil/checkout@{DIGEST}"),
    _image(_REGISTRY, f"registry.example.com/shop//checkout@{DIGEST}"),
    _another(_REGISTRY, "Docker Hub", lambda one: one.update(image="nginx:1.29")),
    _another(_REGISTRY, "Docker Hub", lambda one: one.update(image="nginx:1.29"), "ephemeralContainers"),
    _image_volume(_REGISTRY, f"docker.io/library/data@{DIGEST}"),
    _container("resources-set", "none at all", lambda one: one.pop("resources")),
    _resources("no limit", requests=_ENOUGH),
    _resources("a limit of 0", requests=_ENOUGH, limits={"memory": 0}),
    _resources("no cpu", requests={"memory": "256Mi"}, limits={"memory": "256Mi"}),
    _resources("no memory asked for", requests={"cpu": 1, "memory": "0"}, limits={"memory": "256Mi"}),
    _another("resources-set", "none", lambda one: one.pop("resources")),
    _pod("service-account", "default", lambda pod: pod.update(serviceAccountName="default")),
    _pod("service-account", "none", lambda pod: pod.pop("serviceAccountName")),
    _projected("a token for a vault", {"serviceAccountToken": {"path": "token", "audience": "vault"}}),
    _projected("a token of the mesh's in a template", {"serviceAccountToken": {"path": "t", "audience": "istio-ca"}}),
    _pod("token-automount", "true", lambda pod: pod.update(automountServiceAccountToken=True)),
    _pod("token-automount", "unset", lambda pod: pod.pop("automountServiceAccountToken")),
    _pod("priority-class", "the node's", lambda pod: pod.update(priorityClassName="system-node-critical")),
    _pod("priority-class", "the cluster's", lambda pod: pod.update(priorityClassName="system-cluster-critical")),
    _variable("DATABASE_PASSWORD", "hunter2"),
    _variable("apiKey", "0123456789"),
    _variable("GREETING", "AKIA" + "A" * 16),
    _variable("DATABASE", "postgres://app:hunter2@db:5432/app"),
)
"""`privileged` leaves allowPrivilegeEscalation out, since a server takes no privileged container that denies it."""
