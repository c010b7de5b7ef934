"""What `gateway.yaml` says on images, `base_images` and `signatures`: what it means, and what no schema can see."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from configuration.document import Document, Location
from configuration.explanation import dotted
from configuration.schema.images import ApprovedBaseEntry, BaseImagesSection, SignaturesSection
from pipelines.base_images import ApprovedBase, BaseImages
from pipelines.errors import Fault
from pipelines.signature_check import Signed
from pipelines.versions import parse_range


def base_images(section: BaseImagesSection) -> BaseImages:
    """The section as the checks take it."""
    approved = tuple(_approved(entry) for entry in section.approved)
    return BaseImages(approved, tuple(section.exempt), tuple(section.platforms), section.scratch)


def signed(section: SignaturesSection) -> Signed:
    """The section without its keys, which check workers alone read."""
    return Signed(tuple(section.exempt), tuple(section.signed_as))


def _approved(entry: ApprovedBaseEntry) -> ApprovedBase:
    return ApprovedBase(
        name=entry.name,
        repository=entry.repository,
        versions=parse_range(entry.versions, entry.suffix or "") if entry.versions else None,
        digests=tuple(entry.digests),
        end_of_life=date.fromisoformat(entry.end_of_life) if entry.end_of_life else None,
        recommended=entry.recommended,
    )


def contradictions_of_bases(section: BaseImagesSection, document: Document) -> Iterator[Fault]:
    """Every way in which an approved base says nothing, or two things."""
    seen: dict[str, int] = {}
    for index, entry in enumerate(section.approved):
        location: Location = ("base_images", "approved", index)
        where = document.where(location)
        first = seen.setdefault(entry.name, index)
        if first != index:
            reason = f"{dotted((*location, 'name'))}: {entry.name!r} is the name of approved[{first}] already"
            yield Fault(document.where((*location, "name")), reason, "Give each base a name of its own")
        if not entry.versions and not entry.digests:
            reason = f"{dotted(location)} ({entry.name}) has neither `versions` nor `digests`: nothing would be it"
            yield Fault(where, reason, 'Add `versions: ">=3.12 <3.14"`, or `digests: ["sha256:…"]`')
        if entry.suffix and not entry.versions:
            reason = f"{dotted((*location, 'suffix'))} is of no use without `versions`"
            yield Fault(document.where((*location, "suffix")), reason, "Add `versions:`, or take `suffix` out")
        if not _is_of_it(entry):
            reason = f"{dotted((*location, 'recommended'))}: {entry.recommended!r} is none of {entry.name}'s own builds"
            solution = "Write a tag that `versions` (and `suffix`) take, or one of `digests`"
            yield Fault(document.where((*location, "recommended")), reason, solution)


def _is_of_it(entry: ApprovedBaseEntry) -> bool:
    wanted, versions = entry.recommended, _approved(entry).versions
    of_tags = versions is not None and wanted is not None and versions.version(wanted) is not None
    return wanted is None or wanted in entry.digests or of_tags
