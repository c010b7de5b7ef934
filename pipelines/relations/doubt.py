"""What can't be known for certain, since a controller that nobody here knows may bring what is missing, only warns."""

from __future__ import annotations

from dataclasses import replace

from pipelines.findings import Finding, Mode
from pipelines.relations.release import Release


def in_doubt(release: Release, finding: Finding) -> Finding:
    """`finding`, as a warning where the Release has objects that may become more pods."""
    return replace(finding, mode=Mode.WARN) if release.may_have_more_pods else finding
