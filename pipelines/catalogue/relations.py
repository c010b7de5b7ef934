"""The rules over several objects. None of them can be an admission policy: a server sees one object at a time."""

from __future__ import annotations

from pipelines.catalogue.entry import Entry
from pipelines.findings import Mode, Severity

# The name of the check that looks.
FOUND_BY = "relations"
_KUBERNETES = "https://kubernetes.io/docs/concepts"
_POLICIES = f"{_KUBERNETES}/services-networking/network-policies/"
_DISRUPTIONS = "https://kubernetes.io/docs/tasks/run-application/configure-pdb/"
_LABELS = f"{_KUBERNETES}/overview/working-with-objects/labels/"
NETWORK_POLICY = (
    "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: APP}\nspec:\n"
    "  podSelector: {matchLabels: {app.kubernetes.io/name: APP}}\n  policyTypes: [Ingress, Egress]\n"
    "  ingress: []   # name the callers\n  egress: []    # name the callees, the DNS among them"
)
BUDGET = (
    "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: APP}\n"
    "spec: {maxUnavailable: 1, selector: {matchLabels: {app.kubernetes.io/name: APP}}}"
)

NETWORK_POLICY_PRESENT = Entry(
    id="network-policy-present",
    severity=Severity.CRITICAL,
    title="Every pod is selected by a NetworkPolicy, in both directions",
    why="What no policy selects may be called by every pod of the cluster, and may call everything.",
    how=NETWORK_POLICY,
    link=_POLICIES,
    found_by=FOUND_BY,
)
SELECTOR_SELECTS = Entry(
    id="selector-selects",
    severity=Severity.MEDIUM,
    title="A NetworkPolicy or PodDisruptionBudget selects pods",
    why="It looks as if it protected something, and protects nothing.",
    how="podSelector: {matchLabels: {app.kubernetes.io/name: APP}}   # labels that the pods have",
    link=_LABELS,
    found_by=FOUND_BY,
)
BUDGET_PRESENT = Entry(
    id="disruption-budget-present",
    severity=Severity.MEDIUM,
    title="What has several replicas has a PodDisruptionBudget",
    why="A node that is drained may take all replicas at the same moment.",
    how=BUDGET,
    link=_DISRUPTIONS,
    found_by=FOUND_BY,
)
BUDGET_DRAINS = Entry(
    id="disruption-budget-drains",
    severity=Severity.HIGH,
    title="A PodDisruptionBudget lets a node be drained",
    why="A drain waits for ever for a pod that may never go, and so does every upgrade of the cluster.",
    how="maxUnavailable: 1   # in place of minAvailable",
    link=_DISRUPTIONS,
    found_by=FOUND_BY,
)
SERVICE_SELECTS = Entry(
    id="service-selects",
    severity=Severity.HIGH,
    title="A Service selects pods of this Release",
    why="It has no pods behind it: whoever calls it gets no answer.",
    how="selector: {app.kubernetes.io/name: APP}   # labels that the pods have",
    link=f"{_KUBERNETES}/services-networking/service/",
    found_by=FOUND_BY,
)
SERVICE_PORT = Entry(
    id="service-target-port",
    severity=Severity.HIGH,
    title="The port that a Service leads to is one of its pods'",
    why="Nothing listens there: whoever calls it is refused.",
    how="targetPort: http   # the name of a port of the container",
    link=f"{_KUBERNETES}/services-networking/service/#field-spec-ports",
    found_by=FOUND_BY,
)
ROUTE_BACKEND = Entry(
    id="route-backend",
    severity=Severity.HIGH,
    title="An Ingress or route leads to a Service and port that are there",
    why="Callers get 503, and nobody is told.",
    how="backend: {service: {name: APP, port: {name: http}}}",
    link=f"{_KUBERNETES}/services-networking/ingress/",
    found_by=FOUND_BY,
)
AUTOSCALER_TARGET = Entry(
    id="autoscaler-hits",
    severity=Severity.HIGH,
    title="An autoscaler scales a workload of this Release",
    why="Nothing is scaled, and nobody is told before the load comes.",
    how="scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: APP}",
    link="https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/",
    found_by=FOUND_BY,
)
REFERENCES_RESOLVE = Entry(
    id="references-resolve",
    severity=Severity.HIGH,
    title="What a pod names is there",
    why="The pod does not start, and the rollout waits for it until its time is up.",
    how="configMapKeyRef: {name: NAME, key: KEY}   # or optional: true, where the program does without",
    link=f"{_KUBERNETES}/configuration/configmap/",
    found_by=FOUND_BY,
)
SELECTOR_MATCHES = Entry(
    id="selector-matches-template",
    severity=Severity.HIGH,
    title="A workload selects the pods that it makes",
    why="The cluster refuses it.",
    how="selector: {matchLabels: {app.kubernetes.io/name: APP}}\n"
    "template: {metadata: {labels: {app.kubernetes.io/name: APP}}}",
    link=f"{_KUBERNETES}/workloads/controllers/deployment/#selector",
    found_by=FOUND_BY,
)
SELECTOR_OWN = Entry(
    id="selector-not-shared",
    severity=Severity.HIGH,
    title="No two workloads select the same pods",
    why="Each counts the other's pods as its own: budgets, autoscalers and rollouts go by wrong numbers.",
    how="selector: {matchLabels: {app.kubernetes.io/name: APP, app.kubernetes.io/component: PART}}",
    link=f"{_KUBERNETES}/workloads/controllers/deployment/#selector",
    found_by=FOUND_BY,
)
OBJECTS_UNIQUE = Entry(
    id="objects-unique",
    severity=Severity.HIGH,
    title="Each object is there once",
    why="Of two objects by one name the later takes the place of the earlier, and half of what was meant is gone.",
    how="metadata: {name: ANOTHER-NAME}   # or leave one of them out",
    link=f"{_KUBERNETES}/overview/working-with-objects/names/",
    found_by=FOUND_BY,
)
NAMESPACE_OWN = Entry(
    id="namespace-own",
    severity=Severity.CRITICAL,
    title="Objects are in the namespace of the App",
    why="Another namespace belongs to somebody else, who is not asked.",
    how="# leave out: metadata.namespace",
    link=f"{_KUBERNETES}/overview/working-with-objects/namespaces/",
    found_by=FOUND_BY,
)
MESH_KEPT = Entry(
    id="mesh-policy-kept",
    severity=Severity.CRITICAL,
    title="What the mesh demands of all is not weakened by one",
    why="An object in the mesh's own namespace, or one that takes back what it says, holds for more than this App.",
    how="metadata: {namespace: APP}\nspec: {selector: {matchLabels: {app.kubernetes.io/name: APP}}}",
    link="https://istio.io/latest/docs/concepts/security/",
    found_by=FOUND_BY,
)
PODS_SEEN = Entry(
    id="pods-seen",
    severity=Severity.HIGH,
    title="Pods are made by kinds that the rules look into",
    why="No rule on pods is held against a template in a kind that none of them knows.",
    how="apiVersion: apps/v1\nkind: Deployment   # or StatefulSet, DaemonSet, CronJob, Job",
    link=f"{_KUBERNETES}/workloads/controllers/",
    mode=Mode.WARN,
    found_by=FOUND_BY,
)
FIELDS_KEPT = Entry(
    id="fields-kept",
    severity=Severity.HIGH,
    title="What can't be changed in a running object stays as it is",
    why="The cluster refuses the change, and would at each Release from now on.",
    how="# write the value that runs, or give the object another name: the old one is then removed",
    link=f"{_KUBERNETES}/workloads/controllers/deployment/#label-selector-updates",
    found_by="preflight",
)

RELATIONS = (
    NETWORK_POLICY_PRESENT,
    SELECTOR_SELECTS,
    BUDGET_PRESENT,
    BUDGET_DRAINS,
    SERVICE_SELECTS,
    SERVICE_PORT,
    ROUTE_BACKEND,
    AUTOSCALER_TARGET,
    REFERENCES_RESOLVE,
    SELECTOR_MATCHES,
    SELECTOR_OWN,
    OBJECTS_UNIQUE,
    NAMESPACE_OWN,
    MESH_KEPT,
    PODS_SEEN,
    FIELDS_KEPT,
)
