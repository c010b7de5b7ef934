"""`teams` and `apps`: what is deployed, and whose it is."""

from __future__ import annotations

from pydantic import Field

from configuration.schema.rules import RuleSettingEntry
from configuration.schema.section import Section
from configuration.schema.texts import Chart, CloudIdentity, Name, PathInRepository, PathPattern, RuleName, Url


class TeamEntry(Section):
    """A team."""


class AppEntry(Section):
    """Something registered to be deployed."""

    team: Name = Field(description="The owner: one of `teams`.")
    repository: Url = Field(description="The one address it is ever checked out from.")
    deploy_file: PathInRepository = Field(
        default="deploy.yaml",
        min_length=1,
        max_length=200,
        description="Where its deploy.yaml is in the repository.",
    )
    paths: list[PathPattern] = Field(
        default_factory=list,
        description="For a push that a webhook announces: the App is released when a file there changed. Paths, which "
        "hold what is below them, with `*` and `**`; by default the folder of `deploy_file`, or everything.",
    )
    chart: Chart | None = Field(
        default=None,
        description="A version or channel of the standard chart, for this App in place of its Environment's.",
    )
    rules: dict[Name, dict[RuleName, RuleSettingEntry]] = Field(
        default_factory=dict,
        description="Environment → the mode of single rules there, for this App alone. `warn` needs `enforce_from`: an "
        "exception without a day is a waiver, see `deployctl waiver`.",
    )
    cloud_identities: dict[Name, CloudIdentity] = Field(
        default_factory=dict,
        description="Environment → who it is for that cloud: role, account or client id.",
    )
