"""Changes to Services, ways in and network rules of a good App; and what may be written there and stays allowed."""

from __future__ import annotations

from typing import Any

from tests.pipelines.mutation import Mutation, added, brought

_NGINX = "nginx.ingress.kubernetes.io"
_INSIDE = ["10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"]


def changed(rule: str, kind: str, what: str, field: str | None, **spec: Any) -> Mutation:
    """`spec` is put into the object of `kind`, and breaks `rule` at `field`."""
    return Mutation(rule, what, kind, lambda one: one["spec"].update(spec), field=field)


def _service(what: str, field: str | None, **spec: Any) -> Mutation:
    return changed("service-type", "Service", what, field, **spec)


def ingress(annotations: Any = None, **spec: Any) -> Any:
    """An Ingress of the Environment's class, with `spec` over it."""
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "checkout", "port": {"number": 80}}}}
    rules = [{"host": "checkout.example.com", "http": {"paths": [path]}}]
    made = {"ingressClassName": "nginx", "rules": rules, **spec}
    kept = {key: value for key, value in made.items() if value is not None}
    return brought("networking.k8s.io/v1", "Ingress", {"spec": kept}, annotations=annotations or {})


def route(**spec: Any) -> Any:
    """An HTTPRoute on the Environment's Gateway, with `spec` over it."""
    made = {
        "parentRefs": [{"name": "shared", "namespace": "gateways"}],
        "hostnames": ["checkout.example.com"],
        "rules": [{"backendRefs": [{"name": "checkout", "port": 80}]}],
        **spec,
    }
    return brought("gateway.networking.k8s.io/v1", "HTTPRoute", {"spec": made})


def certificate(*hosts: str, **spec: Any) -> Any:
    """A Certificate by an issuer of the App's namespace, with `spec` over it."""
    made = {"secretName": "checkout-tls", "issuerRef": {"name": "checkout"}, "dnsNames": list(hosts), **spec}
    return brought("cert-manager.io/v1", "Certificate", {"spec": made})


def _certificate(what: str, field: str, *hosts: str, **spec: Any) -> Mutation:
    return added("certificate-hosts", what, certificate(*hosts, **spec), f"spec.{field}")


def _issuer(what: str, **ref: str) -> Mutation:
    one = certificate(_HOST, issuerRef={"name": "letsencrypt", **ref})
    return added("certificate-issuer", what, one, "spec.issuerRef.name")


def _annotated(what: str, **annotations: str) -> Mutation:
    return added("ingress-annotations", what, ingress(annotations), "metadata.annotations")


def _let_in(what: str, field: str, *peers: Any) -> Mutation:
    rules = [{"from": [{"podSelector": {}}]}, {"from": list(peers)}]
    return changed("network-policy-closed", "NetworkPolicy", f"in: {what}", field, ingress=rules)


def _let_out(what: str, field: str, *peers: Any, **rule: Any) -> Mutation:
    rules = [{"to": [{"podSelector": {}}]}, {"to": list(peers), **rule}]
    return changed("network-policy-closed", "NetworkPolicy", f"out: {what}", field, egress=rules)


def _block(cidr: str, *excepted: str) -> Any:
    return {"ipBlock": {"cidr": cidr, **({"except": list(excepted)} if excepted else {})}}


def _spaces(**selector: Any) -> Any:
    return {"namespaceSelector": selector}


def _expression(operator: str, key: str = "kubernetes.io/metadata.name", *values: str) -> Any:
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}


_IN, _OUT = "spec.ingress[1].from[0]", "spec.egress[1].to[0]"
_NAMED = "kubernetes.io/metadata.name"

_NETWORK_POLICY = (
    changed("network-policy-closed", "NetworkPolicy", "in: everybody", "spec.ingress[0]", ingress=[{}]),
    changed(
        "network-policy-closed", "NetworkPolicy", "in: a port", "spec.ingress[0]", ingress=[{"ports": [{"port": 1}]}]
    ),
    _let_in("all addresses", f"{_IN}.ipBlock.cidr", _block("0.0.0.0/0")),
    _let_in("half of all addresses", f"{_IN}.ipBlock.cidr", _block("128.0.0.0/1")),
    _let_in("all addresses outside", f"{_IN}.ipBlock.cidr", _block("0.0.0.0/0", *_INSIDE)),
    _let_in("all addresses of a kind", f"{_IN}.ipBlock.cidr", _block("10.0.0.0/8")),
    _let_in("all new addresses", f"{_IN}.ipBlock.cidr", _block("2000::/3")),
    _let_in("every namespace", _IN, _spaces()),
    _let_in("every namespace with a name", _IN, _spaces(matchExpressions=[_expression("Exists")])),
    _let_in("every namespace but one", _IN, _spaces(matchExpressions=[_expression("NotIn", _NAMED, "x")])),
    _let_in("every team", _IN, _spaces(matchLabels={"deploy-gateway.dev/managed": "true"})),
    _let_in("pods anywhere", _IN, _spaces() | {"podSelector": {"matchLabels": {"app": "storefront"}}}),
    changed("network-policy-closed", "NetworkPolicy", "out: everywhere", "spec.egress[0]", egress=[{}]),
    changed("network-policy-closed", "NetworkPolicy", "out: ignored", "spec.policyTypes", policyTypes=["Ingress"]),
    _let_out("all addresses", f"{_OUT}.ipBlock", _block("0.0.0.0/0")),
    _let_out("half of all addresses", f"{_OUT}.ipBlock", _block("0.0.0.0/1", *_INSIDE[:1])),
    _let_out("all addresses of a kind", f"{_OUT}.ipBlock", _block("10.0.0.0/8")),
    _let_out("all new addresses", f"{_OUT}.ipBlock", _block("::/0")),
    _let_out("all addresses at a port", f"{_OUT}.ipBlock", _block("0.0.0.0/0"), ports=[{"port": 5432}]),
    _let_out(
        "all ports from the API's", f"{_OUT}.ipBlock", _block("0.0.0.0/0"), ports=[{"port": 443, "endPort": 9999}]
    ),
    _let_out("every namespace", _OUT, _spaces()),
    _let_out("all pods", _OUT, _spaces() | {"podSelector": {}}),
    _let_out(
        "all pods with a label", _OUT, _spaces() | {"podSelector": {"matchExpressions": [_expression("Exists", "app")]}}
    ),
)


def _let_call(what: str, field: str, rule: Any, **spec: Any) -> Mutation:
    rules = [{"from": [{"source": {"namespaces": ["storefront-staging"]}}]}, rule]
    return changed("authorization-closed", "AuthorizationPolicy", what, field, rules=rules, **spec)


def _calling(**source: Any) -> Any:
    return {"from": [{"source": source}]}


_SOURCE = "spec.rules[1].from[0].source"

_AUTHORIZATION = (
    _let_call("everybody", "spec.rules[1]", {}),
    _let_call("everybody at a port", "spec.rules[1]", {"to": [{"operation": {"ports": ["8080"]}}]}),
    _let_call("a source without a name", _SOURCE, _calling(notPrincipals=["cluster.local/ns/x/sa/x"])),
    _let_call("addresses", _SOURCE, _calling(ipBlocks=["10.0.0.0/8"])),
    _let_call("whoever has a token", _SOURCE, _calling(requestPrincipals=["*"])),
    _let_call("every principal", f"{_SOURCE}.principals[0]", _calling(principals=["*"])),
    _let_call("every principal of the mesh", f"{_SOURCE}.principals[0]", _calling(principals=["cluster.local/*"])),
    _let_call("principals of one name", f"{_SOURCE}.principals[0]", _calling(principals=["*/sa/storefront"])),
    _let_call("every namespace", _SOURCE, _calling(namespaces=["*"])),
    changed("authorization-closed", "AuthorizationPolicy", "somebody else decides", "spec.action", action="CUSTOM"),
)

_HOST, _OTHERS = "checkout.example.com", "payments.payments-staging.svc"

_CERTIFICATES = (
    _certificate("a wildcard", "dnsNames[1]", _HOST, "*.example.com"),
    _certificate("a Service of others", "dnsNames[1]", _HOST, _OTHERS.upper()),
    _certificate("a Service of others in full", "dnsNames[0]", f"{_OTHERS}.cluster.local"),
    _certificate("a Service of a namespace of that beginning", "dnsNames[0]", "a.checkout-staging.x.svc"),
    _certificate("a wildcard by its common name", "commonName", commonName="*.example.com"),
    _certificate("a Service of others by its common name", "commonName", commonName=_OTHERS),
    _certificate("to sign others", "isCA", _HOST, isCA=True),
    _certificate("an identity of the mesh", "uris", _HOST, uris=["spiffe://cluster.local/ns/x/sa/x"]),
    _certificate("an address", "ipAddresses", _HOST, ipAddresses=["10.0.0.1"]),
    _certificate("a subject in full", "literalSubject", _HOST, literalSubject="CN=admin"),
    _issuer("another issuer", kind="ClusterIssuer", name="internal"),
    _issuer("another kind", kind="AWSPCAClusterIssuer", group="awspca.cert-manager.io"),
    _issuer("another group", group="example.com"),
)

NETWORK = (
    _service("LoadBalancer", "spec.type", type="LoadBalancer"),
    _service("NodePort", "spec.type", type="NodePort"),
    _service("ExternalName", None, type="ExternalName", externalName="api.stripe.com"),
    _service("externalIPs", "spec.externalIPs", externalIPs=["10.0.0.1"]),
    _service("loadBalancerIP", "spec.loadBalancerIP", loadBalancerIP="10.0.0.1"),
    _service("externalName", "spec.externalName", externalName="api.stripe.com"),
    added("ingress-class", "another class", ingress(ingressClassName="traefik"), "spec.ingressClassName"),
    added("ingress-class", "no class", ingress(ingressClassName=None), "spec.ingressClassName"),
    added("ingress-class", "by annotation", ingress({"kubernetes.io/ingress.class": "nginx"}), "metadata.annotations"),
    _annotated("a snippet", **{f"{_NGINX}/configuration-snippet": "return 200;"}),
    _annotated("a Secret of others", **{f"{_NGINX}/auth-tls-secret": "other/tls"}),
    _annotated("another controller's", **{"traefik.ingress.kubernetes.io/router.middlewares": "other-x@kubernetescrd"}),
    _annotated("more than a number", **{f"{_NGINX}/proxy-body-size": "8m; return 200"}),
    _annotated("an expression", **{f"{_NGINX}/use-regex": "true"}),
    _annotated("another issuer", **{"cert-manager.io/cluster-issuer": "own"}),
    added("ingress-hosts", "a wildcard", ingress(rules=[{"host": "*.example.com"}]), "spec.rules[0].host"),
    added("ingress-hosts", "no host", ingress(rules=[{"host": "a.example.com"}, {}]), "spec.rules[1].host"),
    added("ingress-hosts", "a certificate", ingress(tls=[{"hosts": ["*.example.com"]}]), "spec.tls[0].hosts[0]"),
    added(
        "ingress-hosts",
        "a default backend",
        ingress(defaultBackend={"service": {"name": "checkout", "port": {"number": 80}}}),
        "spec.defaultBackend",
    ),
    added("route-gateway", "another Gateway", route(parentRefs=[{"name": "own"}]), "spec.parentRefs[0]"),
    added("route-gateway", "no Gateway", route(parentRefs=[]), "spec.parentRefs"),
    added("route-gateway", "a wildcard", route(hostnames=["a.example.com", "*.example.com"]), "spec.hostnames[1]"),
    added("route-gateway", "no hosts", route(hostnames=[]), "spec.hostnames"),
    added(
        "route-gateway",
        "another namespace",
        route(rules=[{"backendRefs": [{"name": "frontpage", "namespace": "frontpage-staging", "port": 80}]}]),
        "spec.rules[0].backendRefs[0]",
    ),
    added(
        "route-gateway",
        "a copy to another namespace",
        route(
            rules=[
                {
                    "filters": [
                        {
                            "type": "RequestMirror",
                            "requestMirror": {"backendRef": {"name": "x", "namespace": "other", "port": 80}},
                        }
                    ]
                }
            ]
        ),
        "spec.rules[0].filters[0].requestMirror.backendRef.namespace",
    ),
    *_CERTIFICATES,
    *_NETWORK_POLICY,
    *_AUTHORIZATION,
)


def _network_policy(**spec: Any) -> Any:
    return brought("networking.k8s.io/v1", "NetworkPolicy", {"spec": {"podSelector": {}, **spec}})


def _authorization(**spec: Any) -> Any:
    return brought("security.istio.io/v1", "AuthorizationPolicy", {"spec": spec})


_DNS = {"podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}

NETWORK_ALLOWED = {
    "a good Ingress": ingress({"cert-manager.io/cluster-issuer": "letsencrypt", f"{_NGINX}/proxy-body-size": "8m"}),
    "an annotation of nobody's": ingress({"contact": "shop"}),
    "a good route": route(),
    "a certificate": certificate(_HOST, isCA=False, uris=[], commonName=_HOST),
    "a certificate of the Environment's": certificate(
        _HOST, issuerRef={"name": "letsencrypt", "kind": "ClusterIssuer", "group": "cert-manager.io"}
    ),
    "a certificate for its own Service": certificate(
        "checkout.checkout-staging.svc", "a.checkout.checkout-staging.svc.cluster.local", "svc.example.com"
    ),
    "a headless Service": brought("v1", "Service", {"spec": {"clusterIP": "None", "ports": [{"port": 80}]}}),
    "nobody at all": _network_policy(policyTypes=["Ingress", "Egress"]),
    "a network of callers": _network_policy(ingress=[{"from": [_block("10.1.0.0/16")]}]),
    "the App's own pods": _network_policy(ingress=[{"from": [{"podSelector": {}}]}]),
    "callers of two namespaces": _network_policy(
        ingress=[{"from": [_spaces(matchExpressions=[_expression("In", _NAMED, "a", "b")])]}]
    ),
    "names of hosts, wherever they are answered": _network_policy(
        egress=[{"to": [_spaces() | _DNS], "ports": [{"port": 53}]}]
    ),
    "addresses outside": _network_policy(egress=[{"to": [_block("0.0.0.0/0", *_INSIDE, "203.0.113.0/24")]}]),
    "new addresses outside": _network_policy(egress=[{"to": [_block("::/0", "fc00::/7", "fe80::/10")]}]),
    "the Kubernetes API": _network_policy(egress=[{"to": [_block("0.0.0.0/0")], "ports": [{"port": 443}]}]),
    "nobody in the mesh": _authorization(),
    "the accounts of a namespace": _authorization(
        rules=[_calling(principals=["cluster.local/ns/storefront-staging/sa/*"])]
    ),
    "everybody is denied a path": _authorization(action="DENY", rules=[{"to": [{"operation": {"paths": ["/admin"]}}]}]),
}
"""Objects that no rule has anything to say about, by what is special about them."""
