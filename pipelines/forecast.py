"""What would block on a day to come, from what the checks said of what runs now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache

from pipelines.apps import App, Environment
from pipelines.catalogue import catalogue
from pipelines.end_of_life import on_day
from pipelines.findings import Finding, Mode
from pipelines.stages.checking import judged
from pipelines.waivers import Waiver, in_force, waived, waiver_of


@dataclass(frozen=True, slots=True)
class Checked:
    """What runs in a place, and what was found in it at `checked_at`; None: there is no record of a check."""

    app: str
    environment: str
    release: str
    checked_at: datetime | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Coming:
    """A finding that blocks on the day, and why: `because` is one line for people."""

    finding: Finding
    because: str


@dataclass(frozen=True, slots=True)
class Beginning:
    """From `day` (UTC) on a rule blocks the next Release of an App, for `resources`; `because` as in `Coming`."""

    rule: str
    day: date
    resources: tuple[str, ...]
    because: str


@dataclass(frozen=True, slots=True)
class Outlook:
    """One App in one Environment on the day: what blocks then (`coming`), and warnings that no day ends (`undated`)."""

    checked: Checked
    checked_at: datetime
    team: str
    coming: tuple[Coming, ...]
    undated: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """An App in an Environment of which nothing is known, and why."""

    app: str
    environment: str
    team: str
    why: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """How things stand on `day` if nothing is released before."""

    day: date
    outlooks: tuple[Outlook, ...]
    unknown: tuple[Place, ...]

    @property
    def blocked(self) -> tuple[Outlook, ...]:
        """Those Apps whose next Release would be refused."""
        return tuple(one for one in self.outlooks if one.coming)


def forecast(
    day: date,
    today: date,
    checked: Iterable[Checked],
    apps: Mapping[str, App],
    environments: Iterable[Environment],
    waivers: Iterable[Waiver],
) -> Forecast:
    """What would block on `day`, by the modes, days and waivers that are known on `today`.

    Only what was found when a thing was checked is known: a rule that came since is not in it.
    """
    known, places = tuple(waivers), tuple(environments)
    by_place = {(one.app, one.environment): one for one in checked}
    outlooks, unknown = [], []
    for place in places:
        for app in sorted(apps.values(), key=lambda one: one.name):
            found = by_place.get((app.name, place.name))
            if found is None:
                unknown.append(Place(app.name, place.name, app.team, "nothing runs there"))
            elif found.checked_at is None:
                unknown.append(Place(app.name, place.name, app.team, "there is no record of a check of what runs"))
            else:
                outlooks.append(_outlook(found, found.checked_at, app.team, place, known, day, today))
    return Forecast(day, tuple(outlooks), tuple(unknown))


def beginnings(
    checked: Checked, place: Environment, waivers: Iterable[Waiver], today: date, days: Iterable[date]
) -> tuple[Beginning, ...]:
    """What blocks on `today` or begins to on one of `days`, which are later and in order: each rule on its first day.

    Nothing, where there is no record of a check.
    """
    if checked.checked_at is None:
        return ()
    known = tuple(waivers)
    seen: set[tuple[str, str, str, str]] = set()
    found: dict[tuple[date, str, str], list[str]] = {}
    for day in (today, *days):
        for one in _outlook(checked, checked.checked_at, "", place, known, day, today).coming:
            finding = one.finding
            about = (finding.rule, finding.resource, finding.field, finding.what)
            if about not in seen:
                seen.add(about)
                found.setdefault((day, finding.rule, one.because), []).append(finding.resource)
    return tuple(
        Beginning(rule, day, tuple(dict.fromkeys(resources)), because)
        for (day, rule, because), resources in found.items()
    )


def _outlook(
    checked: Checked,
    checked_at: datetime,
    team: str,
    place: Environment,
    waivers: tuple[Waiver, ...],
    day: date,
    today: date,
) -> Outlook:
    now, then = place.as_of(today, checked.app), place.as_of(day, checked.app)
    valid_now = in_force(waivers, checked.app, place.name, today)
    valid_then = in_force(waivers, checked.app, place.name, day)
    coming, undated = [], []
    for one in checked.findings:
        found = _as_found(one)
        by_then, by_now = on_day(found, day), on_day(found, today)
        future = waived(judged(by_then, then), valid_then)
        if future.blocks:
            ends = found.end_of_life if by_then.rule != by_now.rule else ""
            coming.append(Coming(future, _because(judged(by_then, now), valid_now, ends)))
        elif future.mode is Mode.WARN and not future.enforce_from and not future.waiver:
            undated.append(future)
    return Outlook(checked, checked_at, team, tuple(coming), tuple(undated))


def _as_found(finding: Finding) -> Finding:
    """`finding` with the mode that its check gave it, before any Environment and waiver.

    Where that was not written down yet, it is the catalogue's: a check may have meant a warning.
    """
    own = Mode(finding.own_mode) if finding.own_mode else _modes().get(finding.rule, finding.mode)
    return replace(finding, mode=own, waiver="", enforce_from="")


@cache
def _modes() -> Mapping[str, Mode]:
    return {one.id: one.mode for one in catalogue()}


def _because(now: Finding, waivers: tuple[Waiver, ...], ends: str) -> str:
    """Why the rule that speaks then blocks, which is `now` today; `ends`: an end of life before then, or empty."""
    waiver = waiver_of(now, waivers)
    if now.mode is Mode.WARN and now.enforce_from > ends:
        return f"the rule blocks from {now.enforce_from}"
    if waiver is not None and waiver.until.isoformat() >= ends:
        return f"the waiver of {waiver.owner} ends on {waiver.until.isoformat()}"
    if ends:
        return f"its base reaches its end of life on {ends}"
    return "it blocks today already: the next Release is refused"
