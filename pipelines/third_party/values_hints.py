"""Which values of a chart end a finding: found by rendering with likely ones, and kept only where they do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Protocol

import yaml

from pipelines.deployfile.overlay import with_values
from pipelines.findings import Finding
from pipelines.resources import WORKLOADS
from pipelines.third_party.templates import Keys
from pipelines.third_party.values_candidates import Candidate

MOST_RENDERINGS = 40
MOST_SECONDS = 5.0
NOT_FOUND = "# no value of the chart was found that changes this"
NOT_LOOKED_FOR = f"# not looked for within {MOST_SECONDS:g} s and {MOST_RENDERINGS} renderings"
_STAY = frozenset({*WORKLOADS, "Service", "PersistentVolumeClaim", "Secret", "ConfigMap"})

FindingKey = tuple[str, str, str, str]
"""What makes a finding the same one with other values: rule, resource, field, and of what names no field its words."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of other values: the objects (`Kind/name`) that are rendered then, and what is found in them."""

    resources: frozenset[str]
    findings: tuple[Finding, ...]

    @property
    def keys(self) -> frozenset[FindingKey]:
        """Of all that is found."""
        return frozenset(map(key_of, self.findings))


class Trials(Protocol):
    """Renders a chart and has it judged by every check."""

    def outcome(self, values: Mapping[str, Any]) -> Outcome | None:
        """With `values` laid over those that it has; None where that renders nothing, or not in time."""

    def seconds_left(self) -> float:
        """How long there may still be tried."""


@dataclass(frozen=True, slots=True)
class Hint:
    """What to write into the values for one finding, the key that it changes, and what the chart then leaves out."""

    key: Keys
    overlay: Mapping[str, Any]
    leaves_out: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """As YAML."""
        note = f"# leaves out {', '.join(self.leaves_out)}\n" if self.leaves_out else ""
        return f"{note}{as_yaml(self.overlay)}".strip()


@dataclass(frozen=True, slots=True)
class Hints:
    """What was found: by finding, and all of it as one. `unsought` are those that there was no time for."""

    of: Mapping[FindingKey, Hint] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    leaves_out: tuple[str, ...] = ()
    unsought: frozenset[FindingKey] = frozenset()

    def text(self, finding: Finding) -> str:
        """What to write for `finding`, or why there is nothing; nothing of what doesn't block anyway."""
        key = key_of(finding)
        if key in self.of:
            return self.of[key].text
        if not finding.blocks:
            return ""
        return NOT_LOOKED_FOR if key in self.unsought else NOT_FOUND


def key_of(finding: Finding) -> FindingKey:
    """See `FindingKey`."""
    is_told_by_words = finding.rule.startswith("kube-score/")
    return finding.rule, finding.resource, finding.field, finding.what if is_told_by_words else ""


def as_yaml(values: Mapping[str, Any]) -> str:
    """`values` as people write them."""
    return yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True, width=10_000)


def hints(
    now: Outcome,
    candidates: Callable[[Finding], tuple[Candidate, ...]],
    trials: Trials,
    most_renderings: int = MOST_RENDERINGS,
) -> Hints:
    """For those findings of `now`, what is rendered so far, that no waiver is for; what blocks comes first.

    Values are kept when they end the finding that they are for, bring no other, and leave every object in place; but
    an object that is found fault with as a whole, and is no workload, may go, and so may a Secret of the chart's own
    making: somebody else then makes it.
    """
    search = _Search(now, candidates, trials, most_renderings)
    while search.step():
        pass
    return search.result()


class _Search:
    """What is kept so far, and what is still to be tried for which finding."""

    def __init__(
        self, now: Outcome, candidates: Callable[[Finding], tuple[Candidate, ...]], trials: Trials, most: int
    ) -> None:
        self._now = now
        self._trials = trials
        self._left = most
        self._kept: dict[FindingKey, Hint] = {}
        self._values: Mapping[str, Any] = {}
        self._leaves_out: dict[str, None] = {}
        self._put_off: list[tuple[FindingKey, Candidate]] = []
        self._is_other = False
        sought = [(one, list(candidates(one))) for one in now.findings if not one.waiver]
        # What little can be done about comes first: leaving out an init container ends what else there is in it.
        sought.sort(key=lambda one: (not one[0].blocks, len(one[1])))
        self._open = {key_of(one): (one, options) for one, options in sought}

    def step(self) -> bool:
        """Tries the likeliest for the first finding that there is something to try for; False when that is all."""
        first = self._first()
        if first is None or not self._may_go_on():
            return False
        group = self._like(first)
        if not self._try(group):
            self._try_each(group)
        return True

    def _try_each(self, group: list[FindingKey]) -> None:
        """One of several may be what doesn't fit."""
        for key in group:
            if key in self._open and self._may_go_on() and (len(group) == 1 or not self._try([key])):
                self._put_off.append((key, self._open[key][1].pop(0)))

    def _first(self) -> Candidate | None:
        """The one to try; what could not be taken as things stood, again when something was kept since."""
        if self._is_other and not any(options for _, options in self._open.values()):
            for key, one in [put_off for put_off in self._put_off if put_off[0] in self._open]:
                self._open[key][1].append(one)
            self._put_off, self._is_other = [], False
        return next((options[0] for _, options in self._open.values() if options), None)

    def result(self) -> Hints:
        """What came of it."""
        unsought = frozenset(key for key, (_, options) in self._open.items() if options)
        return Hints(self._kept, self._values, tuple(self._leaves_out), unsought)

    def _may_go_on(self) -> bool:
        return self._left > 0 and self._trials.seconds_left() > 0

    def _like(self, first: Candidate) -> list[FindingKey]:
        """The findings about one container, pod or object for which the same key is the likeliest."""
        same = [key for key, (_, options) in self._open.items() if options and options[0].key == first.key]
        _, resource, place, _ = same[0]
        return [key for key in same if key[1] == resource and _around(key[2]) == _around(place)]

    def _try(self, group: list[FindingKey]) -> bool:
        """Whether it is known now what these findings' likeliest values do: those that end theirs are kept."""
        chosen = {key: self._open[key][1][0] for key in group}
        outcome = self._outcome(chosen)
        if outcome is None:
            return False
        ended = {key: one for key, one in chosen.items() if key not in outcome.keys}
        if ended and len(ended) < len(chosen):
            # Without what has no effect, which nobody should have to write.
            outcome = self._outcome(ended)
            if outcome is None or not outcome.keys.isdisjoint(ended):
                return False
        if ended:
            self._keep(ended, outcome)
        for key in (chosen.keys() - ended.keys()) & self._open.keys():
            self._open[key][1].pop(0)
        return True

    def _outcome(self, chosen: Mapping[FindingKey, Candidate]) -> Outcome | None:
        """What comes of it; None where it can't be taken."""
        if not self._may_go_on():
            return None
        self._left -= 1
        overlays = [one.overlay for one in chosen.values()]
        outcome = self._trials.outcome(_laid_over([self._values, *overlays]))
        if outcome is None or not self._is_better(outcome):
            return None
        secrets = {resource for _, resource, *_ in chosen if resource.startswith("Secret/")}
        gone = self._now.resources - outcome.resources - secrets
        may_go = all(one.leaves_out == "" for one in chosen.values())
        is_in_order = not gone or (may_go and not any(one.partition("/")[0] in _STAY for one in gone))
        return outcome if is_in_order else None

    def _is_better(self, outcome: Outcome) -> bool:
        """Whether no other finding blocks; a warning may come in place of what did, and in place of a warning none."""
        other = [one for one in outcome.findings if key_of(one) not in self._now.keys]
        ended = [one for one in self._now.findings if key_of(one) not in outcome.keys]
        return not other or (not any(one.blocks for one in other) and any(one.blocks for one in ended))

    def _keep(self, chosen: Mapping[FindingKey, Candidate], outcome: Outcome) -> None:
        left_out = sorted(self._now.resources - outcome.resources)
        left_out += sorted({one.leaves_out for one in chosen.values() if one.leaves_out})
        together = _laid_over([one.overlay for one in chosen.values()])
        for key in [key for key in self._open if key not in outcome.keys]:
            of_its_rule = [one for (rule, *_), one in chosen.items() if rule == key[0]]
            own = [chosen[key]] if key in chosen else of_its_rule or list(chosen.values())
            self._kept[key] = Hint(own[0].key, _laid_over([one.overlay for one in own]), tuple(left_out))
            del self._open[key]
        self._values = _laid_over([self._values, together])
        self._leaves_out |= dict.fromkeys(left_out)
        self._now = outcome
        self._is_other = True


def _laid_over(values: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    return reduce(with_values, values, {})


def _around(place: str) -> str:
    """The container that a field is in: `spec.template.spec.containers[0]`; else the object."""
    head, bracket, rest = place.partition("ontainers[")
    return f"{head}{bracket}{rest.partition(']')[0]}" if bracket else ""
