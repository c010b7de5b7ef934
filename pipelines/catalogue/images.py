"""What is looked up of images in their registry: their base, their platforms, who signed them."""

from __future__ import annotations

from pipelines.catalogue.entry import Entry
from pipelines.findings import Mode, Severity

# The names of the checks that look.
BASES, SIGNATURES = "base-images", "image-signatures"
_BASES = "https://docs.docker.com/build/building/base-images/"
_FROM = "FROM registry.example.com/base/python:3.13.2@sha256:…   # what the platform has in `base_images`"

BASE_APPROVED = Entry(
    id="base-image-approved",
    severity=Severity.HIGH,
    title="Images are built on an approved base",
    why=(
        "What nobody looks after is not patched: the platform knows and rebuilds the bases that it lists. "
        "It is seen by the layers, which are the base's first, and not by what a label says."
    ),
    how=_FROM,
    link=_BASES,
    found_by=BASES,
)
BASE_END_OF_LIFE = Entry(
    id="base-image-end-of-life",
    severity=Severity.HIGH,
    title="No image is built on a base that has reached its end of life",
    why="From that day on nobody mends what is found in it, and everybody can read what was found.",
    how=_FROM,
    link="https://endoflife.date/",
    found_by=BASES,
)
BASE_CURRENT = Entry(
    id="base-image-current",
    severity=Severity.MEDIUM,
    title="Images are built on the current build of their base",
    why="What was mended in the base since then is not in the image: only building it again brings it in.",
    how=_FROM,
    link=_BASES,
    mode=Mode.WARN,
    found_by=BASES,
)
PLATFORMS = Entry(
    id="image-platforms",
    severity=Severity.HIGH,
    title="Images are there for every kind of node",
    why="On a node of another kind the pod does not start: it ends with `exec format error`, or is never pulled.",
    how="docker buildx build --platform linux/amd64,linux/arm64 …",
    link="https://docs.docker.com/build/building/multi-platform/",
    found_by=BASES,
)

IMAGE_SIGNED = Entry(
    id="image-signed",
    severity=Severity.CRITICAL,
    title="Images are signed by the platform's key",
    why=(
        "Whoever may push to the registry could put any image there. A signature says that it is the one which was "
        "built, by somebody who has the key."
    ),
    how="cosign sign --key cosign.key registry.example.com/TEAM/APP@sha256:…   # the last step of the build",
    link="https://docs.sigstore.dev/cosign/signing/signing_with_containers/",
    found_by=SIGNATURES,
)

IMAGES = (BASE_APPROVED, BASE_END_OF_LIFE, BASE_CURRENT, PLATFORMS, IMAGE_SIGNED)
