"""Kinds of proxies that are not the one way in, which a platform may let an Environment's Apps bring all the same."""

from __future__ import annotations

import re

GROUPS = frozenset(
    {
        *("apisix.apache.org", "appprotect.f5.com", "appprotectdos.f5.com", "configuration.konghq.com"),
        *("gateway.envoyproxy.io", "gateway.kgateway.dev", "getambassador.io", "ingress.v1.haproxy.org"),
        *("ingress.v3.haproxy.org", "k8s.nginx.org", "projectcontour.io", "traefik.containo.us", "traefik.io"),
    }
)
"""API groups of which the rule `platform-kinds` refuses every kind that is not allowed by name."""

ROUTES = frozenset(
    {
        *("IngressRoute", "IngressRouteTCP", "IngressRouteUDP", "HTTPProxy", "ApisixRoute", "ApisixTls"),
        *("KongIngress", "KongRoute", "KongSNI", "TCPIngress", "UDPIngress", "Host", "Listener", "Mapping"),
        *("TCPMapping", "TransportServer", "VirtualServer", "VirtualServerRoute", "TCP", "GlobalConfiguration"),
    }
)
"""Kinds of those groups that let requests in: the rules on hosts and ways in do not read them."""


def is_allowable(text: str) -> bool:
    """Whether `text` is GROUP/Kind of one that may be allowed."""
    group, _, kind = text.partition("/")
    return group in GROUPS and kind not in ROUTES and bool(re.fullmatch(r"[A-Z][A-Za-z0-9]*", kind))
