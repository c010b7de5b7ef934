"""The catalogue: one entry for everything that can find something, whoever looks.

What is written in Python brings its entries as a tuple, and is listed in `_WRITTEN`.
"""

from __future__ import annotations

from functools import cache

from pipelines.catalogue.charts import CHARTS
from pipelines.catalogue.entry import Entry, Holds
from pipelines.catalogue.images import IMAGES
from pipelines.catalogue.kube_score import KUBE_SCORE
from pipelines.catalogue.kubernetes import KUBERNETES
from pipelines.catalogue.posture import POSTURE
from pipelines.catalogue.relations import RELATIONS
from pipelines.catalogue.schemas import SCHEMAS
from pipelines.errors import NotFound
from pipelines.rules import POLICY, Rule, load_rules, with_parameters
from pipelines.suggestions import did_you_mean

__all__ = ["Entry", "Holds", "catalogue", "entry_of"]

_WRITTEN: tuple[tuple[Entry, ...], ...] = (CHARTS, RELATIONS, IMAGES, KUBE_SCORE, SCHEMAS, KUBERNETES, POSTURE)


@cache
def catalogue() -> tuple[Entry, ...]:
    """All entries, grouped by where they hold and then by id. Raises `InvalidConfiguration` as `load_rules` does."""
    entries = [_of_rule(rule) for rule in load_rules()]
    entries += [entry for written in _WRITTEN for entry in written]
    order = list(Holds)
    return tuple(sorted(entries, key=lambda entry: (order.index(entry.holds), entry.id)))


def entry_of(rule: str) -> Entry:
    """The entry of the rule with this id. Raises `NotFound`, with the id that was meant."""
    entries = {entry.id: entry for entry in catalogue()}
    if rule not in entries:
        raise NotFound(f"there is no rule {rule[:80]!r}", did_you_mean(rule, entries), where="rule")
    return entries[rule]


def _of_rule(rule: Rule) -> Entry:
    return Entry(
        id=rule.id,
        severity=rule.severity,
        title=rule.title,
        why=" ".join(rule.why.split()),
        how=with_parameters(rule.how.strip(), {"registries": "`images.registries` in gateway.yaml"}),
        link=rule.link,
        since=rule.since,
        holds=Holds.EVERYWHERE,
        mode=rule.mode,
        found_by=POLICY,
    )
