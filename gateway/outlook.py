"""What will block on a day to come, as far as the caller may see it: for the API and for the pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime

from gateway.authorization import sees
from gateway.context import gateway, principal
from gateway.days import day_to_come
from gateway.exceptions import ForecastView, forecast_view
from gateway.schemas import BeginningView, beginning_view
from pipelines.apps import App, Environment, EnvironmentName
from pipelines.days import today
from pipelines.forecast import Checked, beginnings, forecast
from pipelines.waivers import Waiver

Ahead = Mapping[tuple[str, str], list[BeginningView]]
"""What begins to block, by App and Environment."""


def forecast_of(day: str | None, environment: str | None) -> ForecastView:
    """The forecast for `day` (`2027-01-31`; None: the last day that anything is known to change).

    Raises `InvalidInput` for a day that is over, `NotFound` for an Environment that is not there.
    """
    settings, store, now = gateway().settings, gateway().store, datetime.now(UTC)
    today = now.date()
    apps = {name: app for name, app in settings.apps.items() if sees(principal(), app.team, name)}
    places = tuple(settings.environments.values()) if environment is None else (settings.environment(environment),)
    waivers = tuple(one for one in store.waivers.in_force(today) if one.app in apps)
    checked = store.running.checked(apps)
    days = _days(places, waivers, checked, today)
    wanted = days[-1] if days else today
    if day is not None:
        wanted = day_to_come(day, today, where="date", instead=f"Write {today} or a later day")
    found = forecast(wanted, today, checked, apps, places, waivers)
    return forecast_view(found, days, now)


def beginnings_of(apps: Iterable[App]) -> Ahead:
    """What blocks the next Release of each of `apps`, now or from a day on, by App and Environment."""
    settings, store, day = gateway().settings, gateway().store, today()
    names = {app.name for app in apps}
    waivers = tuple(one for one in store.waivers.in_force(day) if one.app in names)
    ahead: dict[tuple[str, str], list[BeginningView]] = {}
    for one in store.running.checked(names):
        place = settings.environments.get(EnvironmentName(one.environment))
        if place is None:
            continue
        own = tuple(waiver for waiver in waivers if waiver.app == one.app)
        # Its own days alone: each is looked at with each of its findings.
        days = _days((place,), own, (one,), day)
        ahead[one.app, one.environment] = [beginning_view(each, day) for each in beginnings(one, place, own, day, days)]
    return ahead


def _days(
    places: tuple[Environment, ...], waivers: tuple[Waiver, ...], checked: Iterable[Checked], today: date
) -> tuple[date, ...]:
    """The days after today on which something begins to block, in order."""
    days = {one.enforce_from for one in places if one.enforce_from is not None}
    days |= {day for one in places for day in one.rule_dates.values()}
    days |= {
        setting.enforce_from
        for one in places
        for rules in one.app_rules.values()
        for setting in rules.values()
        if setting.enforce_from is not None
    }
    days |= {one.first_day_after for one in waivers}
    names = {one.name for one in places}
    found = (finding for one in checked if one.environment in names for finding in one.findings)
    days |= {date.fromisoformat(finding.end_of_life) for finding in found if finding.end_of_life}
    return tuple(sorted(day for day in days if day > today))
