"""What is known of a cluster on this machine: a file, or what `deployctl cluster facts` keeps of the gateway."""

from __future__ import annotations

import json
import os
from pathlib import Path

from pipelines.adapters.programs import cache_dir
from pipelines.errors import InvalidInput
from pipelines.ports import ClusterFacts


def facts_path(cluster: str) -> Path:
    """Where the facts of `cluster` are kept between calls."""
    return cache_dir() / "facts" / f"{cluster}.json"


def keep_facts(cluster: str, content: bytes) -> Path:
    """Keeps `content`, facts as the gateway gave them, for the next calls. Raises `InvalidInput` for what is none."""
    path = facts_path(cluster)
    facts_in(content, str(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f"{path.name}.{os.getpid()}")
        new.write_bytes(content)
        new.replace(path)  # whoever reads meanwhile has the one or the other whole
    except OSError as error:
        reason = f"the facts can't be kept: {error.strerror}"
        raise InvalidInput(reason, "Name a file with -o FILE", where=str(path)) from error
    return path


def read_facts(path: Path) -> ClusterFacts:
    """The facts in the JSON file at `path`: `kubernetes_version`, `api_versions`, `schemas`. Raises `InvalidInput`."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"the facts can't be read: {error.strerror}", "Name a file", where=str(path)) from error
    return facts_in(content, str(path))


def facts_in(content: bytes, where: str) -> ClusterFacts:
    """The facts in `content`, JSON from the file or address `where`. Raises `InvalidInput`."""
    try:
        document = json.loads(content)
        version, versions, schemas = (document[key] for key in ("kubernetes_version", "api_versions", "schemas"))
        if not (isinstance(version, str) and isinstance(versions, list) and isinstance(schemas, dict) and schemas):
            raise ValueError("kubernetes_version is a text, api_versions a list, schemas a mapping that is not empty")
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidInput(
            f"these are no facts of a cluster: {error}",
            "Take it from the gateway: deployctl cluster facts CLUSTER -o FILE",
            where=where,
        ) from error
    return ClusterFacts(version, tuple(map(str, versions)), schemas)
