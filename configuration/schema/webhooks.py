"""`webhooks`: what forges may announce, and what comes of it."""

from __future__ import annotations

from pydantic import Field

from configuration.schema.section import Section
from configuration.schema.texts import Name, RefPattern, SecretReference
from configuration.webhooks import Forge

_PATTERN = "`*` is any text without a slash, `**` any text."


class ReleaseRuleEntry(Section):
    """What is announced, and where it goes."""

    branch: RefPattern | None = Field(default=None, description=f"A push to a branch that fits. {_PATTERN}")
    tag: RefPattern | None = Field(default=None, description=f"A tag that fits, new or moved. {_PATTERN}")
    merged_into: RefPattern | None = Field(
        default=None,
        description="A merged pull or merge request whose target branch fits. The merge is a push too: write this or "
        "`branch`, and not both.",
    )
    environment: Name = Field(description="One of `environments`.")
    apps: list[Name] = Field(default_factory=list, description="For these Apps only; without any, for all.")


class WebhookEntry(Section):
    """A sender of webhooks: a repository, group or organisation of a forge, known by its secret."""

    forge: Forge = Field(strict=False, description="What kind it is; decides how it signs.")
    secrets: list[SecretReference] = Field(
        min_length=1,
        max_length=2,
        description="`env:NAME` or `file:PATH`, at least 16 characters each, read by the gateway only and at each "
        "delivery. Two while one takes the other's place. For GitLab a signing token (`whsec_…`) or a secret token.",
    )
    teams: list[Name] = Field(default_factory=list, description="Whose Apps it may announce.")
    apps: list[Name] = Field(default_factory=list, description="Single Apps that it may announce.")
    per_minute: int = Field(default=600, ge=1, le=100_000, description="How many deliveries a minute are taken.")
    releases: list[ReleaseRuleEntry] = Field(
        min_length=1, description="Every rule that fits counts; one Release for an App and Environment."
    )
