"""One field, one finding: whoever else says the same is named in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipelines.catalogue import catalogue, entry_of
from pipelines.duplicates import merged
from pipelines.findings import Finding, Mode
from pipelines.rules import INVALID

CONTAINER = "spec.template.spec.containers[0]"


def say(rule: str, field: str = "", resource: str = "Deployment/checkout", **changes: Any) -> Finding:
    return replace(entry_of(rule).finding(resource, field, f"{rule} says so"), **changes)


OURS = say("image-pinned", f"{CONTAINER}.image")
THEIRS = say("kube-score/container-image-tag", CONTAINER)


def test_a_check_of_kube_score_goes_into_the_rule_that_means_the_same() -> None:
    assert merged([THEIRS, OURS]) == (replace(OURS, also_found_by=(THEIRS.rule,)),)


@pytest.mark.parametrize(
    "other",
    [
        replace(THEIRS, resource="Deployment/storefront"),
        replace(THEIRS, field="spec.template.spec.containers[1]"),
        say("kube-score/pod-probes", CONTAINER),
    ],
    ids=["another object", "another container", "another meaning"],
)
def test_what_is_about_something_else_stays(other: Finding) -> None:
    assert merged([OURS, other]) == (OURS, other)


def test_what_a_rule_says_of_the_pod_is_said_of_its_containers() -> None:
    of_pod = say("run-as-non-root", "spec.template.spec.securityContext")
    theirs = say("kube-score/container-security-context-user-group-id", CONTAINER)
    assert merged([of_pod, theirs]) == (replace(of_pod, also_found_by=(theirs.rule,)),)


def test_what_is_about_the_whole_object_is_about_its_parts() -> None:
    ours = say("network-policy-present", "spec.template.metadata.labels")
    theirs = say("kube-score/pod-networkpolicy")
    assert merged([ours, theirs]) == (replace(ours, also_found_by=(theirs.rule,)),)


def test_a_value_of_the_wrong_kind_is_told_by_the_schema() -> None:
    schema = say(INVALID, OURS.field)
    assert merged([OURS, schema, THEIRS]) == (replace(schema, also_found_by=(OURS.rule, THEIRS.rule)),)
    elsewhere = replace(schema, field=f"{CONTAINER}.name")
    assert merged([OURS, elsewhere]) == (OURS, elsewhere)


def test_a_schema_that_is_waived_hides_no_rule_that_blocks() -> None:
    schema = say(INVALID, OURS.field, waiver="Ada, until 2027-01-31: a beta (waiver w1)")
    assert merged([OURS, schema]) == (OURS, schema)
    harmless = replace(OURS, mode=Mode.WARN)
    assert merged([harmless, schema]) == (replace(schema, also_found_by=(OURS.rule,)),)


def test_it_blocks_where_one_of_them_does() -> None:
    (one,) = merged([replace(OURS, mode=Mode.WARN), replace(THEIRS, mode=Mode.ENFORCE)])
    assert (one.rule, one.mode, one.own_mode) == (OURS.rule, Mode.ENFORCE, "enforce")
    (one,) = merged([replace(OURS, mode=Mode.WARN), replace(THEIRS, mode=Mode.WARN)])
    assert one.mode is Mode.WARN


def test_the_same_words_are_told_once() -> None:
    assert merged([OURS, OURS]) == (OURS,)


def test_every_rule_that_a_check_is_the_same_as_is_there_and_decides() -> None:
    entries = {entry.id: entry for entry in catalogue()}
    same = [entry for entry in entries.values() if entry.same_as]
    assert same
    for entry in same:
        assert set(entry.same_as) <= entries.keys()
        assert entry.mode is Mode.WARN
