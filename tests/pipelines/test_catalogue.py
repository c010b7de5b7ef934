"""The catalogue: whatever can find something has an entry that teaches."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable

import pytest

from pipelines.adapters.cel import CelRules
from pipelines.adapters.kube_score import KubeScore
from pipelines.adapters.schemas import Schemas
from pipelines.api_versions import ApiVersions
from pipelines.catalogue import Entry, Holds, catalogue, entry_of
from pipelines.catalogue.charts import CHARTS
from pipelines.catalogue.images import IMAGES
from pipelines.catalogue.kube_score import KUBE_SCORE
from pipelines.catalogue.kubernetes import KUBERNETES
from pipelines.catalogue.posture import POSTURE
from pipelines.catalogue.relations import RELATIONS
from pipelines.catalogue.schemas import SCHEMAS
from pipelines.errors import NotFound
from pipelines.findings import Mode
from pipelines.grants import Grants
from pipelines.image_check import BaseImageCheck
from pipelines.posture import BenchmarkCheck
from pipelines.relations import Relations
from pipelines.rules import INVALID, UNKNOWN_FIELD, UNKNOWN_KIND, load_rules
from pipelines.signature_check import SignatureCheck
from pipelines.third_party.rendering import Brought
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
    assert {entry.id for entry in ENTRIES if entry.holds is Holds.SCHEMA} == {INVALID, UNKNOWN_FIELD, UNKNOWN_KIND}


@pytest.mark.parametrize(
    ("names", "entries"),
    [
        ({CelRules.name}, [entry_of(rule.id) for rule in load_rules()]),
        ({Relations.name, "preflight"}, RELATIONS),
        ({BaseImageCheck.name, SignatureCheck.name}, IMAGES),
        ({Brought.name}, CHARTS),
        ({KubeScore.name}, KUBE_SCORE),
        ({Schemas.name}, SCHEMAS),
        ({ApiVersions.name, Grants.name}, KUBERNETES),
        ({BenchmarkCheck.name}, POSTURE),
    ],
)
def test_an_entry_names_the_check_that_looks(names: set[str], entries: Iterable[Entry]) -> None:
    assert {entry.found_by for entry in entries} == names


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
