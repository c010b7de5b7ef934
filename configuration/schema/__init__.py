"""The shape of `gateway.yaml`: a closed schema, so that a misspelt key is an error and not a default."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from configuration.schema.apps import AppEntry, TeamEntry
from configuration.schema.bounds import BackstopSection, GitSection, LimitsSection
from configuration.schema.clusters import ClusterEntry
from configuration.schema.environments import EnvironmentEntry
from configuration.schema.identity import IssuerEntry, SignInSection, TokenEntry
from configuration.schema.images import BaseImagesSection, ChartRepositoryEntry, Images, SignaturesSection
from configuration.schema.section import Section
from configuration.schema.texts import ONE_LINE, Name, Url
from configuration.schema.webhooks import WebhookEntry


class Connection(Section):
    """Where to connect."""

    url: str = Field(
        min_length=1,
        description="The address, or `env:NAME` or `file:PATH` to read it from there. "
        "One with a password is only taken by reference.",
    )


class GatewayFile(Section):
    """`gateway.yaml`: all that a gateway, its workers and its reconciler are told."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, title="gateway.yaml")

    apiVersion: Literal["deploy-gateway/v1"] = Field(description="The version of this format.")
    public_url: Url = Field(description="Where people and CI systems reach the gateway.")
    contact: str = Field(
        default="",
        max_length=200,
        pattern=ONE_LINE,
        description="Where people reach the platform team, such as `#platform`: told to whoever lacks a permission.",
    )
    store: Connection = Field(description="The database: `postgresql://…`, or `sqlite:///PATH`.")
    queue: Connection = Field(description="Redis: `redis://…`, `rediss://…` or `unix://PATH`.")
    work_dir: str = Field(default="state/work", min_length=1, description="Scratch space of the workers.")
    charts: str | None = Field(
        default=None,
        min_length=1,
        description="The folder of the standard chart's versions (`VERSION/Chart.yaml`) and of `channels.yaml` "
        "(`CHANNEL: VERSION`); without it the one that ships with the package.",
    )
    clusters: dict[Name, ClusterEntry] = Field(min_length=1, description="Every cluster, by name.")
    environments: dict[Name, EnvironmentEntry] = Field(min_length=1, description="Every Environment, by name.")
    teams: dict[Name, TeamEntry] = Field(default_factory=dict, description="Every team, by name.")
    apps: dict[Name, AppEntry] = Field(default_factory=dict, description="Every App, by name.")
    tokens: list[TokenEntry] = Field(default_factory=list, description="Who may use the API.")
    webhooks: dict[Name, WebhookEntry] = Field(
        default_factory=dict, description="What forges announce, and what Releases that makes, by a name of yours."
    )
    issuers: dict[Name, IssuerEntry] = Field(
        default_factory=dict, description="Identity providers of CI systems, by name: their tokens are taken too."
    )
    sign_in: SignInSection | None = Field(
        default=None, description="The identity provider that people sign in at; without it, with a token only."
    )
    images: Images = Field(default_factory=Images, description="Where images may come from.")
    chart_repositories: list[ChartRepositoryEntry] = Field(
        default_factory=list, description="Where third-party charts may come from; without any, only from repositories."
    )
    base_images: BaseImagesSection | None = Field(
        default=None, description="What images may be built on; without it, no image is looked into."
    )
    signatures: SignaturesSection | None = Field(
        default=None, description="Who has to have signed images; without it, no signature is looked for."
    )
    git: GitSection = Field(default_factory=GitSection, description="Where repositories may be.")
    limits: LimitsSection = Field(default_factory=LimitsSection, description="Bounds on cost.")
    backstop: BackstopSection = Field(
        default_factory=BackstopSection, description="What holds in a cluster for everybody else."
    )
