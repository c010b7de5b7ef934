"""The values that `webhooks` of `gateway.yaml` becomes: who may announce pushes, and what Releases they make."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from configuration.references import Reference


class Forge(StrEnum):
    """A kind of Git server whose webhooks are understood."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"
    BITBUCKET = "bitbucket"


class Cause(StrEnum):
    """What a forge announces that can make a Release; as the key of a rule says it."""

    BRANCH = "branch"
    TAG = "tag"
    MERGED_INTO = "merged_into"


@dataclass(frozen=True, slots=True)
class ReleaseRule:
    """What is announced of branches or tags that fit `pattern` goes to `environment`; for `apps` only, if any."""

    cause: Cause
    pattern: str
    environment: str
    apps: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Webhook:
    """A sender of a forge, known by its one or two secrets. It may announce what is in `apps`, or of `teams`."""

    name: str
    forge: Forge
    secrets: tuple[Reference, ...]
    teams: frozenset[str]
    apps: frozenset[str]
    per_minute: int
    rules: tuple[ReleaseRule, ...]
