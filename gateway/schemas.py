"""The JSON that goes in and out: the one source of validation, answers and /openapi.json."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pipelines.apps import NAME_PATTERN, RELEASE_ID_PATTERN
from pipelines.catalogue import Holds
from pipelines.findings import Finding, Mode, Severity
from pipelines.forecast import Beginning
from pipelines.states import ReleaseKind, ReleaseState, StageName, StageState

LARGEST_ID = 2**63 - 1

Name = Annotated[str, StringConstraints(pattern=f"^{NAME_PATTERN}$")]
Plain = r"^[^\x00-\x1f\x7f]*$"


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Query(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Output(BaseModel):
    model_config = ConfigDict(frozen=True)


class ReleaseRequest(_Input):
    """What to put where."""

    app: Name = Field(description="A registered App.")
    environment: Name = Field(description="A registered Environment.")
    ref: str = Field(
        min_length=1,
        max_length=255,
        description="A branch, tag or commit of the App's repository.",
        examples=["main"],
    )
    dry_run: bool = Field(default=False, description="Check and show the changes, and change nothing.")
    chart_version: str | None = Field(
        default=None,
        min_length=1,
        max_length=60,
        pattern=Plain,
        description="A version or channel of the standard chart, in place of the pinned one; with `dry_run` only.",
        examples=["next"],
    )
    wait_for: float = Field(
        default=0,
        ge=0,
        le=60,
        allow_inf_nan=False,
        description="Seconds to hold the answer until the Release is final: then it is 200, with all of it.",
    )


class RollbackRequest(_Input):
    """Where to go back to, and why."""

    revision: int | None = Field(
        default=None,
        ge=1,
        le=2**31 - 1,
        description="Helm's number of a revision; without it the last good one.",
    )
    reason: str = Field(
        min_length=1,
        max_length=500,
        pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$",
        description="Why, in one line: stands in the history.",
    )


class ReleasePath(BaseModel):
    """The address of one Release."""

    release_id: str = Field(description="The Release's id.", json_schema_extra={"pattern": f"^{RELEASE_ID_PATTERN}$"})


class AppPath(BaseModel):
    """The address of one App."""

    app: str = Field(description="The App's name.")


class EnvironmentPath(BaseModel):
    """The address of one App in one Environment."""

    app: str = Field(description="The App's name.")
    environment: str = Field(description="The Environment's name.")


class IdempotencyHeader(BaseModel):
    """Makes a POST safe to repeat."""

    idempotency_key: str | None = Field(
        default=None,
        alias="Idempotency-Key",
        min_length=1,
        max_length=128,
        pattern=r"^[!-~]+$",
        description="The same key with the same body gives the same Release; with another body it is 409.",
    )


class ResumeHeader(BaseModel):
    """Where an interrupted stream goes on."""

    last_event_id: int | None = Field(
        default=None,
        alias="Last-Event-ID",
        ge=0,
        le=LARGEST_ID,
        description="The id of the last event seen; goes before `after`.",
    )


class EventsQuery(_Query):
    """Where a stream starts."""

    after: int = Field(default=0, ge=0, le=LARGEST_ID, description="Only events with a larger id.")


class PageQuery(_Query):
    """Which part of a list."""

    limit: int = Field(default=50, ge=1, le=200, description="At most so many items.")
    cursor: str | None = Field(
        default=None, min_length=1, max_length=200, description="`next_cursor` of the page before."
    )


class ReleasesQuery(PageQuery):
    """Which Releases; all conditions must hold."""

    app: Name | None = Field(default=None, description="Of this App.")
    environment: Name | None = Field(default=None, description="In this Environment.")
    state: ReleaseState | None = Field(default=None, description="In this state.")
    team: Name | None = Field(default=None, description="Of this team's Apps.")
    commit: str | None = Field(default=None, pattern=r"^[0-9a-f]{40}$", description="Of this commit, in full.")


class Links(_Output):
    """Where to go from here; paths on the same host."""

    self: str = Field(description="This Release.")
    events: str = Field(description="Its events.")


class ReleaseView(_Output):
    """One request to put one Git commit of an App into one Environment, and what came of it."""

    id: str = Field(description="The Release's id; ids sort by time.")
    kind: ReleaseKind = Field(description="A new commit, or a way back.")
    app: str = Field(description="The App.")
    environment: str = Field(description="The Environment.")
    team: str = Field(description="The App's owner.")
    cluster: str = Field(description="The cluster it goes to.")
    namespace: str = Field(description="The namespace it goes to.")
    ref: str = Field(description="What was asked for.")
    commit: str | None = Field(description="The full SHA that `ref` meant, once it is known.")
    commit_subject: str = Field(description="The first line of the commit's message.")
    dry_run: bool = Field(description="Whether nothing is changed.")
    chart_version: str | None = Field(description="The chart that was asked for in place of the pinned one.")
    chart: str | None = Field(description="Name and version of the chart that rendered it, once one has.")
    state: ReleaseState = Field(description="Where it stands.")
    final: bool = Field(description="Whether `state` is final.")
    code: str | None = Field(description="The code of what went wrong; see docs/reference/errors.md.")
    message: str = Field(description="What `state` means here, in a sentence.")
    requested_by: str = Field(description="The name of the token that asked.")
    reason: str = Field(description="Why, where a reason was given.")
    bundle: str | None = Field(description="The sha256 of what is rolled out, once it is frozen.")
    revision: int | None = Field(description="Helm's number for it, once it is in the cluster.")
    rollback_of: str | None = Field(description="The Release that a rollback puts back.")
    superseded_by: str | None = Field(description="The newer Release that replaced it before it began.")
    created_at: datetime = Field(description="When it was accepted.")
    updated_at: datetime = Field(description="When it last moved.")
    finished_at: datetime | None = Field(description="When it became final.")
    links: Links = Field(description="Where to go from here.")


class StageView(_Output):
    """How one stage went."""

    name: StageName = Field(description="The stage.")
    state: StageState = Field(description="How it stands.")
    started_at: datetime = Field(description="When it began.")
    finished_at: datetime | None = Field(description="When it ended.")
    seconds: float | None = Field(description="How long it took.")
    detail: str = Field(description="One line of what came of it.")


class FindingView(_Output):
    """One thing a check has to say."""

    rule: str = Field(description="The rule's id.")
    severity: Severity = Field(description="How bad it is.")
    mode: Mode = Field(description="How it counts here.")
    blocks: bool = Field(description="Whether it stops the Release.")
    resource: str = Field(description="`Kind/name`.")
    field: str = Field(description="The path of the field; empty: the whole object.")
    source: str = Field(description="The place to edit; empty when unknown.")
    what: str = Field(description="What is wrong.")
    why: str = Field(description="Why it matters.")
    how: str = Field(description="What to write instead.")
    link: str = Field(description="Where to read more.")
    found_by: str = Field(description="The check that says so.")
    waiver: str = Field(description="Who answers for an exception to it, until when and why; empty: there is none.")
    enforce_from: str = Field(description="The first day, in UTC, on which a warning blocks; empty: none is known.")
    also_found_by: list[str] = Field(default=[], description="The rules that say the same of the same field.")
    values_hint: str = Field(
        default="", description="YAML for the values of a third-party chart that ends it; empty: it was not looked for."
    )
    end_of_life: str = Field(
        default="", description="The day, in UTC, from which `base-image-end-of-life` says it instead; empty: none."
    )
    own_mode: str = Field(
        default="", description="The mode that the check gave it, of which `mode` is made; empty: not written down."
    )


def finding_view(finding: Finding) -> FindingView:
    """`finding` as JSON."""
    return FindingView(**finding.to_json(), blocks=finding.blocks)


class ChangeView(_Output):
    """How one object changes."""

    resource: str = Field(description="`Kind/name`.")
    action: str = Field(description="create, update, delete or none.")
    diff: str = Field(description="A unified diff; secrets are masked.")


class ReleaseDetail(ReleaseView):
    """A Release with its stages, findings and changes."""

    stages: list[StageView] = Field(description="The stages so far, in order.")
    findings: list[FindingView] = Field(description="What the checks have to say.")
    changes: list[ChangeView] = Field(description="What changes in the cluster.")


class ReleasePage(_Output):
    """A part of a list of Releases, newest first."""

    items: list[ReleaseView] = Field(description="The Releases.")
    next_cursor: str | None = Field(description="Pass as `cursor` for the next page; null: there is none.")


class BeginningView(_Output):
    """A rule that blocks the next Release, now or from a day on, by what was found in what runs."""

    rule: str = Field(description="The rule.")
    day: date = Field(description="The first day, in UTC, on which it blocks; today, where it does already.")
    days_left: int = Field(description="Whole days until then; 0: the next Release is refused.")
    resources: list[str] = Field(description="What it was found in, as `Kind/name`.")
    because: str = Field(description="Why it blocks then, in one line.")


def beginning_view(beginning: Beginning, today: date) -> BeginningView:
    """`beginning`, seen on `today`."""
    return BeginningView(
        rule=beginning.rule,
        day=beginning.day,
        days_left=(beginning.day - today).days,
        resources=list(beginning.resources),
        because=beginning.because,
    )


class AppEnvironmentView(_Output):
    """One App in one Environment."""

    name: str = Field(description="The Environment.")
    cluster: str = Field(description="Its cluster.")
    namespace: str = Field(description="The App's namespace there.")
    running: ReleaseView | None = Field(description="The Release that runs.")
    latest: ReleaseView | None = Field(description="The newest Release, whatever came of it.")
    beginning: list[BeginningView] = Field(
        description="What would refuse the next Release, now or from a day on, if it were as what runs."
    )


class AppEnvironmentDetail(AppEnvironmentView):
    """One App in one Environment, with its history."""

    rollback_to: ReleaseView | None = Field(
        description="What a rollback without `revision` would put back; null: there is nothing to go back to."
    )
    history: list[ReleaseView] = Field(description="The newest Releases, newest first.")


class AppView(_Output):
    """Something registered to be deployed."""

    name: str = Field(description="The App's name.")
    team: str = Field(description="Its owner.")
    repository: str = Field(description="Where it comes from.")
    environments: list[AppEnvironmentView] = Field(description="Where it can go, and what runs there.")


class AppPage(_Output):
    """A part of the list of Apps, by name."""

    items: list[AppView] = Field(description="The Apps.")
    next_cursor: str | None = Field(description="Pass as `cursor` for the next page; null: there is none.")


class PolicyPath(BaseModel):
    """The address of one rule."""

    rule: str = Field(description="The rule's id.")


class PolicyView(_Output):
    """One rule: something that a check can find."""

    id: str = Field(description="The rule's id, as findings name it.")
    severity: Severity = Field(description="How bad it is.")
    title: str = Field(description="What it wants.")
    why: str = Field(description="Why it matters.")
    how: str = Field(description="What to write instead, ready to paste.")
    link: str = Field(description="Where to read more.")
    since: str = Field(description="The version that brought it.")
    holds: Holds = Field(description="Where it is held.")
    mode: Mode = Field(description="How it counts where the platform says nothing else.")
    found_by: str = Field(description="The check that looks.")
    same_as: list[str] = Field(description="The rules of ours that mean the same, and decide whether it blocks.")


class PolicyList(_Output):
    """The catalogue of rules."""

    items: list[PolicyView] = Field(description="The rules, grouped by where they hold, then by id.")


class Fault(_Output):
    """One of several things that are wrong."""

    where: str = Field(description="The field.")
    reason: str = Field(description="What is wrong with it.")
    solution: str = Field(description="What to write instead.")


class Problem(_Output):
    """An error (RFC 9457)."""

    type: str = Field(description="Names the kind of error; ends in `code`.")
    title: str = Field(description="The kind of error, in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong here.")
    code: str = Field(description="Stable; see docs/reference/errors.md.")
    solution: str = Field(description="What to do.")
    instance: str = Field(description="The path that was asked.")
    where: str | None = Field(default=None, description="The field, where it is one.")
    permission: str | None = Field(default=None, description="The permission that is missing.")
    roles: list[str] | None = Field(default=None, description="The roles that have it.")
    errors: list[Fault] | None = Field(default=None, description="Each single fault, where there can be several.")


class Alive(_Output):
    """The process answers."""

    status: str = Field(description="Always `alive`.")


class Part(_Output):
    """One thing the gateway needs."""

    name: str = Field(description="store or queue.")
    state: str = Field(description="ok or unreachable.")
    needed: bool = Field(description="Whether the gateway is not ready without it.")


class Readiness(_Output):
    """Whether requests can be served."""

    status: str = Field(description="ready, degraded (ready, and something is missing) or not-ready.")
    parts: list[Part] = Field(description="Each part and its state.")


def error_schema() -> dict[str, Any]:
    """A reference to Problem, as OpenAPI writes it."""
    return {"$ref": "#/components/schemas/Problem"}
