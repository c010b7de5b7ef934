"""The JSON of waivers, and of what will block on a day to come."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, Field

from gateway.schemas import FindingView, Name, Plain, _Input, _Output, _Query, finding_view
from pipelines.forecast import Forecast, Outlook
from pipelines.waivers import Waiver

_LINE = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"


class WaiverRequest(_Input):
    """An exception to one rule for one App: what, who answers for it, why, and until when."""

    rule: str = Field(
        min_length=1, max_length=120, pattern=Plain, description="The rule's id.", examples=["image-pinned"]
    )
    app: Name = Field(description="A registered App.")
    environment: Name | None = Field(default=None, description="The Environment; without it, all of them.")
    resource: str = Field(
        min_length=1,
        max_length=320,
        pattern=Plain,
        description="`Kind/name` as the finding has it, or `*` for all that the App has.",
        examples=["Deployment/checkout"],
    )
    owner: str = Field(
        min_length=1, max_length=100, pattern=_LINE, description="Who answers for it: a person or a team."
    )
    reason: str = Field(min_length=1, max_length=500, pattern=_LINE, description="Why, in one line.")
    until: str = Field(
        max_length=10,
        pattern=r"^\d{4}-\d{2}-\d{2}$",
        description="The last day of it, in UTC; at most `limits.longest_waiver_days` from today.",
        examples=["2027-01-31"],
    )


class WaiverPath(BaseModel):
    """The address of one waiver."""

    waiver_id: str = Field(description="The waiver's id.")


class WaiverQuery(_Query):
    """Which waivers, and which part of the list."""

    app: str | None = Field(default=None, description="Of this App.")
    rule: str | None = Field(default=None, description="Of this rule.")
    ended: bool = Field(default=False, description="Also those that have ended.")
    limit: int = Field(default=50, ge=1, le=200, description="How many at the most.")
    cursor: str | None = Field(default=None, max_length=64, description="`next_cursor` of the page before.")


class WaiverView(_Output):
    """An exception to one rule for one App."""

    id: str = Field(description="Its id.")
    rule: str = Field(description="The rule.")
    app: str = Field(description="The App.")
    environment: str | None = Field(description="The Environment; null: all of them.")
    resource: str = Field(description="`Kind/name`, or `*` for all of the App.")
    owner: str = Field(description="Who answers for it.")
    reason: str = Field(description="Why.")
    until: date = Field(description="The last day of it, in UTC.")
    in_force: bool = Field(description="Whether it holds today.")
    days_left: int = Field(
        description="Whole days after today on which it holds; 0 on its last, and once it has ended."
    )
    created_at: datetime = Field(description="When it was made.")
    created_by: str = Field(description="The name of the token that made it.")
    ended_at: datetime | None = Field(description="When it was ended before its time; null: it was not.")
    ended_by: str | None = Field(description="The name of the token that ended it.")


class WaiverList(_Output):
    """A part of the list of waivers, newest first."""

    items: list[WaiverView] = Field(description="The waivers.")
    next_cursor: str | None = Field(description="Pass as `cursor` for the next page; null: there is none.")


class ForecastQuery(_Query):
    """Which day, and where."""

    day: str | None = Field(
        default=None,
        alias="date",
        pattern=r"^\d{4}-\d{2}-\d{2}$",
        description="The day, in UTC; without it, the last day that anything is known to change.",
    )
    environment: str | None = Field(default=None, description="In this Environment only.")


class ComingView(_Output):
    """Something that blocks on the day."""

    because: str = Field(description="Why it blocks then, in one line.")
    finding: FindingView = Field(description="What was found, as it is on that day.")


class OutlookView(_Output):
    """One App in one Environment, as its next Release would find it."""

    app: str = Field(description="The App.")
    environment: str = Field(description="The Environment.")
    team: str = Field(description="Its owner.")
    release: str = Field(description="The Release that runs.")
    checked_at: datetime = Field(description="When what runs was checked: nothing newer is known of it.")
    age_days: int = Field(description="Whole days since then.")
    coming: list[ComingView] = Field(description="What blocks on the day; empty: nothing known.")
    undated: list[FindingView] = Field(description="Warnings for which no day is set.")


class UnknownView(_Output):
    """An App of which nothing is known there."""

    app: str = Field(description="The App.")
    environment: str = Field(description="The Environment.")
    team: str = Field(description="Its owner.")
    why: str = Field(description="Why nothing is known.")


class ForecastView(_Output):
    """What blocks on a day, if nothing is released before."""

    date: str = Field(description="The day, in UTC.")
    days: list[str] = Field(description="Days on which something changes: rules that begin to block, waivers that end.")
    blocked: list[OutlookView] = Field(description="Apps whose next Release would be refused.")
    clear: list[OutlookView] = Field(description="Apps of which nothing is known that would block.")
    unknown: list[UnknownView] = Field(description="Apps without data: they may be blocked or not.")


def waiver_view(waiver: Waiver, today: date) -> WaiverView:
    """`waiver` as it is on `today`."""
    holds = waiver.holds(today)
    return WaiverView(
        id=waiver.id,
        rule=waiver.rule,
        app=waiver.app,
        environment=waiver.environment or None,
        resource=waiver.resource,
        owner=waiver.owner,
        reason=waiver.reason,
        until=waiver.until,
        in_force=holds,
        days_left=(waiver.until - today).days if holds else 0,
        created_at=waiver.created_at,
        created_by=waiver.created_by,
        ended_at=waiver.ended_at,
        ended_by=waiver.ended_by or None,
    )


def forecast_view(forecast: Forecast, days: tuple[date, ...], now: datetime) -> ForecastView:
    """`forecast`, seen at `now`."""
    views = [_outlook(one, now) for one in forecast.outlooks]
    return ForecastView(
        date=forecast.day.isoformat(),
        days=[day.isoformat() for day in days],
        blocked=[one for one in views if one.coming],
        clear=[one for one in views if not one.coming],
        unknown=[
            UnknownView(app=one.app, environment=one.environment, team=one.team, why=one.why)
            for one in forecast.unknown
        ],
    )


def _outlook(outlook: Outlook, now: datetime) -> OutlookView:
    checked = outlook.checked
    return OutlookView(
        app=checked.app,
        environment=checked.environment,
        team=outlook.team,
        release=checked.release,
        checked_at=outlook.checked_at,
        age_days=max(0, (now - outlook.checked_at).days),
        coming=[ComingView(because=one.because, finding=finding_view(one.finding)) for one in outlook.coming],
        undated=[finding_view(one) for one in outlook.undated],
    )
