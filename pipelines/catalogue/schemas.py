"""What the schemas of the very cluster have to say."""

from __future__ import annotations

from pipelines.catalogue.entry import Entry, Holds
from pipelines.findings import Severity
from pipelines.rules import INVALID, UNKNOWN_FIELD, UNKNOWN_KIND

# The name of the check that looks.
FOUND_BY = "schema"
_WHY = "The cluster would refuse it, or drop the field without a word, and what you meant would not be so."
_LINK = "https://kubernetes.io/docs/reference/kubernetes-api/"


def _entry(rule: str, title: str, how: str) -> Entry:
    return Entry(
        id=rule,
        severity=Severity.HIGH,
        title=title,
        why=_WHY,
        how=how,
        link=_LINK,
        holds=Holds.SCHEMA,
        found_by=FOUND_BY,
    )


SCHEMAS = (
    _entry(INVALID, "Fields have values that the cluster takes", "# see: kubectl explain KIND.FIELD"),
    _entry(
        UNKNOWN_FIELD, "Fields are fields of that kind", "# leave the field out, or spell it as: kubectl explain KIND"
    ),
    _entry(UNKNOWN_KIND, "Kinds are kinds of that cluster", "apiVersion: apps/v1   # as: kubectl api-resources"),
)
