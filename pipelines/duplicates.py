"""What several checks say of one field is told once, by the one that teaches most, with the names of the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pipelines.catalogue.kube_score import KUBE_SCORE
from pipelines.catalogue.schemas import FOUND_BY as _SCHEMA
from pipelines.findings import Finding, Mode
from pipelines.rules import INVALID

_SAME_AS = {entry.id: entry.same_as for entry in KUBE_SCORE}


def merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """`findings` in their order, each that means the same as another gone into that one.

    A rule of ours speaks for a check of kube-score about the same object or container, and a schema for a rule about
    a field whose value is of the wrong kind. The one that is left blocks where one of them does; where it is waived,
    so is what means the same. A schema means something else than a rule: waived, it speaks for none that blocks.
    """
    told = tuple(dict.fromkeys(findings))
    about: dict[str, list[Finding]] = {}
    for one in told:
        about.setdefault(one.resource, []).append(one)
    speakers = [_speaker(one, about[one.resource]) for one in told]
    groups: dict[int, list[Finding]] = {}
    for one, speaker in zip(told, speakers, strict=True):
        groups.setdefault(id(speaker), []).append(one)
    return tuple(_with(one, groups[id(one)]) for one, speaker in zip(told, speakers, strict=True) if speaker is one)


def _speaker(finding: Finding, told: Sequence[Finding]) -> Finding:
    """The one of `told`, all about the same resource, that speaks for `finding`: itself, where none does."""
    ours = _SAME_AS.get(finding.rule, ())
    of_ours = (one for one in told if one.rule in ours and one.rule != finding.rule and _is_in(one, finding))
    finding = next(of_ours, finding)
    is_schema = finding.rule == INVALID and finding.found_by == _SCHEMA
    if is_schema or not finding.field:
        return finding
    same = [one for one in told if one.rule == INVALID]
    same.sort(key=lambda one: one.found_by != _SCHEMA)
    heard = (one for one in same if not (one.waiver and finding.blocks))
    return next((one for one in heard if one.field == finding.field), finding)


def _is_in(inner: Finding, outer: Finding) -> bool:
    """Whether it is about a part of what `outer` is about; what stands for a whole pod is about its containers too."""
    if not outer.field or not inner.field:
        return True
    is_of_pod = "ontainers[" not in inner.field
    return is_of_pod or inner.field == outer.field or inner.field.startswith(f"{outer.field}.")


def _with(speaker: Finding, group: Sequence[Finding]) -> Finding:
    others = tuple(dict.fromkeys(one.rule for one in group if one.rule != speaker.rule))
    if speaker.mode is Mode.ENFORCE or not any(one.blocks for one in group):
        return replace(speaker, also_found_by=others)
    return replace(speaker, mode=Mode.ENFORCE, own_mode=Mode.ENFORCE.value, also_found_by=others)
