"""Changes to what a good App says in the mesh, to its scraper and to its store of secrets; and what stays allowed."""

from __future__ import annotations

from typing import Any

from tests.pipelines.mutation import Mutation, added, brought
from tests.pipelines.mutations_network import changed

_OWN = "checkout.checkout-staging.svc.cluster.local"
_OTHER = "frontpage.frontpage-staging.svc.cluster.local"
_WORLD = "api.stripe.com"
_DISABLED = {"tls": {"mode": "DISABLE"}}
_ISTIO = "networking.istio.io/v1"


def _to(*hosts: str) -> list[Any]:
    return [{"route": [{"destination": {"host": host}} for host in hosts]}]


def virtual_service(**spec: Any) -> Any:
    """One that the mesh's Gateway of the Environment leads to the App by, with `spec` over it."""
    made = {"hosts": ["checkout.example.com"], "gateways": ["istio-system/shared"], "http": _to(_OWN), **spec}
    return brought(_ISTIO, "VirtualService", {"spec": made})


def _virtual(what: str, field: str, **spec: Any) -> Mutation:
    return added("virtual-service-own", what, virtual_service(**spec), field)


def destination_rule(host: str, **spec: Any) -> Any:
    """One of `host`."""
    return brought(_ISTIO, "DestinationRule", {"spec": {"host": host, **spec}})


def _destination(what: str, field: str, host: str = _OWN, **spec: Any) -> Mutation:
    return added("destination-rule-own", what, destination_rule(host, **spec), field)


def service_entry(*hosts: str, **spec: Any) -> Any:
    """One of `hosts`, as the standard chart writes it, with `spec` over it."""
    ports = [{"name": "tls-443", "number": 443, "protocol": "TLS"}]
    made = {"hosts": list(hosts), "location": "MESH_EXTERNAL", "ports": ports, "resolution": "DNS", "exportTo": ["."]}
    return brought(_ISTIO, "ServiceEntry", {"spec": {**made, **spec}})


def _entry(what: str, field: str, *hosts: str, **spec: Any) -> Mutation:
    return added("service-entry-own", what, service_entry(*(hosts or (_WORLD,)), **spec), field)


def monitor(endpoint: Any, **spec: Any) -> Any:
    """A ServiceMonitor of the App's pods."""
    made = {"selector": {"matchLabels": {"a": "b"}}, "endpoints": [{"port": "http"}, endpoint], **spec}
    return brought("monitoring.coreos.com/v1", "ServiceMonitor", {"spec": made})


def _monitored(what: str, field: str, endpoint: Any, **spec: Any) -> Mutation:
    return added("monitor-closed", what, monitor(endpoint, **spec), field)


def pod_monitor(endpoint: Any, **spec: Any) -> Any:
    """A PodMonitor of the App's pods."""
    made = {"selector": {"matchLabels": {"a": "b"}}, "podMetricsEndpoints": [endpoint], **spec}
    return brought("monitoring.coreos.com/v1", "PodMonitor", {"spec": made})


def external_secret(*keys: str, store: str = "vault", **spec: Any) -> Any:
    """One that reads `keys` of `store`, with `spec` over it."""
    made = {
        "secretStoreRef": {"kind": "ClusterSecretStore", "name": store},
        "target": {"name": "checkout-db"},
        "data": [{"secretKey": f"key-{number}", "remoteRef": {"key": key}} for number, key in enumerate(keys)],
        **spec,
    }
    return brought("external-secrets.io/v1", "ExternalSecret", {"spec": made})


def _secret(what: str, field: str, *keys: str, **spec: Any) -> Mutation:
    return added("external-secret-store", what, external_secret(*keys, **spec), field)


_TEMPLATE = "spec.template.metadata"


def _labelled(key: str, value: str) -> Mutation:
    return Mutation(
        "mesh-injection",
        f"the label {key}",
        "Deployment",
        lambda one: one["spec"]["template"]["metadata"]["labels"].update({key: value}),
        field=f"{_TEMPLATE}.labels",
    )


def _annotated(key: str, value: str) -> Mutation:
    return Mutation(
        "mesh-injection",
        f"the annotation {key}: {value}",
        "Deployment",
        lambda one: one["spec"]["template"]["metadata"].update(annotations={key: value}),
        field=f"{_TEMPLATE}.annotations",
    )


_OF_ANOTHER = {"storeRef": {"kind": "ClusterSecretStore", "name": "root"}}
_TLS = {**_to(_OTHER)[0], "match": [{"sniHosts": ["checkout.example.com"]}]}
_MIRROR = [{**_to(_OWN)[0], "mirror": {"host": _OTHER}}]
_PORT = {"portLevelSettings": [{"port": {"number": 80}, **_DISABLED}]}
_DELEGATE = [{"delegate": {"name": "frontpage", "namespace": "frontpage-staging"}}]

MESH = (
    _labelled("sidecar.istio.io/inject", "false"),
    _labelled("istio.io/dataplane-mode", "none"),
    _labelled("security.istio.io/tlsMode", "disabled"),
    _annotated("sidecar.istio.io/inject", "false"),
    _annotated("traffic.sidecar.istio.io/excludeInboundPorts", "8080"),
    _annotated("inject.istio.io/templates", "own"),
    _annotated("sidecar.istio.io/bootstrapOverride", "own"),
    _annotated("proxy.istio.io/config", '{"discoveryAddress": "evil:15012"}'),
    _annotated("proxy.istio.io/config", "concurrency: 1\ndiscoveryAddress: evil"),
    _virtual("another Gateway", "spec.gateways[1]", gateways=["istio-system/shared", "own"]),
    _virtual("a wildcard", "spec.hosts[1]", hosts=["a.example.com", "*.example.com"]),
    _virtual("no hosts", "spec.hosts", hosts=[]),
    _virtual("others' calls", "spec.hosts[0]", hosts=[_OTHER], gateways=["mesh"]),
    _virtual("others' calls, by default", "spec.hosts[0]", hosts=[_OTHER], gateways=[]),
    _virtual("others' calls to the world", "spec.hosts[0]", hosts=[_WORLD], gateways=["mesh"], exportTo=["*"]),
    _virtual("both ways", "spec.hosts[1]", hosts=["checkout", _WORLD], gateways=["istio-system/shared", "mesh"]),
    _virtual("another App", "spec.http[0].route[1].destination.host", http=_to(_OWN, _OTHER)),
    _virtual("another App by TLS", "spec.tls[0].route[0].destination.host", tls=[_TLS]),
    _virtual("another App by TCP", "spec.tcp[0].route[0].destination.host", tcp=_to(_OTHER)),
    _virtual("the world by a copy", "spec.http[0]", http=_MIRROR),
    _virtual("copies", "spec.http[0]", http=[{**_to(_OWN)[0], "mirrors": [{"destination": {"host": _OTHER}}]}]),
    _virtual("a delegate", "spec.http[0].delegate.namespace", http=_DELEGATE),
    _destination("a wildcard", "spec.host", "*.example.com", exportTo=["."]),
    _destination("others' host", "spec.exportTo", _OTHER),
    _destination("the world's host", "spec.exportTo", _WORLD, exportTo=["*"]),
    _destination("no TLS", "spec.trafficPolicy.tls.mode", trafficPolicy=_DISABLED),
    _destination("no TLS at a port", "spec.trafficPolicy.portLevelSettings[0].tls.mode", trafficPolicy=_PORT),
    _destination(
        "no TLS of a subset", "spec.subsets[0].trafficPolicy", subsets=[{"name": "x", "trafficPolicy": _DISABLED}]
    ),
    _destination("no TLS to others", "spec.trafficPolicy.tls.mode", _OTHER, trafficPolicy=_DISABLED, exportTo=["."]),
    _destination(
        "whoever answers",
        "spec.trafficPolicy",
        _WORLD,
        trafficPolicy={"tls": {"mode": "SIMPLE", "insecureSkipVerify": True}},
        exportTo=["."],
    ),
    _entry("everybody's", "spec.exportTo", exportTo=["*"]),
    _entry("everybody's, by default", "spec.exportTo", exportTo=[]),
    _entry("a wildcard", "spec.hosts[1]", _WORLD, "*.stripe.com"),
    _entry("a Service", "spec.hosts[0]", _OTHER),
    _entry("a short name", "spec.hosts[0]", "frontpage"),
    _entry("inside", "spec.location", location="MESH_INTERNAL"),
    _entry("pods", "spec.workloadSelector", resolution="STATIC", workloadSelector={"labels": {"a": "b"}}),
    _monitored("the scraper's token", "spec.endpoints[1].bearerTokenFile", {"bearerTokenFile": "/var/run/token"}),
    _monitored("the scraper's key", "spec.endpoints[1].tlsConfig", {"tlsConfig": {"keyFile": "/etc/key"}}),
    _monitored("through somebody", "spec", {"proxyUrl": "http://proxy.example.com"}),
    _monitored("all namespaces", "spec.namespaceSelector.any", {}, namespaceSelector={"any": True}),
    _monitored(
        "another namespace",
        "spec.namespaceSelector.matchNames[1]",
        {},
        namespaceSelector={"matchNames": ["checkout-staging", "frontpage-staging"]},
    ),
    added(
        "monitor-closed", "pods of all", pod_monitor({}, namespaceSelector={"any": True}), "spec.namespaceSelector.any"
    ),
    _secret("another store", "spec.secretStoreRef.name", "shop/db", store="root"),
    _secret("another team's", "spec.data[1].remoteRef.key", "shop/db", "blog/admin"),
    _secret("a team that is called like it", "spec.data[0].remoteRef.key", "shopping/db"),
    _secret("around the corner", "spec.data[0].remoteRef.key", "shop/../blog/admin"),
    _secret("another App's", "spec.data[0].remoteRef.key", "apps/frontpage/db", store="own"),
    _secret(
        "one of another store",
        "spec.data[0].remoteRef.key",
        data=[{"secretKey": "a", "remoteRef": {"key": "shop/db"}, "sourceRef": _OF_ANOTHER}],
    ),
    _secret("all of another team's", "spec.dataFrom[0]", dataFrom=[{"extract": {"key": "blog/admin"}}]),
    _secret("all that is found", "spec.dataFrom[0]", dataFrom=[{"find": {"name": {"regexp": ".*"}}}]),
    _secret(
        "all that is found elsewhere",
        "spec.dataFrom[1]",
        dataFrom=[{"extract": {"key": "shop/db"}}, {"find": {"path": "blog/", "name": {"regexp": ".*"}}}],
    ),
    _secret("a record of Helm", "spec.target", "shop/db", target={"name": "sh.helm.release.v1.checkout.v998"}),
    _secret(
        "a record by its label",
        "spec.target",
        "shop/db",
        target={"template": {"metadata": {"labels": {"owner": "helm"}}}},
    ),
    _secret("a token", "spec.target", "shop/db", target={"template": {"type": "kubernetes.io/service-account-token"}}),
    _secret("no Secret", "spec.target", "shop/db", target={"manifest": {"apiVersion": "v1", "kind": "ConfigMap"}}),
    _secret(
        "a generator",
        "spec.dataFrom[0]",
        dataFrom=[{"sourceRef": {"generatorRef": {"kind": "ECRAuthorizationToken", "name": "x"}}}],
    ),
    changed("disruption-allowed", "PodDisruptionBudget", "none may go", "spec.maxUnavailable", maxUnavailable=0),
    changed("disruption-allowed", "PodDisruptionBudget", "none of all", "spec.maxUnavailable", maxUnavailable="0%"),
)

_EXPORTED = {"exportTo": ["."]}

MESH_ALLOWED = {
    "the shared Gateway": virtual_service(),
    "the App's own calls to another": virtual_service(hosts=[_OTHER], gateways=[], http=_to(_OTHER), **_EXPORTED),
    "everybody's calls to the App": virtual_service(hosts=["checkout", _OWN], gateways=["mesh"]),
    "the App's own host": destination_rule(_OWN, trafficPolicy={"tls": {"mode": "ISTIO_MUTUAL"}}),
    "an outlier among others": destination_rule(_OTHER, trafficPolicy={"outlierDetection": {}}, **_EXPORTED),
    "TLS to the world": destination_rule(_WORLD, trafficPolicy={"tls": {"mode": "SIMPLE"}}, **_EXPORTED),
    "the world": service_entry(_WORLD, "hooks.stripe.com"),
    "a monitor": monitor({"port": "metrics", "tlsConfig": {"insecureSkipVerify": True}}),
    "a monitor of pods": pod_monitor({"port": "metrics"}, namespaceSelector={"matchNames": ["checkout-staging"]}),
    "the team's secrets": external_secret("shop/db", "shop/checkout/zone"),
    "the App's secrets": external_secret("apps/checkout/db", store="own"),
    "all of one secret": external_secret(dataFrom=[{"extract": {"key": "shop/db"}}]),
    "what is found in the team's": external_secret(dataFrom=[{"find": {"path": "shop/", "name": {"regexp": ".*"}}}]),
}
"""Objects that no rule has anything to say about, by what is special about them."""
