"""Looking ahead: what was found, by the modes and waivers of another day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from pipelines.apps import App, AppName, Environment
from pipelines.catalogue import catalogue, entry_of
from pipelines.findings import Finding, Mode
from pipelines.forecast import Beginning, Checked, Forecast, beginnings, forecast
from pipelines.stages.checking import judged
from tests.pipelines.test_modes import BEFORE, DATED, FIRST, PLACE
from tests.pipelines.test_waivers import WAIVER

APPS = {"checkout": App(AppName("checkout"), "shop", "http://x/y.git")}
AT = datetime(2026, 11, 1, tzinfo=UTC)
SECCOMP = entry_of("seccomp").finding("Deployment/checkout", "", "no profile")


def _ahead(day: date, *found: Any, place: Any = DATED, waivers: Any = (), at: datetime | None = AT) -> Forecast:
    checked = [Checked("checkout", "production", "r1", at, found)]
    return forecast(day, BEFORE, checked, APPS, [place], waivers)


def _because(seen: Forecast) -> list[str]:
    return [coming.because for one in seen.blocked for coming in one.coming]


def test_a_warning_blocks_from_its_day() -> None:
    warned = replace(SECCOMP, mode=Mode.WARN, enforce_from="2027-01-31")
    assert _ahead(BEFORE, warned).blocked == ()
    assert _because(_ahead(FIRST, warned)) == ["the rule blocks from 2027-01-31"]


def test_what_is_waived_blocks_when_its_waiver_has_ended() -> None:
    waiver = replace(WAIVER, rule="seccomp", until=FIRST)
    found = replace(SECCOMP, waiver="Ada")
    assert _ahead(FIRST, found, place=PLACE, waivers=[waiver]).blocked == ()
    after = _ahead(FIRST + timedelta(days=1), found, place=PLACE, waivers=[waiver])
    assert _because(after) == ["the waiver of Ada ends on 2027-01-31"]


def test_a_waiver_that_somebody_ended_blocks_the_next_release() -> None:
    assert _because(_ahead(BEFORE, replace(SECCOMP, waiver="Ada"), place=PLACE)) == [
        "it blocks today already: the next Release is refused"
    ]


def test_a_warning_without_a_day_is_told_apart() -> None:
    place = replace(PLACE, rule_modes={"seccomp": Mode.WARN})
    (seen,) = _ahead(FIRST, replace(SECCOMP, mode=Mode.WARN), place=place).outlooks
    assert ([one.rule for one in seen.undated], seen.coming) == (["seccomp"], ())


def test_a_finding_that_is_in_no_catalogue_keeps_the_mode_it_had() -> None:
    other = replace(SECCOMP, rule="another-check", mode=Mode.WARN)
    assert _ahead(FIRST, other).blocked == ()


_RULES = [entry.id for entry in catalogue()]
NAMED = replace(PLACE, rule_modes=dict.fromkeys(_RULES, Mode.ENFORCE))
PARDONED = replace(PLACE, rule_modes=dict.fromkeys(_RULES, Mode.WARN))


@pytest.mark.parametrize("own", list(Mode))
@pytest.mark.parametrize(
    "place", [PLACE, replace(PLACE, mode=Mode.WARN), NAMED, PARDONED], ids=["blocks", "warns", "named", "pardoned"]
)
def test_today_blocks_what_the_check_of_today_blocks_whatever_mode_it_gave(place: Environment, own: Mode) -> None:
    found = [judged(replace(entry.finding("Pod/x", "", "w"), mode=own), place) for entry in catalogue()]
    stored = [Finding.from_json(one.to_json()) for one in found]
    seen = _ahead(BEFORE, *stored, place=place)
    assert {coming.finding.rule for one in seen.outlooks for coming in one.coming} == {
        one.rule for one in found if one.blocks
    }


def test_before_modes_were_written_down_it_is_the_catalogues() -> None:
    stored = {key: value for key, value in replace(SECCOMP, mode=Mode.WARN).to_json().items() if key != "own_mode"}
    assert _because(_ahead(BEFORE, Finding.from_json(stored), place=PLACE)) == [
        "it blocks today already: the next Release is refused"
    ]
    warns = entry_of("secret-literals").finding("Pod/x", "", "a password")
    assert _ahead(BEFORE, warns, place=PLACE).blocked == ()


def test_where_nothing_runs_and_where_no_check_is_on_record_nothing_is_known() -> None:
    assert [one.why for one in _ahead(FIRST, at=None).unknown] == ["there is no record of a check of what runs"]
    assert [one.why for one in forecast(FIRST, BEFORE, [], APPS, [DATED], ()).unknown] == ["nothing runs there"]


def _beginnings(*found: Any, at: datetime | None = AT, waivers: Any = ()) -> tuple[Beginning, ...]:
    checked = Checked("checkout", "production", "r1", at, found)
    return beginnings(checked, DATED, waivers, BEFORE, (FIRST, FIRST + timedelta(days=1)))


def test_each_rule_begins_once_on_its_first_day_for_all_that_breaks_it() -> None:
    warned = replace(SECCOMP, mode=Mode.WARN)
    waiver = replace(WAIVER, rule="image-pinned", resource="*", until=FIRST)
    excused = entry_of("image-pinned").finding("CronJob/report", "", "latest")
    again = (replace(warned, resource="Job/once"), replace(warned, what="another profile"))
    found = _beginnings(warned, excused, *again, waivers=[waiver])
    assert [(one.rule, one.day, one.resources) for one in found] == [
        ("seccomp", FIRST, ("Deployment/checkout", "Job/once")),
        ("image-pinned", FIRST + timedelta(days=1), ("CronJob/report",)),
    ]
    assert [one.because for one in found] == ["the rule blocks from 2027-01-31", "the waiver of Ada ends on 2027-01-31"]


def test_of_what_has_no_record_of_a_check_no_beginning_is_known() -> None:
    assert _beginnings(replace(SECCOMP, mode=Mode.WARN), at=None) == ()
