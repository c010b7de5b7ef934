"""The check of bases: what it says of each image, and that what nobody could look at never passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from pipelines.base_images import ApprovedBase, BaseImages, Build
from pipelines.errors import AccessRefused, GatewayError, ImageNotFound, ImageUnreadable, RegistryUnavailable
from pipelines.findings import Finding, Mode
from pipelines.image_check import BaseImageCheck
from pipelines.image_contents import ImageContents, PlatformImage
from pipelines.used_images import Use, used_images
from pipelines.versions import parse_range
from tests.images import layers, sha256
from tests.pipelines.conftest import REGISTRIES, subject

TODAY = date(2026, 11, 25)
BASE = ApprovedBase("python", "registry.example.com/base/python", parse_range("3"))
APP = f"registry.example.com/shop/checkout:1.4.2@{sha256('app')}"


def contents(name: str, *names: str, platforms: tuple[str, ...] = ("linux/amd64",)) -> ImageContents:
    says = {"name": "python:3.13", "digest": "sha256:x"} if name == "liar" else {}
    return ImageContents(sha256(name), tuple(PlatformImage(one, tuple(layers(*names)), says) for one in platforms))


class Known:
    """Implements `pipelines.ports.ImageReader` and `Digests` with what it is given, or an error in its place."""

    def __init__(
        self,
        image: ImageContents | GatewayError,
        builds: Mapping[str, tuple[str, ...]] | GatewayError,
        platforms: tuple[str, ...] = ("linux/amd64",),
        system: str | GatewayError = "",
    ) -> None:
        self._image, self._builds, self._platforms, self._system = image, builds, platforms, system
        self.asked: list[str] = []

    def contents(self, repository: str, digest: str, *, timeout_seconds: float) -> ImageContents:
        self.asked.append(f"{repository}@{digest}")
        if isinstance(self._image, GatewayError):
            raise self._image
        return self._image

    def digest(self, image: str, *, timeout_seconds: float) -> str:
        if isinstance(self._image, GatewayError):
            raise self._image
        return self._image.digest

    def builds(self, base: ApprovedBase, *, timeout_seconds: float) -> tuple[Build, ...]:
        if isinstance(self._builds, GatewayError):
            raise self._builds
        return tuple(
            Build(base, tag, True, contents(tag, *names, platforms=self._platforms))
            for tag, names in self._builds.items()
        )

    def system_in(self, repository: str, image: PlatformImage, *, timeout_seconds: float) -> str:
        if isinstance(self._system, GatewayError):
            raise self._system
        return self._system


BUILDS = {"3.13.1": ("os", "python1"), "3.13.2": ("os", "python2")}


def pod(*images: str, kind: str = "Deployment", volumes: tuple[str, ...] = ()) -> dict[str, Any]:
    spec = {
        "containers": [{"name": f"c{n}", "image": image} for n, image in enumerate(images)],
        "volumes": [{"name": f"v{n}", "image": {"reference": image}} for n, image in enumerate(volumes)],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "checkout"},
        "spec": {"template": {"spec": spec}},
    }


def found(
    reader: Known, image: str = APP, wanted: BaseImages | None = None, base: ApprovedBase = BASE
) -> tuple[Finding, ...]:
    check = BaseImageCheck(wanted or BaseImages((base,)), REGISTRIES, reader, reader, today=lambda: TODAY)
    return check.findings(subject((pod(image),)))


def test_an_image_on_an_approved_base_passes() -> None:
    assert found(Known(contents("app", "os", "python2", "app"), BUILDS)) == ()


def test_an_image_that_is_its_base_passes() -> None:
    assert found(Known(contents("app", "os", "python2"), BUILDS)) == ()


@pytest.mark.parametrize("names", [("other", "app"), ("everything-in-one",), ("app", "os", "python2")])
def test_an_image_on_another_base_is_refused_with_what_it_may_be_built_on(names: tuple[str, ...]) -> None:
    (finding,) = found(Known(contents("app", *names), BUILDS))
    assert (finding.rule, finding.mode, finding.resource, finding.field) == (
        "base-image-approved",
        Mode.ENFORCE,
        "Deployment/checkout",
        "spec.template.spec.containers[0].image",
    )
    assert finding.how == f"FROM {BASE.repository}:3.13.2@{sha256('3.13.2')}   # python"
    assert "(linux/amd64)" in finding.what


def test_what_an_image_says_of_its_base_is_shown_and_not_believed() -> None:
    (finding,) = found(Known(contents("liar", "other"), BUILDS))
    assert "It calls its base python:3.13 sha256:x, which its layers do not show" in finding.what


def test_every_platform_of_an_index_stands_on_the_base() -> None:
    mixed = ImageContents(
        sha256("app"),
        (
            *contents("app", "os", "python2", "app").platforms,
            *contents("app", "other", platforms=("linux/arm64",)).platforms,
        ),
    )
    (finding,) = found(Known(mixed, BUILDS, ("linux/amd64", "linux/arm64")))
    assert "(linux/arm64)" in finding.what


def test_an_index_of_nothing_is_refused() -> None:
    (finding,) = found(Known(ImageContents(sha256("app"), ()), BUILDS))
    assert "it has no platform" in finding.what


def test_an_image_that_nodes_cannot_run_is_refused() -> None:
    wanted = BaseImages((BASE,), platforms=("linux/amd64", "linux/arm64"))
    (finding,) = found(Known(contents("app", "os", "python2"), BUILDS), wanted=wanted)
    assert finding.rule == "image-platforms"
    assert "is not there for linux/arm64, only for linux/amd64" in finding.what
    assert finding.how == "docker buildx build --platform linux/amd64,linux/arm64 …"


def test_an_image_of_no_platform_at_all_says_so() -> None:
    said = found(Known(ImageContents("d", ()), BUILDS), wanted=BaseImages((BASE,), platforms=("linux/amd64",)))
    assert "only for nothing" in said[0].what


SCRATCH = BaseImages((BASE,), scratch=True)


def test_an_image_of_one_program_may_be_built_on_nothing_where_the_platform_says() -> None:
    reader = Known(contents("app", "program"), BUILDS)
    assert found(reader, wanted=SCRATCH) == ()
    assert [one.rule for one in found(reader)] == ["base-image-approved"]


@pytest.mark.parametrize(
    ("system", "words"),
    [
        ("bin/sh", "It is not built FROM scratch either: it brings /bin/sh"),
        (ImageUnreadable("zstd", "gzip"), "It could not be seen whether it is built FROM scratch: zstd"),
    ],
)
def test_a_system_that_was_flattened_into_one_layer_is_no_scratch(system: str | GatewayError, words: str) -> None:
    (finding,) = found(Known(contents("app", "all"), BUILDS, system=system), wanted=SCRATCH)
    assert finding.what.endswith(words)


def test_nothing_at_all_is_no_scratch() -> None:
    assert len(found(Known(ImageContents(sha256("app"), ()), BUILDS), wanted=SCRATCH)) == 1


def test_an_older_build_warns_with_what_to_build_on() -> None:
    (finding,) = found(Known(contents("app", "os", "python1", "app"), BUILDS))
    assert (finding.rule, finding.mode) == ("base-image-current", Mode.WARN)
    assert finding.how == f"FROM {BASE.repository}:3.13.2@{sha256('3.13.2')}"
    assert f"{BASE.repository}:3.13.1@{sha256('3.13.1')}, which is not the current one" in finding.what


@pytest.mark.parametrize(
    ("days", "rule", "mode", "words"),
    [
        (-400, "base-image-end-of-life", Mode.ENFORCE, "has reached its end of life on 2025-10-21"),
        (0, "base-image-end-of-life", Mode.ENFORCE, "has reached its end of life on 2026-11-25"),
        (1, "base-image-current", Mode.WARN, "reaches its end of life on 2026-11-26"),
        (30, "base-image-current", Mode.WARN, "reaches its end of life on 2026-12-25"),
    ],
)
def test_the_end_of_a_bases_life_is_told_before_and_then_blocks(days: int, rule: str, mode: Mode, words: str) -> None:
    base = replace(BASE, end_of_life=TODAY + timedelta(days=days))
    (finding,) = found(Known(contents("app", "os", "python2", "app"), BUILDS), base=base)
    assert (finding.rule, finding.mode) == (rule, mode)
    assert words in finding.what
    assert finding.how.startswith("Ask the platform for a base")
    assert finding.end_of_life == (base.end_of_life.isoformat() if mode is Mode.WARN and base.end_of_life else "")


def test_an_end_that_is_far_away_is_not_told() -> None:
    base = replace(BASE, end_of_life=TODAY + timedelta(days=31))
    assert found(Known(contents("app", "os", "python2", "app"), BUILDS), base=base) == ()


def test_a_base_is_offered_with_its_end() -> None:
    base = replace(BASE, end_of_life=date(2028, 10, 31))
    (finding,) = found(Known(contents("app", "other"), BUILDS), base=base)
    assert finding.how.endswith("# python, until 2028-10-31")


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (f"evil.example.com/a@{sha256('a')}", "is from no registry that may be asked"),
        ("registry.example.com/shop/checkout:1.4.2", "has no digest"),
    ],
)
def test_what_is_not_looked_at_does_not_pass(image: str, words: str) -> None:
    reader = Known(contents("app", "os", "python2"), BUILDS)
    (finding,) = found(reader, image)
    assert finding.rule == "base-image-approved"
    assert words in finding.what
    assert reader.asked == []


TAGGED = "registry.example.com/shop/checkout:1.4.2"


def test_an_image_by_tag_alone_is_refused_with_the_digest_to_write() -> None:
    (finding,) = found(Known(contents("app", "os", "python2"), BUILDS), TAGGED)
    assert finding.blocks
    assert finding.how == f"image: {TAGGED}@{sha256('app')}   # what its tag means now"


def test_a_volume_by_tag_alone_is_refused_with_the_reference_to_write() -> None:
    reader = Known(contents("app", "os", "python2"), BUILDS)
    check = BaseImageCheck(BaseImages((BASE,)), REGISTRIES, reader, reader)
    (finding,) = check.findings(subject((pod(volumes=(TAGGED,)),)))
    assert finding.field == "spec.template.spec.volumes[0].image.reference"
    assert finding.how == f"reference: {TAGGED}@{sha256('app')}   # what its tag means now"


@pytest.mark.parametrize(
    "image",
    [
        f"{TAGGED.rpartition(':')[0]}:Latest",
        "registry.example.com/shop/checkout",
        "registry.example.com/shop/../x:1",
        f"{TAGGED}?n=1",
    ],
)
def test_what_is_no_name_with_a_tag_is_not_asked_for(image: str) -> None:
    (finding,) = found(Known(RegistryUnavailable("away", "wait"), BUILDS), image)
    assert finding.how.startswith("FROM")


def test_a_tag_that_cannot_be_looked_up_is_told_and_does_not_pass() -> None:
    (finding,) = found(Known(ImageNotFound("no such tag", "push it"), BUILDS), TAGGED)
    assert finding.what.endswith("The one of its tag could not be looked up: no such tag")


def test_a_tag_is_no_pass_while_its_registry_is_away() -> None:
    with pytest.raises(RegistryUnavailable):
        found(Known(RegistryUnavailable("away", "wait"), BUILDS), TAGGED)


@pytest.mark.parametrize("error", [AccessRefused, ImageNotFound, ImageUnreadable])
def test_an_image_that_cannot_be_read_does_not_pass(error: type[GatewayError]) -> None:
    (finding,) = found(Known(error("the reason", "the solution"), BUILDS))
    assert "could not be looked at: the reason" in finding.what


@pytest.mark.parametrize("error", [AccessRefused, ImageNotFound, ImageUnreadable])
def test_a_base_that_cannot_be_read_is_told_to_whom_it_concerns(error: type[GatewayError]) -> None:
    (finding,) = found(Known(contents("app", "os"), error("the reason", "the solution")))
    assert "The base python could not be looked at: the reason" in finding.what


def test_a_registry_that_is_away_is_no_pass() -> None:
    away = RegistryUnavailable("away", "wait")
    for reader in (Known(away, BUILDS), Known(contents("app", "os"), away)):
        with pytest.raises(RegistryUnavailable):
            found(reader)


def test_exempt_images_have_a_base_of_their_own() -> None:
    reader = Known(contents("app", "other"), BUILDS)
    assert found(reader, wanted=BaseImages((BASE,), exempt=("registry.example.com/shop/",))) == ()
    assert reader.asked == []


def test_an_image_is_looked_at_once_and_told_wherever_it_is_used() -> None:
    reader = Known(contents("app", "other"), BUILDS)
    check = BaseImageCheck(BaseImages((BASE,)), REGISTRIES, reader, reader, today=lambda: TODAY)
    said = check.findings(subject((pod(APP, APP), pod(APP, kind="DaemonSet"))))
    assert [one.field[-9:] for one in said] == ["[0].image", "[1].image", "[0].image"]
    assert len(reader.asked) == 1


WORKLOAD: Callable[[dict[str, Any]], dict[str, Any]] = lambda spec: {  # noqa: E731 (a shape, said once)
    "kind": "CronJob",
    "metadata": {"name": "x"},
    "spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}},
}


def test_every_way_to_an_image_is_seen() -> None:
    spec = {
        "initContainers": [{"image": "a"}],
        "containers": [{"image": "b"}, {"image": 3}, "nonsense", {}],
        "ephemeralContainers": [{"image": "c"}],
        "volumes": [{"image": {"reference": "d"}}, {"emptyDir": {}}],
    }
    place = "spec.jobTemplate.spec.template.spec"
    assert used_images([WORKLOAD(spec), {"kind": "Service", "spec": spec}]) == (
        Use("a", "CronJob/x", f"{place}.initContainers[0].image"),
        Use("b", "CronJob/x", f"{place}.containers[0].image"),
        Use("c", "CronJob/x", f"{place}.ephemeralContainers[0].image"),
        Use("d", "CronJob/x", f"{place}.volumes[0].image.reference"),
    )


def test_what_is_no_list_has_no_images() -> None:
    assert used_images([WORKLOAD({"containers": "nonsense"}), {"kind": "Pod", "metadata": {}, "spec": None}]) == ()
