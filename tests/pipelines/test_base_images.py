"""Bases by their layers: what stands on what, whatever it says of itself."""

from __future__ import annotations

from datetime import date

import pytest

from pipelines.base_images import ApprovedBase, Build, Builds
from pipelines.image_contents import ImageContents, PlatformImage
from pipelines.versions import parse_range
from tests.images import layers, sha256

PYTHON = ApprovedBase("python", "registry.example.com/base/python", parse_range("3"))
DEBIAN = ApprovedBase("debian", "registry.example.com/base/debian", None, (sha256("d"),))
TODAY = date(2026, 11, 25)


def image(*names: str, platform: str = "linux/amd64") -> PlatformImage:
    return PlatformImage(platform, tuple(layers(*names)), {})


def build(base: ApprovedBase, tag: str, *names: str, now: bool = True, platform: str = "linux/amd64") -> Build:
    contents = ImageContents(sha256("/".join((base.name, tag, *names))), (image(*names, platform=platform),))
    return Build(base, tag, now, contents)


DEBIAN_12 = build(DEBIAN, "", "debian")
PYTHON_1, PYTHON_2 = build(PYTHON, "3.13.1", "debian", "python1"), build(PYTHON, "3.13.2", "debian", "python2")
EARLIER = build(PYTHON, "3.13.2", "debian", "python2-unpatched", now=False)
BUILDS = Builds([DEBIAN_12, PYTHON_1, PYTHON_2, EARLIER])


@pytest.mark.parametrize(
    ("names", "below"),
    [
        (("debian", "python2", "app"), PYTHON_2),
        (("debian", "python2"), PYTHON_2),
        (("debian", "python1", "app"), PYTHON_1),
        (("debian", "python2-unpatched", "app"), EARLIER),
        (("debian", "app"), DEBIAN_12),
        (("app", "debian"), None),
        (("app", "debian", "python2"), None),
        (("python2",), None),
        ((), None),
    ],
)
def test_the_base_with_most_layers_in_common_is_what_it_stands_on(names: tuple[str, ...], below: Build | None) -> None:
    assert BUILDS.below(image(*names)) is below


def test_layers_of_another_platform_are_no_base() -> None:
    assert BUILDS.below(image("debian", "app", platform="linux/arm64")) is None


def test_a_base_without_layers_is_the_base_of_nothing() -> None:
    assert Builds([build(DEBIAN, "")]).below(image("app")) is None


def test_of_two_tags_for_one_image_the_newest_is_named() -> None:
    floating, exact = build(PYTHON, "3.13", "debian"), build(PYTHON, "3.13.2", "debian")
    for both in ([floating, exact], [exact, floating]):
        assert Builds(both).below(image("debian", "app")) is exact


@pytest.mark.parametrize(
    ("recommended", "wanted"), [(None, PYTHON_2), ("3.13.1", PYTHON_1), (PYTHON_1.contents.digest, PYTHON_1)]
)
def test_what_to_build_on_is_what_the_platform_says_or_the_highest(recommended: str | None, wanted: Build) -> None:
    base = ApprovedBase(PYTHON.name, PYTHON.repository, PYTHON.versions, recommended=recommended)
    found = Builds([build(base, one.tag, *names, now=one.is_current) for one, names in _NAMED]).recommended(base)
    assert found is not None
    assert found.reference == wanted.reference


_NAMED = [
    (PYTHON_1, ("debian", "python1")),
    (PYTHON_2, ("debian", "python2")),
    (EARLIER, ("debian", "python2-unpatched")),
]


def test_of_digests_the_last_is_to_be_built_on() -> None:
    first, last = build(DEBIAN, "", "old"), build(DEBIAN, "", "new")
    assert Builds([first, last]).recommended(DEBIAN) is last


@pytest.mark.parametrize(
    ("stands_on", "name", "newer"),
    [
        (PYTHON_1, "python1", PYTHON_2),
        (EARLIER, "python2-unpatched", PYTHON_2),
        (PYTHON_2, "python2", None),
    ],
)
def test_what_stands_on_an_older_build_is_to_be_rebuilt(stands_on: Build, name: str, newer: Build | None) -> None:
    assert BUILDS.newer(stands_on, image("debian", name, "app")) is newer


def test_what_is_newer_than_recommended_is_good() -> None:
    base = ApprovedBase(PYTHON.name, PYTHON.repository, PYTHON.versions, recommended="3.13.1")
    old, new = build(base, "3.13.1", "a"), build(base, "3.13.2", "b")
    assert Builds([old, new]).newer(new, image("b", "app")) is None


def test_a_base_that_has_no_build_to_recommend_asks_for_nothing() -> None:
    gone = ApprovedBase(PYTHON.name, PYTHON.repository, PYTHON.versions, recommended="3.13.9")
    only = build(gone, "3.13.1", "a")
    assert Builds([only]).newer(only, image("a", "app")) is None
    assert Builds([only]).to_build_on(TODAY) == ()


def test_nothing_is_to_be_built_on_what_has_reached_its_end() -> None:
    ended = ApprovedBase("old", "registry.example.com/base/old", parse_range("1"), end_of_life=TODAY)
    assert Builds([build(ended, "1.0", "a"), DEBIAN_12]).to_build_on(TODAY) == (DEBIAN_12,)
