"""The clusters, and how safe kube-bench finds them."""

from __future__ import annotations

from flask import Response, make_response, render_template, request

from gateway.context import gateway
from gateway.pages.blueprint import pages
from gateway.pages.trend import trend
from gateway.routes.clusters import cluster_view, posture_page

_HISTORY = 30


@pages.get("/clusters")
def clusters() -> Response:
    """All clusters, each with the state of its nodes."""
    names = sorted(gateway().settings.clusters)
    shown = [(cluster_view(name), posture_page(name, 1, None).node_classes) for name in names]
    return make_response(render_template("clusters.html", clusters=shown))


@pages.get("/clusters/<name>")
def cluster(name: str) -> Response:
    """The posture of one: what fails and what to do, how it came to be, and what kube-bench is exempted from."""
    known = gateway().settings.cluster(name)
    page = posture_page(known, _HISTORY, request.args.get("cursor"))
    trends = {one.name: trend([m for m in page.history if m.node_class == one.name]) for one in page.node_classes}
    requiring = [one for one in gateway().settings.environments.values() if one.cluster == known and one.benchmark]
    return make_response(
        render_template("cluster.html", cluster=cluster_view(known), page=page, trends=trends, requiring=requiring)
    )
