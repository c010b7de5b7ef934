"""The catalogue: whatever can find something has an entry that teaches."""

from __future__ import annotations

import subprocess

import pytest

from pipelines.catalogue import Entry, Holds, catalogue, entry_of
from pipelines.errors import NotFound
from pipelines.findings import Mode
from pipelines.rules import SCHEMA_RULES, load_rules
from tools.toolbox import ensure

ENTRIES = catalogue()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: str(entry.id))
def test_an_entry_says_what_why_and_what_to_write(entry: Entry) -> None:
    for text in (entry.title, entry.why, entry.how, entry.since):
        assert text.strip()
    assert entry.link.startswith("https://")
    assert not entry.title.endswith(".")
    assert not entry.how.lower().startswith("write")


def test_each_id_is_there_once() -> None:
    ids = [entry.id for entry in ENTRIES]
    assert len(ids) == len(set(ids))


def test_every_rule_in_cel_holds_in_the_cluster_and_at_the_gateway() -> None:
    held = {entry.id for entry in ENTRIES if entry.holds is Holds.EVERYWHERE}
    assert held == {rule.id for rule in load_rules()}


def test_every_rule_of_the_schemas_has_an_entry() -> None:
    assert {entry.id for entry in ENTRIES if entry.holds is Holds.SCHEMA} == SCHEMA_RULES


def test_every_check_that_kube_score_makes_has_an_entry() -> None:
    listed = subprocess.run(
        [str(ensure(["kube-score"])["kube-score"]), "list"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    made = {f"kube-score/{line.split(',')[0]}" for line in listed.splitlines() if line.endswith(",default")}
    assert made <= {entry.id for entry in ENTRIES if entry.holds is Holds.KUBE_SCORE}


def test_a_misspelt_rule_is_told_with_the_one_that_was_meant() -> None:
    assert entry_of("image-pinned").title
    with pytest.raises(NotFound, match="image-pined") as raised:
        entry_of("image-pined")
    assert raised.value.solution == "Did you mean 'image-pinned'?"


def test_a_finding_has_the_words_of_its_entry_and_those_of_the_case_before() -> None:
    entry = entry_of("schema/invalid")
    found = entry.finding("Service/a", "spec.type", "it is odd")
    assert (found.rule, found.why, found.how, found.mode) == (entry.id, entry.why, entry.how, Mode.ENFORCE)
    assert entry.finding("Service/a", "spec.type", "it is odd", "type: ClusterIP").how == "type: ClusterIP"
