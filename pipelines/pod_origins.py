"""Which key of `deploy.yaml` a field of a pod comes from: the App's own, a sidecar's, a step's beside the rollout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from pipelines.deployfile import DeployFile
from pipelines.deployfile.parts import Init, Migrate, Sidecar, Verify
from pipelines.yaml_nodes import Path

_POD: dict[str, Path] = {
    "terminationGracePeriodSeconds": ("stop", "seconds"),
    "securityContext": ("user",),
    "nodeSelector": ("placement",),
    "tolerations": ("placement",),
    "priorityClassName": ("placement",),
    "runtimeClassName": ("placement",),
}
_APP: dict[str, Path] = {
    "image": ("image",),
    "command": ("command",),
    "args": ("args",),
    "workingDir": ("working_dir",),
    "lifecycle": ("stop", "command"),
    "startupProbe": ("health", "start_seconds"),
    "readinessProbe": ("health", "readiness"),
    "livenessProbe": ("health", "liveness"),
    "securityContext": ("user",),
}
_RESOURCES = {
    ("requests", "cpu"): "cpu",
    ("limits", "cpu"): "cpu_limit",
    ("requests", "memory"): "memory",
    ("limits", "memory"): "memory",
    ("requests", "ephemeral-storage"): "disk",
    ("limits", "ephemeral-storage"): "disk",
    ("requests", "nvidia"): "gpu",  # of nvidia.com/gpu: a field's text is taken apart at its dots
    ("limits", "nvidia"): "gpu",
}
# What the check by an HTTP path is told, beside what a team gives it.
_ASKED: dict[str, Path] = {"URL": ("verify", "path"), "STATUS": ("verify", "status")}
_Part = Init | Sidecar | Migrate | Verify


def place_of(places: Sequence[Path], field: Path, key: str) -> Path | None:
    """Of `places`, as they were rendered into the list `key`, the one that `field` is in; None without one."""
    index = next((after for before, after in pairwise(field) if before == key), None)
    return places[index] if isinstance(index, int) and index < len(places) else None


def ports(file: DeployFile) -> list[Path]:
    """Where the ports of its Service come from, in their order."""
    first: list[Path] = [("port",)] if file.port is not None else []
    return [*first, *(("ports", at) for at in range(len(file.ports)))]


def of_pod(field: Path, file: DeployFile, step: str | None) -> Path:
    """The path of what `field`, of a pod's spec, comes from; `step` is `migrate` or `verify` for the pods of those."""
    key, index = (*field, None, None)[:2]
    if key == "volumes":
        return place_of(_volumes(file), field, "volumes") or ()
    if isinstance(index, int) and key in ("containers", "initContainers"):
        return of_container(field[2:], file, *_container(str(key), index, file, step))
    return _POD.get(str(key), ())


def _container(key: str, index: int, file: DeployFile, step: str | None) -> tuple[Path, _Part | None]:
    """Where the container stands, and what stands there; nothing for the App's own."""
    if step is not None:
        return (step,), file.migrate if step == "migrate" else file.verify
    if key == "initContainers" and index < len(file.init):
        return ("init", index), file.init[index]
    if key == "containers" and 0 < index <= len(file.sidecars):
        return ("sidecars", index - 1), file.sidecars[index - 1]
    return (), None


def of_container(field: Path, file: DeployFile, base: Path, part: _Part | None) -> Path:
    """The path of what `field` of one container comes from."""
    key = str(field[0]) if field else ""
    if key == "resources":
        return _resources(field[1:], base if isinstance(part, Sidecar) else ())
    if key == "securityContext":
        return ("user",)
    if key == "env":
        return place_of(_variables(file, base, part), field, "env") or (*base, "env")
    if key == "envFrom":
        return place_of([("env_from", at) for at in range(len(file.env_from))], field, "envFrom") or ("env_from",)
    if key == "volumeMounts":
        return base if _stands_apart(part) else place_of(_mounts(file), field, "volumeMounts") or base
    if part is not None:
        has = getattr(part, key, None) is not None
        return (*base, key) if has else ("image",) if key == "image" and not _stands_apart(part) else base
    if key == "ports":
        return place_of([*ports(file), ("metrics", "port")], field, "ports") or ("port",)
    return _APP.get(key, ())


def _stands_apart(part: _Part | None) -> bool:
    """Whether it has nothing of the App's: a sidecar, and the check by an HTTP path."""
    return isinstance(part, Sidecar) or (isinstance(part, Verify) and part.path is not None)


def _resources(field: Path, base: Path) -> Path:
    key = _RESOURCES.get((str(field[0]), str(field[1]))) if len(field) > 1 else None
    return (*base, "resources", key) if key else (*base, "resources")


def _variables(file: DeployFile, base: Path, part: _Part | None) -> list[Path]:
    """In the order of their names, as they are rendered."""
    own: Mapping[str, object] = {} if part is None or isinstance(part, Init) else part.env
    places: dict[str, Path] = {} if _stands_apart(part) else {name: ("env", name) for name in file.env}
    places |= {name: (*base, "env", name) for name in own}
    if isinstance(part, Verify) and part.path is not None:
        places |= _ASKED
    return [places[name] for name in sorted(places)]


def _mounts(file: DeployFile) -> list[Path]:
    tmp: list[Path] = [] if "/tmp" in file.scratch else [("scratch",)]  # noqa: S108 (a path in the container)
    return [
        *tmp,
        *(("scratch", path) for path in sorted(file.scratch)),
        *(("files", path) for path in sorted(file.files)),
        *(("volumes", at) for at in range(len(file.volumes))),
        ("kubernetes_api",),
    ]


def _volumes(file: DeployFile) -> list[Path]:
    of_pod_itself = [
        at
        for at, one in enumerate(file.volumes)
        if one.existing is not None or one.shared or file.workload != "stateful"
    ]
    files: list[Path] = [("files",)] if file.files else []
    return [
        ("scratch",),
        *(("scratch", path) for path in sorted(file.scratch)),
        *files,
        *(("volumes", at) for at in of_pod_itself),
        ("kubernetes_api",),
    ]
