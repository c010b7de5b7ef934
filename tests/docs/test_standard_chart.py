"""The comparison of charts claims nothing that no test proves, and leaves nothing out without a reason."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "charts" / "golden"
PAGE = (ROOT / "docs" / "standard-chart.md").read_text()
_ROW = re.compile(r"^\| (?P<feature>[^|]+) \| (?P<ours>[^|]+) \|(?P<proof>[^|]*)\|(?:[^|]*\|){5}$", re.MULTILINE)
_NOT_OURS = ("refused", "the platform's")


def _rows() -> list[tuple[str, str, str]]:
    """Feature, what ours has, and what proves it, of each row."""
    found = [(m["feature"], m["ours"].strip(), m["proof"].strip(" `")) for m in _ROW.finditer(PAGE)]
    return [row for row in found if row[0] not in ("feature", "---")]


def test_every_row_of_a_comparison_is_read() -> None:
    tables = PAGE.partition("## Workloads")[2].partition("## What is refused")[0]
    lines = [line for line in tables.splitlines() if line.startswith("| ") and not line.startswith("| feature")]
    assert len(_rows()) == len(lines)


def test_every_feature_of_ours_names_a_proof_that_is_there() -> None:
    proofs = [(feature, proof) for feature, ours, proof in _rows() if ours not in _NOT_OURS]
    assert [
        (feature, proof)
        for feature, proof in proofs
        if not proof or not ((GOLDEN / proof / "expected.yaml").is_file() or (ROOT / proof).is_file())
    ] == []


def test_whatever_ours_lacks_is_refused_with_a_reason() -> None:
    """Its name stands in bold among the reasons."""
    section = PAGE.partition("## What is refused, and why")[2].partition("\n## ")[0]
    named = " ".join(re.findall(r"\*\*([^*]+)\*\*", section)).lower()
    lacking = [feature for feature, ours, _ in _rows() if ours in (*_NOT_OURS, "no", "not yet")]
    assert [feature for feature in lacking if feature.lower() not in named] == []


def test_every_golden_test_stands_in_the_comparison() -> None:
    assert {folder.name for folder in GOLDEN.iterdir() if folder.is_dir()} - {proof for _, _, proof in _rows()} == set()
