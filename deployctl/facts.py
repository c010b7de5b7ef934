"""What is known of a cluster on this machine: a file, or what an earlier answer of the gateway left in the cache."""

from __future__ import annotations

import json
from pathlib import Path

from pipelines.adapters.programs import cache_dir
from pipelines.errors import InvalidInput
from pipelines.ports import ClusterFacts


def facts_path(cluster: str) -> Path:
    """Where the facts of `cluster` are kept between calls."""
    return cache_dir() / "facts" / f"{cluster}.json"


def read_facts(path: Path) -> ClusterFacts:
    """The facts in the JSON file at `path`: `kubernetes_version`, `api_versions`, `schemas`. Raises `InvalidInput`."""
    try:
        document = json.loads(path.read_bytes())
        version, versions, schemas = (document[key] for key in ("kubernetes_version", "api_versions", "schemas"))
        if not (isinstance(version, str) and isinstance(versions, list) and isinstance(schemas, dict) and schemas):
            raise ValueError("kubernetes_version is a text, api_versions a list, schemas a mapping that is not empty")
    except OSError as error:
        raise InvalidInput(f"the facts can't be read: {error.strerror}", "Name a file", where=str(path)) from error
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidInput(
            f"these are no facts of a cluster: {error}",
            "Take the file as the gateway gives it: kubernetes_version, api_versions and schemas",
            where=str(path),
        ) from error
    return ClusterFacts(version, tuple(map(str, versions)), schemas)
