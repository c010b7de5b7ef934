"""The one tool that every test of the chart needs."""

from __future__ import annotations

import pytest

from pipelines.adapters.helm import HelmClient
from tools.toolbox import ensure


@pytest.fixture(scope="module")
def helm(tmp_path_factory: pytest.TempPathFactory) -> HelmClient:
    return HelmClient(ensure(["helm"])["helm"], tmp_path_factory.mktemp("helm"))
