"""`/api/v1/clusters`: what they are, what kube-bench measured of them, and what the platform accepted of that."""

from __future__ import annotations

import hashlib
import zlib
from datetime import UTC, datetime, timedelta

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel

from configuration.settings import Settings
from gateway.authorization import Permission, place_of_cluster, require
from gateway.bodies import bound
from gateway.context import gateway, principal
from gateway.documentation import CLUSTERS, READ_ERRORS, SECURITY, WRITE_ERRORS, operation_id, problems
from gateway.postures import (
    LARGEST_REQUEST_BYTES,
    BaselineRequest,
    BaselineView,
    ClusterPage,
    ClusterPath,
    ClusterView,
    FactsView,
    MeasurementRequest,
    MeasurementView,
    PosturePage,
    baseline_view,
    exemption_view,
    measurement_view,
    node_class_view,
)
from gateway.repeats import callers_key
from gateway.schemas import IdempotencyHeader, PageQuery
from pipelines.apps import ClusterName
from pipelines.benchmark import parse
from pipelines.days import today
from pipelines.errors import Conflict, InvalidInput, NotFound, UnreadableBenchmark
from pipelines.suggestions import did_you_mean
from store import NewMeasurement

api = APIBlueprint(
    "clusters",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[CLUSTERS],
    abp_security=SECURITY,
    operation_id_callback=operation_id,
)
_CLOCKS_DIFFER_BY = timedelta(minutes=5)


@api.before_request
def _let_reports_in() -> None:
    """A report is longer than what else is sent here. Whoever sends it is known by now."""
    if request.endpoint == "clusters.measure":
        request.max_content_length = bound(LARGEST_REQUEST_BYTES)


@api.get("/clusters", summary="List clusters", responses={200: ClusterPage, **problems(*READ_ERRORS)})
def index() -> Response:
    """All of them: what a Release needs of its cluster is no secret to whoever may release."""
    return _json(ClusterPage(items=[cluster_view(name) for name in sorted(gateway().settings.clusters)]))


@api.get("/clusters/<cluster>", summary="One cluster", responses={200: ClusterView, **problems(*READ_ERRORS)})
def show(path: ClusterPath) -> Response:
    """With what kube-bench is exempted from there, by whom and until when."""
    return _json(cluster_view(gateway().settings.cluster(path.cluster)))


@api.get(
    "/clusters/<cluster>/facts",
    summary="What a cluster knows",
    responses={
        200: FactsView,
        304: {"description": "It is what `If-None-Match` names."},
        **problems(*READ_ERRORS),
    },
)
def facts(path: ClusterPath) -> Response:
    """Its version, its APIs and the schemas of its kinds, CRDs among them: what checks on a laptop take from a file.

    Some MiB of JSON: sent as it is stored, compressed, to whoever accepts `deflate`.
    """
    cluster = gateway().settings.cluster(path.cluster)
    kept = gateway().store.clusters.document(cluster)
    if kept is None:
        raise NotFound(
            f"nothing is known of the cluster {cluster} yet",
            f"Start its worker, or wait for it: deploy-gateway worker deploy --cluster {cluster} --kubeconfig FILE",
            where="cluster",
        )
    digest, compressed = kept
    is_compressed = request.accept_encodings.quality("deflate") > 0
    response = Response(compressed if is_compressed else zlib.decompress(compressed), mimetype="application/json")
    if is_compressed:
        response.content_encoding = "deflate"
    response.vary.add("Accept-Encoding")
    response.set_etag(f"{digest}-deflate" if is_compressed else digest)
    response.make_conditional(request)
    return response


@api.get(
    "/clusters/<cluster>/benchmarks",
    summary="The posture of a cluster",
    responses={200: PosturePage, **problems(*READ_ERRORS)},
)
def posture(path: ClusterPath, query: PageQuery) -> Response:
    """What kube-bench last measured on each class of nodes, what fails and what to do, and the history of it."""
    return _json(posture_page(gateway().settings.cluster(path.cluster), query.limit, query.cursor))


@api.post(
    "/clusters/<cluster>/benchmarks",
    summary="Hand in what kube-bench measured",
    responses={201: MeasurementView, 200: MeasurementView, **problems(*WRITE_ERRORS, UnreadableBenchmark, Conflict)},
)
def measure(path: ClusterPath, body: MeasurementRequest, header: IdempotencyHeader) -> Response:
    """Read strictly: what is not one whole report of that class of nodes is refused, and counts for nothing.

    201 once it is stored; 200 for a repeat with the same Idempotency-Key.
    """
    settings = gateway().settings
    cluster = settings.cluster(path.cluster)
    require(settings, principal(), Permission.MEASURE, place_of_cluster(settings, cluster))
    benchmark = parse(body.report, _sections(settings, cluster, body.node_class))
    stored, is_new = gateway().store.benchmarks.record(
        NewMeasurement(
            cluster=cluster,
            node_class=body.node_class,
            node=body.node,
            source="pushed",
            received_by=principal().name,
            measured_at=_time(body.measured_at),
            benchmark=benchmark,
            key=callers_key(header.idempotency_key),
            digest=hashlib.sha256(body.report.encode("utf-8", "surrogatepass")).hexdigest(),
        )
    )
    return _json(measurement_view(stored), 201 if is_new else 200)


@api.post(
    "/clusters/<cluster>/baselines",
    summary="Accept a baseline",
    responses={201: BaselineView, **problems(*WRITE_ERRORS)},
)
def accept(path: ClusterPath, body: BaselineRequest, header: IdempotencyHeader) -> Response:
    """From then on, what fails in that measurement is known and no news. Safe to repeat, with any Idempotency-Key."""
    settings = gateway().settings
    cluster = settings.cluster(path.cluster)
    require(settings, principal(), Permission.ACCEPT_BASELINE, place_of_cluster(settings, cluster))
    baseline = gateway().store.benchmarks.accept(
        cluster, body.measurement, accepted_by=principal().name, reason=body.reason.strip()
    )
    return _json(baseline_view(baseline), 201)


def cluster_view(name: ClusterName) -> ClusterView:
    """The cluster as gateway.yaml and its deploy worker tell of it."""
    settings, clusters = gateway().settings, gateway().store.clusters
    facts, kube_bench = clusters.facts(name), settings.kube_bench.get(name)
    return ClusterView(
        name=name,
        environments=sorted(one.name for one in settings.environments.values() if one.cluster == name),
        kubernetes_version=facts.kubernetes_version if facts else None,
        seen_at=clusters.seen_at(name),
        node_classes=list(settings.node_classes[name]),
        kube_bench=exemption_view(kube_bench, today()) if kube_bench else None,
    )


def posture_page(name: ClusterName, limit: int, cursor: str | None) -> PosturePage:
    """The posture of a cluster now, and a part of its history."""
    benchmarks, now = gateway().store.benchmarks, datetime.now(UTC)
    history = benchmarks.history(name, limit, cursor)
    classes = benchmarks.posture(name, gateway().settings.node_classes[name]).classes
    return PosturePage(
        cluster=name,
        node_classes=[node_class_view(one, now) for one in classes],
        history=[measurement_view(one) for one in history.items],
        next_cursor=history.next_cursor,
    )


def _sections(settings: Settings, cluster: ClusterName, node_class: str) -> tuple[str, ...]:
    known = settings.node_classes[cluster]
    if node_class not in known:
        raise InvalidInput(
            f"cluster {cluster} has no node class {node_class!r}", did_you_mean(node_class, known), where="node_class"
        )
    return known[node_class]


def _time(text: str | None) -> datetime:
    now = datetime.now(UTC)
    if text is None:
        return now
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = now.replace(tzinfo=None)
    if at.tzinfo is None or not datetime(2000, 1, 1, tzinfo=UTC) <= at <= now + _CLOCKS_DIFFER_BY:
        raise InvalidInput(
            f"{text!r} is no time that has been",
            "Write it with its zone, such as 2026-11-24T03:00:00Z",
            where="measured_at",
        )
    return at


def _json(view: BaseModel, status: int = 200) -> Response:
    return Response(view.model_dump_json(), status=status, content_type="application/json")
