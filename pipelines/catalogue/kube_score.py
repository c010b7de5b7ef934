"""What kube-score 1.20 looks at, in our words, and which of its checks mean the same as a rule of ours."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.catalogue.entry import Entry, Holds
from pipelines.catalogue.relations import BUDGET, NETWORK_POLICY
from pipelines.findings import Mode, Severity

# The name of the check that looks, and what its rules begin with.
FOUND_BY = "kube-score"
PREFIX = f"{FOUND_BY}/"
_LINK = "https://github.com/zegl/kube-score/blob/master/README_CHECKS.md"
_SPREAD = (
    "affinity:\n  podAntiAffinity:\n    preferredDuringSchedulingIgnoredDuringExecution:\n"
    "      - weight: 100\n        podAffinityTerm:\n          topologyKey: kubernetes.io/hostname\n"
    "          labelSelector: {matchLabels: {app.kubernetes.io/name: APP}}"
)
_LABELS = (
    "selector: {matchLabels: {app.kubernetes.io/name: APP}}\n"
    "template: {metadata: {labels: {app.kubernetes.io/name: APP}}}"
)


# Ours say it with the field, and are held in the cluster too, or see what kube-score passes.
_SAME_AS: Mapping[str, tuple[str, ...]] = {
    "container-image-tag": ("image-pinned",),
    "container-resources": ("resources-set",),
    "container-seccomp-profile": ("seccomp",),
    "container-security-context-privileged": ("no-privileges",),
    "container-security-context-readonlyrootfilesystem": ("read-only-root",),
    "container-security-context-user-group-id": ("high-user", "run-as-non-root"),
    "deployment-has-poddisruptionbudget": ("disruption-budget-present",),
    "deployment-pod-selector-labels-match-template-metadata-labels": ("selector-matches-template",),
    "horizontalpodautoscaler-has-target": ("autoscaler-hits",),
    "ingress-targets-service": ("route-backend",),
    "networkpolicy-targets-pod": ("selector-selects",),
    "pod-networkpolicy": ("network-policy-present",),
    "service-targets-pod": ("service-selects",),
    "service-type": ("service-type",),
    "statefulset-has-poddisruptionbudget": ("disruption-budget-present",),
    "statefulset-pod-selector-labels-match-template-metadata-labels": ("selector-matches-template",),
}


def check_of_theirs(check: str, title: str, why: str, how: str, mode: Mode) -> Entry:
    """The entry of the check that kube-score calls `check`; `mode` is what its grade means, where ours don't decide."""
    same_as = _SAME_AS.get(check, ())
    return Entry(
        id=f"{PREFIX}{check}",
        severity=Severity.HIGH if mode is Mode.ENFORCE else Severity.LOW,
        title=title,
        why=why,
        how=how,
        link=f"{_LINK}#{check}",
        holds=Holds.KUBE_SCORE,
        mode=Mode.WARN if same_as else mode,
        found_by=FOUND_BY,
        same_as=same_as,
    )


def _blocks(check: str, title: str, why: str, how: str) -> Entry:
    return check_of_theirs(check, title, why, how, Mode.ENFORCE)


def _warns(check: str, title: str, why: str, how: str) -> Entry:
    return check_of_theirs(check, title, why, how, Mode.WARN)


KUBE_SCORE = (
    _blocks(
        "container-ephemeral-storage-request-and-limit",
        "Containers say how much disk they need",
        "A log file that grows fills the disk of the node, and all pods on it are evicted.",
        "resources: {requests: {ephemeral-storage: 64Mi}, limits: {ephemeral-storage: 256Mi}}",
    ),
    _blocks(
        "container-image-pull-policy",
        "Images are pulled each time",
        "A node that has an image by that name uses it, whoever put it there.",
        "imagePullPolicy: Always",
    ),
    _blocks(
        "container-image-tag",
        "Images have a tag, and it is not latest",
        "What runs could change without a Release, and nobody could say what ran last week.",
        "image: registry.example.com/TEAM/APP:1.4.2",
    ),
    _blocks(
        "container-resources",
        "Containers say what they need, and how much they may have",
        "Without requests the scheduler guesses; without a limit one container takes the memory of all on its node.",
        "resources: {requests: {cpu: 250m, memory: 256Mi}, limits: {memory: 256Mi}}",
    ),
    _blocks(
        "container-security-context-privileged",
        "No container is privileged",
        "A privileged container is root on the node, and so in every pod there.",
        "securityContext: {privileged: false}",
    ),
    _blocks(
        "container-security-context-readonlyrootfilesystem",
        "Containers do not write into their image",
        "Who breaks in can't put a program of his own where nothing can be written.",
        "securityContext: {readOnlyRootFilesystem: true}",
    ),
    _blocks(
        "container-security-context-user-group-id",
        "Containers run as a user of their own",
        "A number that a user of the node has too owns that user's files when a container is escaped.",
        "securityContext: {runAsUser: 10001, runAsGroup: 10001}",
    ),
    _blocks(
        "cronjob-has-deadline",
        "A CronJob that could not start in time is given up",
        "After a hundred starts that were missed, the controller gives up for ever.",
        "spec: {startingDeadlineSeconds: 300}",
    ),
    _blocks(
        "cronjob-restartpolicy",
        "The pods of a CronJob end",
        "A Job's pods may only be started again when they fail, or never.",
        "restartPolicy: Never",
    ),
    _blocks(
        "deployment-has-poddisruptionbudget",
        "A Deployment has a PodDisruptionBudget",
        "A node that is drained may take all replicas at the same moment.",
        BUDGET,
    ),
    _blocks(
        "deployment-pod-selector-labels-match-template-metadata-labels",
        "A Deployment selects the pods that it makes",
        "The cluster refuses it.",
        _LABELS,
    ),
    _blocks(
        "environment-variable-key-duplication",
        "A variable is set once",
        "Of two values for one name the last counts, which is rarely the one that somebody reads.",
        "env: [{name: LOG_LEVEL, value: info}]   # each name once",
    ),
    _blocks(
        "horizontalpodautoscaler-has-target",
        "An autoscaler scales something",
        "Nothing is scaled, and nobody is told.",
        "scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: APP}",
    ),
    _blocks(
        "ingress-targets-service",
        "An Ingress leads to a Service",
        "Callers get 503.",
        "backend: {service: {name: APP, port: {name: http}}}",
    ),
    _blocks(
        "label-values",
        "Labels have values that the cluster takes",
        "The cluster refuses others.",
        'labels: {app.kubernetes.io/version: "1.4.2"}   # letters, digits, -, _ and ., at most 63',
    ),
    _blocks(
        "networkpolicy-targets-pod",
        "A NetworkPolicy selects pods",
        "It looks as if it protected something, and does not.",
        "podSelector: {matchLabels: {app.kubernetes.io/name: APP}}",
    ),
    _blocks(
        "pod-networkpolicy",
        "Pods are selected by a NetworkPolicy",
        "Without a NetworkPolicy every pod of the cluster may call this one, and it may call everything.",
        NETWORK_POLICY,
    ),
    _blocks(
        "pod-probes",
        "Pods say when they are ready and whether they live",
        "Without a readiness probe requests go to pods that can't answer yet; one path for both restarts busy pods.",
        "readinessProbe: {httpGet: {path: /ready, port: 8080}}\nlivenessProbe: {httpGet: {path: /live, port: 8080}}",
    ),
    _blocks(
        "pod-probes-identical",
        "Ready and alive are two questions",
        "A pod that is busy is not ready; asked the same way whether it lives, it is killed for it.",
        "readinessProbe: {httpGet: {path: /ready, port: 8080}}\nlivenessProbe: {httpGet: {path: /live, port: 8080}}",
    ),
    _blocks(
        "pod-topology-spread-constraints",
        "Constraints that spread pods are complete",
        "The cluster refuses those that are not.",
        "topologySpreadConstraints:\n  - {maxSkew: 1, topologyKey: kubernetes.io/hostname,"
        " whenUnsatisfiable: ScheduleAnyway,\n     labelSelector: {matchLabels: {app.kubernetes.io/name: APP}}}",
    ),
    _blocks(
        "poddisruptionbudget-has-policy",
        "A PodDisruptionBudget says how many may be missing",
        "Without a number it protects nothing.",
        "spec: {maxUnavailable: 1}",
    ),
    _blocks(
        "service-targets-pod",
        "A Service selects pods",
        "The Service has no pods behind it.",
        "selector: {app.kubernetes.io/name: APP}   # labels that the pods have",
    ),
    _blocks(
        "statefulset-has-poddisruptionbudget",
        "A StatefulSet has a PodDisruptionBudget",
        "A node that is drained may take all replicas at the same moment.",
        BUDGET,
    ),
    _blocks(
        "statefulset-has-servicename",
        "A StatefulSet has its headless Service",
        "Without it its pods have no names of their own in the DNS.",
        "serviceName: APP-pods   # a Service with clusterIP: None",
    ),
    _blocks(
        "statefulset-pod-selector-labels-match-template-metadata-labels",
        "A StatefulSet selects the pods that it makes",
        "The cluster refuses it.",
        _LABELS,
    ),
    _warns(
        "container-seccomp-profile",
        "Pods have a seccomp profile",
        "Without one a container may make every system call that the kernel has.",
        "securityContext: {seccompProfile: {type: RuntimeDefault}}",
    ),
    _warns(
        "deployment-has-host-podantiaffinity",
        "Replicas are on several nodes",
        "All replicas may be on one node, and be gone with it.",
        _SPREAD,
    ),
    _warns(
        "deployment-replicas", "There is more than one replica", "One replica is none while it restarts.", "replicas: 2"
    ),
    _warns(
        "deployment-strategy",
        "New pods come before old ones go",
        "All pods are stopped first, and callers get errors until the new ones are there.",
        "strategy: {type: RollingUpdate}",
    ),
    _warns(
        "deployment-targeted-by-hpa-does-not-have-replicas-configured",
        "Either an autoscaler sets the replicas, or you do",
        "Each Release sets the replicas back to that number, in the middle of the load.",
        "# leave out: replicas",
    ),
    _warns(
        "horizontalpodautoscaler-replicas",
        "An autoscaler keeps more than one replica",
        "One replica is none while it restarts.",
        "minReplicas: 2",
    ),
    _warns(
        "service-type",
        "A Service opens no port of the nodes",
        "The port is open on every node, past the one ingress.",
        "type: ClusterIP",
    ),
    _warns(
        "stable-version",
        "Objects are of a version that stays",
        "The next version of the cluster does not know it any more.",
        "apiVersion: apps/v1   # the version that the finding names",
    ),
    _warns(
        "statefulset-has-host-podantiaffinity",
        "Replicas are on several nodes",
        "All replicas may be on one node, and be gone with it.",
        _SPREAD,
    ),
)
