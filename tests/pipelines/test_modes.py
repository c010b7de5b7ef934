"""Modes with a day: a rule that warns blocks from its day on, by itself, for all or for one App."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from pipelines.apps import ClusterName, Environment, EnvironmentName, RuleSetting, undated_warnings
from pipelines.findings import Finding, Mode, Severity
from pipelines.rules import cluster_objects, load_rules
from pipelines.stages.checking import judged

FIRST = date(2027, 1, 31)
BEFORE = FIRST - timedelta(days=1)
PLACE = Environment(EnvironmentName("production"), ClusterName("local"))
DATED = replace(PLACE, rule_modes={"seccomp": Mode.WARN}, rule_dates={"seccomp": FIRST})
LENIENT = replace(PLACE, mode=Mode.WARN, enforce_from=FIRST)
OWN = replace(PLACE, app_rules={"checkout": {"seccomp": RuleSetting(Mode.WARN, FIRST)}})
PILOT = replace(DATED, app_rules={"checkout": {"seccomp": RuleSetting(Mode.ENFORCE)}})
WARN, ENFORCE = Mode.WARN, Mode.ENFORCE


def _judged(place: Environment, own: Mode = ENFORCE) -> tuple[Mode, str]:
    found = Finding("seccomp", Severity.HIGH, own, "Pod/x", "", "", "what", "why", "how", "link", "policy")
    one = judged(found, place)
    return one.mode, one.enforce_from


@pytest.mark.parametrize(
    ("place", "app", "day", "expected"),
    [
        (DATED, "", BEFORE, (WARN, "2027-01-31")),
        (DATED, "", FIRST, (ENFORCE, "")),
        (LENIENT, "", BEFORE, (WARN, "2027-01-31")),
        (LENIENT, "", FIRST, (ENFORCE, "")),
        (OWN, "checkout", BEFORE, (WARN, "2027-01-31")),
        (OWN, "checkout", FIRST, (ENFORCE, "")),
        (OWN, "other", BEFORE, (ENFORCE, "")),
        (PILOT, "checkout", BEFORE, (ENFORCE, "")),
        (PILOT, "other", BEFORE, (WARN, "2027-01-31")),
        (replace(PLACE, rule_modes={"seccomp": WARN}), "", FIRST, (WARN, "")),
    ],
)
def test_a_finding_says_from_when_it_blocks_and_then_does(
    place: Environment, app: str, day: date, expected: tuple[Mode, str]
) -> None:
    assert _judged(place.as_of(day, app)) == expected


def test_a_rule_that_warns_by_itself_blocks_only_where_it_is_named() -> None:
    assert _judged(LENIENT.as_of(BEFORE), WARN) == (WARN, "")
    assert _judged(LENIENT.as_of(FIRST), WARN) == (WARN, "")
    assert _judged(DATED.as_of(BEFORE), WARN) == (WARN, "2027-01-31")
    assert _judged(DATED.as_of(FIRST), WARN) == (ENFORCE, "")


def _bindings(day: date, *places: Environment) -> dict[str, tuple[str, list[Any]]]:
    (rule,) = (one for one in load_rules() if one.id == "seccomp")
    objects = cluster_objects((rule,), {}, places, day)
    return {
        one["metadata"]["name"]: (
            one["spec"]["validationActions"][0],
            [
                (part["operator"], part["values"])
                for part in one["spec"]["matchResources"]["namespaceSelector"].get("matchExpressions", [])
            ],
        )
        for one in objects
        if one["kind"].endswith("Binding")
    }


def test_no_two_bindings_have_one_name_whatever_environments_are_called() -> None:
    names = ("prod", "prod-apps", "apps", "warn", "in-prod")
    places = [replace(OWN, name=EnvironmentName(name)) for name in names]
    objects = cluster_objects(load_rules(), {}, places, BEFORE)
    made = [one["metadata"]["name"] for one in objects if one["kind"].endswith("Binding")]
    assert len(set(made)) == len(made)
    assert len([name for name in made if name.startswith("seccomp.")]) == 2 * len(names)


def test_what_is_installed_follows_the_day() -> None:
    assert _bindings(BEFORE, DATED) == {
        "seccomp": ("Deny", [("NotIn", ["production"])]),
        "seccomp-warn": ("Warn", [("In", ["production"])]),
    }
    assert _bindings(FIRST, DATED) == {"seccomp": ("Deny", [])}


def test_an_app_with_a_mode_of_its_own_has_a_binding_of_its_own() -> None:
    assert _bindings(BEFORE, OWN) == {
        "seccomp": ("Deny", [("NotIn", ["production"])]),
        "seccomp.production": ("Deny", [("In", ["production"]), ("NotIn", ["checkout"])]),
        "seccomp.production.apps": ("Warn", [("In", ["production"]), ("In", ["checkout"])]),
    }
    assert _bindings(BEFORE, PILOT)["seccomp.production.apps"] == (
        "Deny",
        [("In", ["production"]), ("In", ["checkout"])],
    )


def test_a_rule_that_warns_where_all_else_blocks_and_has_no_day_is_named() -> None:
    undated = replace(PLACE, rule_modes={"seccomp": WARN, "image-pinned": ENFORCE})
    assert list(undated_warnings([DATED, undated, replace(undated, mode=WARN)])) == [("production", "seccomp")]
