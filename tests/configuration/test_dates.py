"""The day on which a warning blocks, as gateway.yaml has it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from configuration.file import json_schema, load
from pipelines.apps import Environment
from pipelines.errors import InvalidConfiguration
from pipelines.findings import Mode

YAML = """\
apiVersion: deploy-gateway/v1
public_url: http://127.0.0.1
store: {url: "sqlite:///gateway.db"}
queue: {url: "redis://localhost"}
clusters: {local: {}}
environments:
  production: {cluster: local, rules: RULES}
teams: {shop: {}}
apps:
  checkout: {team: shop, repository: "http://127.0.0.1/shop/checkout.git", rules: OWN}
"""


def _load(folder: Path, rules: str = "{}", own: str = "{}") -> Environment:
    path = folder / "gateway.yaml"
    path.write_text(YAML.replace("RULES", rules).replace("OWN", own))
    return load(path, known_rules={"seccomp", "image-pinned"}, environ={}).environments["production"]


def test_a_rule_and_an_app_have_days(tmp_path: Path) -> None:
    place = _load(
        tmp_path,
        "{seccomp: {mode: warn, enforce_from: 2027-01-31}, image-pinned: warn}",
        "{production: {image-pinned: enforce}}",
    )
    before = place.as_of(date(2027, 1, 30))
    assert (before.mode_of("seccomp"), before.enforce_from_of("seccomp")) == (Mode.WARN, date(2027, 1, 31))
    assert (before.mode_of("image-pinned"), before.enforce_from_of("image-pinned")) == (Mode.WARN, None)
    day = place.as_of(date(2027, 1, 31), "checkout")
    assert [day.mode_of(rule) for rule in ("seccomp", "image-pinned")] == [Mode.ENFORCE, Mode.ENFORCE]


@pytest.mark.parametrize(
    ("rules", "own", "told"),
    [
        ("{seccomp: {mode: enforce, enforce_from: 2027-01-31}}", "{}", "blocks already"),
        ("{seccomp: {mode: warn, enforce_from: 2027-02-30}}", "{}", "write a day"),
        ("{seccomp: sometimes}", "{}", "enforce"),
        ("{seccomp: {mode: warn, enforce_form: 2027-01-31}}", "{}", "Did you mean 'enforce_from'"),
        ("{}, enforce_from: 2027-01-31", "{}", "blocks already"),
        ("{}", "{production: {seccomp: warn}}", "needs the day"),
        ("{}", "{production: {secomp: enforce}}", "no rule 'secomp'"),
        ("{}", "{producton: {seccomp: enforce}}", "no Environment 'producton'"),
    ],
)
def test_what_fits_nothing_is_told_with_its_line(tmp_path: Path, rules: str, own: str, told: str) -> None:
    with pytest.raises(InvalidConfiguration, match=told) as caught:
        _load(tmp_path, rules, own)
    assert str(caught.value.where).endswith((":7", ":10"))


@pytest.mark.parametrize(
    ("written", "fits"),
    [
        ("warn", True),
        ({"mode": "warn", "enforce_from": "2027-01-31"}, True),
        ("sometimes", False),
        ({"mod": "warn"}, False),
    ],
)
def test_the_schema_for_editors_takes_a_rules_mode_in_both_forms(written: object, fits: bool) -> None:
    document = yaml.safe_load(YAML.replace("RULES", "{}").replace("OWN", "{}"))
    schema = jsonschema_rs.validator_for(json_schema())
    assert schema.is_valid(document)
    document["environments"]["production"]["rules"] = {"seccomp": written}
    assert schema.is_valid(document) is fits
