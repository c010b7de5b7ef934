"""From the end of a base's life on, another rule speaks: in a check, at the rollout and in the forecast alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from pipelines.apps import App, AppName, Environment
from pipelines.catalogue.images import BASE_CURRENT, BASE_END_OF_LIFE
from pipelines.errors import WaiverEnded
from pipelines.findings import Finding, Mode
from pipelines.forecast import Checked, Coming, forecast
from pipelines.stages.checking import judged
from pipelines.waivers import Waiver, in_force, insist_on_still_allowed, waived
from tests.pipelines.test_modes import PLACE
from tests.pipelines.test_waivers import WAIVER

END = date(2026, 12, 20)
BEFORE, AFTER, MUCH_LATER = END - timedelta(days=1), END + timedelta(days=1), date(2027, 2, 1)
SOON = replace(BASE_CURRENT.finding("Deployment/checkout", "", "ends"), end_of_life=END.isoformat())
ENDED = BASE_END_OF_LIFE.finding("Deployment/checkout", "", "ends")

LENIENT = replace(PLACE, mode=Mode.WARN)
DATED = replace(PLACE, mode=Mode.WARN, enforce_from=AFTER)
NEVER = replace(PLACE, rule_modes={"base-image-end-of-life": Mode.WARN})
LATER = replace(NEVER, rule_dates={"base-image-end-of-life": AFTER})
CURRENT = replace(PLACE, rule_modes={"base-image-current": Mode.WARN}, rule_dates={"base-image-current": BEFORE})
CURRENT_LATER = replace(
    NEVER, rule_modes={**NEVER.rule_modes, **CURRENT.rule_modes}, rule_dates={"base-image-current": AFTER}
)


def _waiver(rule: str, until: date = MUCH_LATER) -> Waiver:
    return replace(WAIVER, rule=rule, until=until)


@pytest.mark.parametrize(
    ("place", "first"),
    [
        (PLACE, "2026-12-20"),
        (LENIENT, ""),
        (DATED, "2026-12-21"),
        (NEVER, ""),
        (LATER, "2026-12-21"),
        (CURRENT, "2026-12-19"),
        (CURRENT_LATER, ""),
        (replace(PLACE, rule_modes={"base-image-current": Mode.ENFORCE}), ""),
    ],
)
def test_a_warning_says_the_first_day_on_which_either_rule_blocks(place: Environment, first: str) -> None:
    assert judged(SOON, place.as_of(BEFORE - timedelta(days=9))).enforce_from == first


@pytest.mark.parametrize("day", [BEFORE, END, AFTER])
@pytest.mark.parametrize("place", [PLACE, LENIENT, DATED, NEVER, LATER, CURRENT, CURRENT_LATER])
@pytest.mark.parametrize(
    "waivers",
    [
        (),
        (_waiver("base-image-current"),),
        (_waiver("base-image-end-of-life"),),
        (_waiver("base-image-end-of-life", END),),
    ],
)
def test_rollout_and_forecast_say_what_a_check_of_that_day_says(
    day: date, place: Environment, waivers: tuple[Waiver, ...]
) -> None:
    valid = in_force(waivers, "checkout", "production", day)
    fresh = waived(judged(SOON if day < END else ENDED, place.as_of(day)), valid)
    today = BEFORE - timedelta(days=9)
    stored = waived(judged(SOON, place.as_of(today)), in_force(waivers, "checkout", "production", today))
    assert _stops(stored, valid, place, day) is fresh.blocks
    assert [one.finding.rule for one in _coming(day, stored, place, waivers)] == [fresh.rule] * fresh.blocks


@pytest.mark.parametrize(
    ("day", "place", "waivers", "because"),
    [
        (END, PLACE, (), "its base reaches its end of life on 2026-12-20"),
        (END, PLACE, (_waiver("base-image-current"),), "its base reaches its end of life on 2026-12-20"),
        (END, PLACE, (_waiver("base-image-end-of-life", BEFORE),), "its base reaches its end of life on 2026-12-20"),
        (AFTER, PLACE, (_waiver("base-image-end-of-life", END),), "the waiver of Ada ends on 2026-12-20"),
        (AFTER, DATED, (), "the rule blocks from 2026-12-21"),
        (BEFORE, CURRENT, (), "the rule blocks from 2026-12-19"),
    ],
)
def test_the_forecast_says_why(day: date, place: Environment, waivers: tuple[Waiver, ...], because: str) -> None:
    assert [one.because for one in _coming(day, SOON, place, waivers)] == [because]


def _stops(finding: Finding, waivers: tuple[Waiver, ...], place: Environment, day: date) -> bool:
    try:
        insist_on_still_allowed([finding], waivers, place.as_of(day), day)
    except WaiverEnded:
        return True
    return False


def _coming(day: date, finding: Finding, place: Environment, waivers: tuple[Waiver, ...]) -> tuple[Coming, ...]:
    today = BEFORE - timedelta(days=9)
    checked = Checked("checkout", "production", "r1", datetime(2026, 12, 10, tzinfo=UTC), (finding,))
    apps = {"checkout": App(AppName("checkout"), "shop", "http://x/y.git")}
    (seen,) = forecast(day, today, [checked], apps, [place], waivers).outlooks
    return seen.coming
