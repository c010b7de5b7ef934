"""What every version of the standard chart has in common: without it, an upgrade could not be."""

from __future__ import annotations

import pytest

from pipelines.adapters.helm import HelmClient
from pipelines.charts import StandardCharts
from pipelines.resources import at
from tests.charts.golden import FOLDER, of_text, place

WEB = (FOLDER / "web-minimal" / "deploy.yaml").read_text()
SELECTOR = {"app.kubernetes.io/name": "checkout"}
"""Pinned for ever: the API server refuses another selector for a workload that is there."""


@pytest.mark.parametrize("version", StandardCharts().versions)
def test_pods_are_selected_by_one_label_in_every_version(helm: HelmClient, version: str) -> None:
    objects = {one["kind"]: one for one in of_text(helm, WEB, place("web-minimal", version)).objects}
    assert at(objects["Deployment"], ("spec", "selector", "matchLabels")) == SELECTOR
    assert at(objects["Service"], ("spec", "selector")) == SELECTOR
    assert at(objects["PodDisruptionBudget"], ("spec", "selector", "matchLabels")) == SELECTOR
    assert SELECTOR.items() <= at(objects["Deployment"], ("spec", "template", "metadata", "labels")).items()


@pytest.mark.parametrize("kind", ["stateful", "worker"])
def test_pods_of_every_workload_are_selected_by_it(helm: HelmClient, kind: str) -> None:
    text = (FOLDER / kind / "deploy.yaml").read_text()
    (workload,) = [
        one for one in of_text(helm, text, place(kind)).objects if one["kind"] in ("StatefulSet", "Deployment")
    ]
    assert workload["spec"]["selector"]["matchLabels"] == SELECTOR
