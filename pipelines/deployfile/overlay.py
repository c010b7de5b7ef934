"""What `deploy.yaml` says for one Environment, laid over what it says for all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.deployfile.parts import FileSource
from pipelines.deployfile.schema import DeployFile, Overlay

_MERGED = ("env", "files", "external_secrets")
_INSTEAD = {"replicas": "autoscale", "autoscale": "replicas"}


def overlaid(file: DeployFile, environment: str) -> DeployFile:
    """`file` with what it says for `environment` laid over it: some keys entry by entry, the rest replaced."""
    overlay = file.environments.get(environment)
    return file if overlay is None else file.model_copy(update=_changes(file, overlay))


def _changes(file: DeployFile, overlay: Overlay) -> dict[str, Any]:
    given = {key: getattr(overlay, key) for key in overlay.model_fields_set if getattr(overlay, key) is not None}
    merged = {key: {**getattr(file, key), **value} for key, value in given.items() if key in _MERGED}
    instead = {other: None for key, other in _INSTEAD.items() if key in given and other not in given}
    if "values" in given:
        merged["values"] = with_values(file.values, given["values"])
    return {**given, **instead, **merged}


def with_values(values: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid over `values` as Helm does it: mappings key by key, everything else replaced."""
    merged = dict(values)
    for key, value in over.items():
        known = merged.get(key)
        is_deeper = isinstance(known, Mapping) and isinstance(value, Mapping)
        merged[key] = with_values(known or {}, value) if is_deeper else value
    return merged


def repository_files(file: DeployFile) -> frozenset[str]:
    """The paths in the repository of what `files` takes from there, in any Environment."""
    everywhere = (file.files, *(overlay.files or {} for overlay in file.environments.values()))
    contents = [content for files in everywhere for content in files.values()]
    return frozenset(one.file for one in contents if isinstance(one, FileSource) and one.file is not None)
