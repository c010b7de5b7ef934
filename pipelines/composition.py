"""The checks that every source goes through, put together once: a laptop and the check zone can't differ."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pipelines.adapters.cel import CelRules
from pipelines.adapters.kube_score import KubeScore
from pipelines.adapters.schemas import Schemas
from pipelines.api_versions import ApiVersions
from pipelines.grants import Grants
from pipelines.ports import Check
from pipelines.relations import Relations
from pipelines.rules import Rule


def lint_checks(kube_score: Path, schemas: Schemas | None) -> tuple[Check, ...]:
    """Is it sound. `kube_score` is the program; `schemas` is None where no cluster has told what it knows."""
    return (*([schemas] if schemas else []), KubeScore(kube_score))


def policy_checks(rules: Iterable[Rule], *more: Check, prepared: bool = True) -> tuple[Check, ...]:
    """Is it allowed: `rules`, what is decided in Python, and `more`, which only some places can do.

    The rules are compiled here, or, where not `prepared`, those that are needed when they are.
    """
    return (CelRules(tuple(rules), prepared=prepared), ApiVersions(), Grants(), Relations(), *more)
