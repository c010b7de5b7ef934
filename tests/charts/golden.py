"""What each golden folder holds: `deploy.yaml` of the App checkout, `expected.yaml`, and how its Environment differs.

`python -m tests.charts.golden` writes each `expected.yaml` anew: to be read as a diff before it is committed.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from pipelines.adapters.helm import HelmClient
from pipelines.apps import (
    App,
    AppName,
    ClusterName,
    CommitSha,
    Environment,
    EnvironmentName,
    Ingress,
    IngressKind,
    Mesh,
    Placement,
)
from pipelines.charts import StandardCharts
from pipelines.deployfile import read
from pipelines.place import Place
from pipelines.ports import Checkout, ClusterFacts
from pipelines.stages.checkout import Source, texts_of
from pipelines.stages.render import Rendered, render
from pipelines.stages.resolve import resolve

FOLDER = Path(__file__).with_name("golden")
FEATURES = tuple(sorted(folder.name for folder in FOLDER.iterdir() if (folder / "deploy.yaml").exists()))
DIGEST = "sha256:" + "ab" * 32
COMMIT = CommitSha("c" * 40)
REGISTRIES = ("registry.example.com/",)
STORES = {"vault": "{team}/"}
SMOKE_IMAGE = "registry.example.com/platform/curl:8.17.0"
FACTS = ClusterFacts("v1.36.3", ("apps/v1", "v1"), {})


class KnownImages:
    """A registry that has every image, under one digest."""

    def digest(self, image: str, *, timeout_seconds: float) -> str:
        return DIGEST


def place(feature: str, version: str = "next", **changes: Any) -> Place:
    """Where checkout of team shop goes, as `environment.yaml` beside the feature's deploy.yaml says."""
    file = FOLDER / feature / "environment.yaml"
    given = (yaml.safe_load(file.read_text()) if file.exists() else {}) | changes
    identities = given.pop("cloud_identities", {})
    ingress = given.pop("ingress", {})
    settings: dict[str, Any] = {
        "namespace": "{app}-staging",
        "rollout_timeout_seconds": 60,
        "secret_stores": STORES,
        **given,
    }
    settings["mesh"] = Mesh(settings.get("mesh", "istio"))
    settings["ingress"] = replace(Ingress(), **{**ingress, "kind": IngressKind(ingress.get("kind", "VirtualService"))})
    settings["placements"] = {name: Placement(**one) for name, one in settings.get("placements", {}).items()}
    return Place(
        app=App(AppName("checkout"), "shop", "https://git.example.com/shop/checkout.git", cloud_identities=identities),
        environment=Environment(EnvironmentName("staging"), ClusterName("local"), **settings),
        namespaces={"storefront": "storefront-staging", "payments": "payments-staging"},
        registries=REGISTRIES,
        standard_chart=StandardCharts().resolve(version).path,
        smoke_image=SMOKE_IMAGE,
    )


def source(text: str, folder: Path) -> Source:
    """A commit whose deploy.yaml is `text`, in a repository that has the files of `folder`."""
    declaration = read(text.encode(), "deploy.yaml", app="checkout", environments={"staging", "production"})
    checkout = Checkout(folder, COMMIT, "subject", "author")
    return Source(checkout, declaration, {}, texts_of(checkout, declaration))


def rendered(helm: HelmClient, feature: str, version: str = "next") -> Rendered:
    """What the chart makes of the feature's deploy.yaml."""
    text = (FOLDER / feature / "deploy.yaml").read_text()
    return of_text(helm, text, place(feature, version), FOLDER / feature)


def of_text(helm: HelmClient, text: str, where: Place, folder: Path = FOLDER) -> Rendered:
    """What the chart makes of a deploy.yaml, real Helm included."""
    resolved = resolve(source(text, folder), where, KnownImages(), timeout_seconds=1)
    return render(resolved, where, FACTS, helm, timeout_seconds=30)


def main() -> None:
    """Writes each `expected.yaml` anew."""
    from tempfile import TemporaryDirectory

    from tools.toolbox import ensure

    with TemporaryDirectory() as scratch:
        helm = HelmClient(ensure(["helm"])["helm"], Path(scratch))
        for feature in FEATURES:
            (FOLDER / feature / "expected.yaml").write_bytes(rendered(helm, feature).manifest)


if __name__ == "__main__":
    main()
