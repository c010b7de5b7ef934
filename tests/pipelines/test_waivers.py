"""Waivers: what they are for, how long, and what they never are for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from pipelines.apps import App, AppName
from pipelines.errors import InvalidInput
from pipelines.findings import Finding, Mode, Severity, blocking
from pipelines.waivers import (
    Waiver,
    WaiverEnded,
    in_force,
    insist_on_still_allowed,
    parameter_lines,
    parse_resource,
    parse_rule,
    waived,
)
from tests.pipelines.test_apps import STAGING

TODAY = date(2026, 11, 25)
FOUND = Finding(
    "image-pinned", Severity.HIGH, Mode.ENFORCE, "Deployment/checkout", "", "", "what", "why", "how", "link", "policy"
)
WAIVER = Waiver(
    id="w1",
    rule="image-pinned",
    app="checkout",
    environment="",
    resource="Deployment/checkout",
    owner="Ada",
    reason="The vendor has no tags",
    until=TODAY,
    created_at=datetime(2026, 11, 1, tzinfo=UTC),
    created_by="admin",
)


def test_what_is_waived_is_shown_with_owner_day_and_reason_and_does_not_block() -> None:
    marked = waived(FOUND, [WAIVER])
    assert marked.waiver == "Ada, until 2026-11-25: The vendor has no tags (waiver w1)"
    assert blocking([marked]) == ()
    assert Finding.from_json(marked.to_json()) == marked


def test_findings_that_were_stored_before_there_were_waivers_are_still_read() -> None:
    old = {key: value for key, value in FOUND.to_json().items() if key not in ("waiver", "enforce_from")}
    assert Finding.from_json(old) == FOUND


@pytest.mark.parametrize(
    ("change", "holds"),
    [
        ({}, True),
        ({"resource": "*"}, True),
        ({"environment": "staging"}, True),
        ({"rule": "seccomp"}, False),
        ({"resource": "Deployment/other"}, False),
        ({"app": "other"}, False),
        ({"environment": "production"}, False),
        ({"until": date(2026, 11, 24)}, False),
        ({"ended_at": datetime(2026, 11, 2, tzinfo=UTC)}, False),
    ],
)
def test_a_waiver_is_for_one_rule_app_and_resource_until_its_last_day(change: dict[str, object], holds: bool) -> None:
    there = in_force([replace(WAIVER, **change)], "checkout", "staging", TODAY)  # type: ignore[arg-type]  # any of its fields
    assert (waived(FOUND, there).waiver != "") is holds


def test_of_several_waivers_the_one_that_lasts_longest_is_shown() -> None:
    longer = replace(WAIVER, owner="Grace", until=date(2027, 1, 31))
    assert waived(FOUND, [WAIVER, longer]).waiver.startswith("Grace")


def test_a_rule_that_always_blocks_is_waived_by_nothing() -> None:
    scope = replace(FOUND, rule="team-scope")
    assert waived(scope, [replace(WAIVER, rule="team-scope")]).blocks


@pytest.mark.parametrize(
    ("finding", "waivers"),
    [
        (replace(FOUND, waiver="Ada"), ()),
        (replace(FOUND, mode=Mode.WARN, enforce_from="2026-11-25"), ()),
        (replace(FOUND, mode=Mode.WARN, enforce_from="2026-11-20"), (replace(WAIVER, rule="seccomp"),)),
    ],
)
def test_what_blocks_only_since_the_check_stops_the_rollout(finding: Finding, waivers: tuple[Waiver, ...]) -> None:
    with pytest.raises(WaiverEnded, match="image-pinned for Deployment/checkout"):
        insist_on_still_allowed([finding], waivers, STAGING, TODAY)


@pytest.mark.parametrize(
    "finding",
    [
        replace(FOUND, waiver="Ada"),
        replace(FOUND, mode=Mode.WARN, rule="other"),
        replace(FOUND, mode=Mode.WARN, rule="other", enforce_from="2026-11-26"),
        replace(FOUND, mode=Mode.WARN, enforce_from="2026-11-25"),
    ],
)
def test_what_is_still_waived_or_still_warns_goes_on(finding: Finding) -> None:
    insist_on_still_allowed([finding], [WAIVER], STAGING, TODAY)


@pytest.mark.parametrize("text", ["*", "Deployment/checkout", "Role/system:x", "HTTPRoute/a.b"])
def test_a_resource_is_as_findings_have_it(text: str) -> None:
    assert parse_resource(text) == text


@pytest.mark.parametrize("text", ["", "checkout", "Deployment/", "deployment/x", "Deployment/*", "A/b\nseccomp ns *"])
def test_what_is_no_resource_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="no resource"):
        parse_resource(text)


def test_a_rule_that_is_none_is_refused_with_what_was_meant() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_rule("image-pined")
    assert "image-pinned" in caught.value.solution
    assert parse_rule("kube-score/pod-probes") == "kube-score/pod-probes"


@pytest.mark.parametrize(
    ("rule", "why", "instead"),
    [("team-scope", "belongs to the whole cluster", "the platform"), ("fields-kept", "refuses it", "value that runs")],
)
def test_what_nobody_can_let_through_can_not_be_waived(rule: str, why: str, instead: str) -> None:
    with pytest.raises(InvalidInput, match=f"can't be waived: .*{why}") as caught:
        parse_rule(rule)
    assert instead in caught.value.solution


def test_a_cluster_gets_a_line_for_each_place_in_which_a_waiver_holds() -> None:
    apps = {"checkout": App(AppName("checkout"), "shop", "http://x/y.git")}
    places = (STAGING, replace(STAGING, name="production", namespace="{app}"))
    known = [
        WAIVER,
        replace(WAIVER, rule="seccomp", resource="*", environment="production"),
        replace(WAIVER, until=date(2026, 11, 24)),
        replace(WAIVER, rule="kube-score/pod-probes"),
        replace(WAIVER, rule="team-scope"),
        replace(WAIVER, app="gone"),
    ]
    assert parameter_lines(known, apps, places, TODAY) == (
        "image-pinned checkout checkout Deployment/checkout",
        "image-pinned shop-checkout-staging checkout Deployment/checkout",
        "seccomp checkout checkout *",
    )
