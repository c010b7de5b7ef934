from __future__ import annotations

import re

import pytest

from docs.generate import FOLDER, PAGES
from pipelines.deployfile import DeployFile
from pipelines.states import ReleaseCode

ROOT = FOLDER.parents[1]


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_is_what_the_code_says(name: str) -> None:
    assert (FOLDER / name).read_text("utf-8") == PAGES[name](), "run `make docs`"


def test_every_error_code_is_told_apart_and_stable() -> None:
    codes = [line.split("`")[1] for line in PAGES["errors.md"]().splitlines() if line.startswith("| `")]
    assert len(codes) == len(set(codes))
    assert {"invalid-ref", "not-found", "unauthenticated", "internal-error"} <= set(codes)


def test_every_code_that_a_release_ends_by_is_in_the_table_of_errors() -> None:
    written = re.compile(r"\bcode=[\"']([^\"']+)")
    packages = [ROOT / name for name in ("gateway", "pipelines", "store", "workers")]
    found = [
        code for one in packages for path in one.rglob("*.py") for code in written.findall(path.read_text("utf-8"))
    ]
    assert found == [], "write it as a ReleaseCode, or as an error of its own"
    page = PAGES["errors.md"]()
    assert [code for code in ReleaseCode if f"| `{code}` |" not in page] == []


def test_the_page_of_deploy_yaml_has_every_key_of_every_part() -> None:
    schema = DeployFile.model_json_schema()
    keys = {key for part in (schema, *schema["$defs"].values()) for key in part["properties"]}
    assert keys <= set(re.findall(r"^\| `(\w+)` \|", PAGES["deploy-yaml.md"](), re.MULTILINE))


def test_every_link_within_the_page_of_deploy_yaml_leads_to_a_heading() -> None:
    page = PAGES["deploy-yaml.md"]()
    headings = {re.sub(r"[^\w -]", "", title).lower() for title in re.findall(r"^#+ (.+)$", page, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", page)) <= headings


def test_no_part_of_a_pair_is_empty() -> None:
    assert "```yaml\n```" not in PAGES["deploy-yaml.md"]()
