"""A good App, rendered by the real chart: what single tests then break."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.adapters.helm import HelmClient
from pipelines.adapters.kube.connection import Connection
from pipelines.apps import App, AppName, ClusterName, CommitSha, Environment, EnvironmentName, Ingress, IngressKind
from pipelines.deployfile import read
from pipelines.place import Place
from pipelines.ports import Checkout, CheckSubject, ClusterFacts
from pipelines.rules import parameters
from pipelines.stages.checkout import Source
from pipelines.stages.render import render
from pipelines.stages.resolve import CHARTS, resolve
from tools.toolbox import ensure

DIGEST = "sha256:" + "ab" * 32
COMMIT = CommitSha("c" * 40)
FACTS = ClusterFacts("v1.36.3", ("apps/v1", "v1"), {})
REGISTRIES = ("registry.example.com/shop/",)
DEPLOY_YAML = """\
apiVersion: deploy-gateway/v1
app: checkout
workload: web
image: registry.example.com/shop/checkout:1.4.2
port: 8080
health: {readiness: /ready, liveness: /live}
resources: {cpu: 250m, memory: 256Mi}
allow:
  from: [{app: storefront}, {app: orders, namespace: elsewhere}]
  to: [{app: payments}, {host: api.stripe.com, port: 443}]
expose: {host: checkout.example.com}
"""


class KnownImages:
    """A registry that has every image."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def digest(self, image: str, *, timeout_seconds: float) -> str:
        self.asked.append(image)
        return DIGEST


def place(**changes: Any) -> Place:
    """Where checkout of team shop goes; `changes` are of the Environment."""
    settings = {"namespace": "{app}-staging", "rollout_timeout_seconds": 60, **changes}
    environment = Environment(EnvironmentName("staging"), ClusterName("local"), **settings)
    return Place(
        app=App(AppName("checkout"), "shop", "https://git.example.com/shop/checkout.git"),
        environment=environment,
        namespaces={"storefront": "storefront-staging", "payments": "payments-staging"},
        registries=REGISTRIES,
        standard_chart=CHARTS / "standard-app" / "0.1.0",
    )


def _way_in(**ingress: Any) -> Environment:
    return Environment(EnvironmentName(ingress["kind"]), ClusterName("local"), ingress=Ingress(**ingress))


FILTER = "traefik.io/Middleware"
PARAMETERS = parameters(
    REGISTRIES,
    (
        place(secret_stores={"vault": "{team}/", "own": "apps/{app}/"}, allowed_kinds=(FILTER,)).environment,
        _way_in(kind=IngressKind.INGRESS, class_name="nginx", issuer="letsencrypt"),
        _way_in(kind=IngressKind.HTTP_ROUTE, gateway="gateways/shared"),
    ),
    apps=(replace(place().app, cloud_identities={"staging": "arn:aws:iam::1:role/checkout"}),),
)
"""Of a cluster with one Environment for each kind of way in; the App is in the first."""


def source(text: str = DEPLOY_YAML, manifests: Mapping[str, bytes] | None = None) -> Source:
    """A commit whose deploy.yaml is `text`."""
    declaration = read(text.encode(), "deploy.yaml", app="checkout", environments={"staging"})
    return Source(Checkout(Path("tree"), COMMIT, "subject", "author"), declaration, manifests or {})


def subject(objects: tuple[Any, ...], facts: ClusterFacts = FACTS) -> CheckSubject:
    """`objects` of the App checkout."""
    return CheckSubject(b"", objects, "checkout", "shop", "checkout-staging", facts, PARAMETERS)


@pytest.fixture(scope="session")
def helm_client(tmp_path_factory: pytest.TempPathFactory) -> HelmClient:
    """The check zone's Helm."""
    return HelmClient(ensure(["helm"])["helm"], tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="session")
def _standard(helm_client: HelmClient) -> tuple[Any, ...]:
    resolved = resolve(source(), place(), KnownImages(), timeout_seconds=1)
    return render(resolved, place(), FACTS, helm_client, timeout_seconds=20).objects


@pytest.fixture
def good(_standard: tuple[Any, ...]) -> dict[str, Any]:
    """The objects of a good App by kind, this test's own copies; of several of a kind, the last."""
    return {str(one["kind"]): one for one in copy.deepcopy(_standard)}


@pytest.fixture
def standard(_standard: tuple[Any, ...]) -> tuple[Any, ...]:
    """All objects of a good App, in order."""
    return copy.deepcopy(_standard)


Answers = Callable[[str, str], tuple[int, bytes]]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Callable[..., Connection]]:
    """Connects to an API server that answers as a function of method and path says."""
    servers: list[ThreadingHTTPServer] = []

    def serve(answer: Answers, *, patience_seconds: float = 0.5) -> Connection:
        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, body = answer(self.command, self.path)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PUT = do_PATCH = do_DELETE = _answer

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        return Connection(kubeconfig_of(tmp_path, address), patience_seconds=patience_seconds)

    yield serve
    for one in servers:
        one.shutdown()
        one.server_close()


def kubeconfig_of(folder: Path, address: str, user: Any = None) -> Path:
    """A kubeconfig of the API server at `address`."""
    path = folder / "kubeconfig"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": address}}],
        "users": [{"name": "u", "user": {"token": "t"} if user is None else user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path.write_text(yaml.safe_dump(document))
    return path
