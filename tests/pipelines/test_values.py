"""What the standard chart is told: nothing that this Environment has not, and nothing that it need not know."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.adapters.helm import HelmClient
from pipelines.charts import StandardCharts
from pipelines.errors import InvalidDeployFile, UnsafeCheckout
from pipelines.findings import Mode
from pipelines.place import Place
from pipelines.ports import Checkout
from pipelines.stages.checkout import texts_of
from pipelines.stages.resolve import resolve
from tests.charts.golden import KnownImages, of_text, place, source

WEB = (Path(__file__).parents[1] / "charts" / "golden" / "web-minimal" / "deploy.yaml").read_text()
WORKER = (Path(__file__).parents[1] / "charts" / "golden" / "worker" / "deploy.yaml").read_text()


def _values(text: str, where: Place | None = None) -> Any:
    return resolve(source(text, Path()), where or place("web-minimal"), KnownImages(), timeout_seconds=1).values


def _refused(text: str, where: Place | None = None) -> InvalidDeployFile:
    with pytest.raises(InvalidDeployFile) as caught:
        _values(text, where)
    return caught.value


@pytest.mark.parametrize(
    ("text", "key", "where"),
    [
        (f"{WEB}replicas: 1\n", "replicas", "deploy.yaml:8"),
        (f"{WORKER}replicas: 1\n", "replicas", "deploy.yaml:6"),
        (f"{WEB}autoscale: {{min: 1, max: 4, cpu: 70}}\n", "autoscale.min", "deploy.yaml:8"),
        (f"{WEB}environments:\n  staging:\n    replicas: 1\n", "replicas", "deploy.yaml:10"),
    ],
)
def test_where_rules_are_enforced_there_are_two_of_it(text: str, key: str, where: str) -> None:
    error = _refused(text)
    assert error.reason.startswith(f"{key} is 1, and the Environment staging enforces at least 2")
    assert error.where == where


def test_one_is_enough_where_rules_only_warn_or_state_is_kept() -> None:
    lenient = place("web-minimal", mode=Mode.WARN)
    assert _values(f"{WEB}replicas: 1\n", lenient)["replicas"] == 1
    stateful = WEB.replace("workload: web", "workload: stateful")
    assert _values(stateful)["replicas"] == 1


def test_a_path_can_be_asked_for_only_with_an_image_that_asks() -> None:
    error = _refused(f"{WEB}verify: {{path: /ok}}\n", replace(place("web-minimal"), smoke_image=None))
    assert "this gateway has none" in error.reason


def test_a_placement_that_the_platform_has_not_is_told_with_its_line() -> None:
    error = _refused(f"{WEB}placement: gpus\n", place("gpu"))
    assert (error.where, error.solution) == ("deploy.yaml:8", "Did you mean 'gpu'?")


def test_images_that_are_run_in_any_step_are_resolved_once_each() -> None:
    registry = KnownImages()
    asked: list[str] = []
    registry.digest = lambda image, *, timeout_seconds: asked.append(image) or "sha256:0"  # type: ignore[method-assign]  # asked is what counts
    text = (
        f"{WEB}init: [{{name: a, command: [x]}}]\nmigrate: {{command: [x], image: registry.example.com/shop/tool:1}}\n"
    )
    resolve(source(text, Path()), place("web-minimal"), registry, timeout_seconds=1)
    assert asked == ["registry.example.com/shop/checkout:1.4.2", "registry.example.com/shop/tool:1"]


@pytest.mark.parametrize("version", StandardCharts().versions)
def test_a_deploy_yaml_of_the_first_day_renders_on_every_version(tmp_path: Path, version: str) -> None:
    from tools.toolbox import ensure

    helm = HelmClient(ensure(["helm"])["helm"], tmp_path)
    text = f"{WEB}env: {{A: b}}\nallow: {{from: [{{app: storefront}}]}}\nexpose: {{host: checkout.example.com}}\n"
    objects = of_text(helm, text, place("web-minimal", version)).objects
    assert {"Deployment", "Service", "NetworkPolicy", "VirtualService"} <= {one["kind"] for one in objects}


def _commit(folder: Path, content: bytes) -> Checkout:
    (folder / "a.conf").write_bytes(content)
    return Checkout(folder, source(WEB, folder).checkout.commit, "", "")


FROM_REPOSITORY = f"{WEB}files: {{/etc/a: {{file: a.conf}}}}\n"


def test_a_file_of_the_repository_is_read_as_text(tmp_path: Path) -> None:
    commit = _commit(tmp_path, "a = ü\n".encode())
    assert texts_of(commit, source(FROM_REPOSITORY, tmp_path).declaration) == {"a.conf": "a = ü\n"}


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a\x00b", "\u0085".encode()])
def test_what_is_no_text_is_told_with_its_line(tmp_path: Path, content: bytes) -> None:
    declaration = source(FROM_REPOSITORY, _commit(tmp_path, b"fine").path).declaration
    with pytest.raises(InvalidDeployFile, match="something else than text") as caught:
        texts_of(_commit(tmp_path, content), declaration)
    assert caught.value.where == "deploy.yaml:8"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    commit = _commit(tmp_path, b"fine")
    declaration = source(FROM_REPOSITORY, tmp_path).declaration
    with pytest.raises(UnsafeCheckout, match="symbolic link"):
        texts_of(replace(commit, links=frozenset({"a.conf"})), declaration)


def test_a_file_that_is_not_in_the_repository_is_told_with_its_line(tmp_path: Path) -> None:
    commit = _commit(tmp_path, b"fine")
    declaration = source(FROM_REPOSITORY, tmp_path).declaration
    (tmp_path / "a.conf").unlink()
    with pytest.raises(InvalidDeployFile, match=r"has no a\.conf") as caught:
        texts_of(commit, declaration)
    assert (caught.value.where, caught.value.solution) == ("deploy.yaml:8", "Commit it, or correct the path")


def test_callers_of_other_teams_are_not_listed() -> None:
    error = _refused(f"{WEB}allow: {{from: [{{app: zzz}}]}}\n")
    assert error.solution == "For one that isn't deployed here, add its namespace"
