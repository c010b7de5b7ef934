"""What each key allows, and all of them together do not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from pipelines.deployfile.overlay import overlaid
from pipelines.deployfile.schema import KEYS_REFUSED, DeployFile
from pipelines.errors import Fault
from pipelines.suggestions import did_you_mean

Line = Callable[..., str]
"""`file:line` of the key at a path."""


def contradictions(file: DeployFile, line: Line, app: str, environments: Collection[str]) -> list[Fault]:
    """One Fault for each thing in `file` that contradicts another, or the place where it is registered."""
    faults = list(_of_place(file, line, app, environments))
    if file.workload is not None:
        faults += _of_workload(file, line)
        for environment in ("", *file.environments):
            whole = overlaid(file, environment)
            at = ("environments", environment) if environment else ()
            faults += [fault for fault in _of_values(whole, line, at) if fault not in faults]
    return _once(faults)


def _of_place(file: DeployFile, line: Line, app: str, environments: Collection[str]) -> Iterator[Fault]:
    if file.app != app:
        reason = f"app is {file.app!r}, and this file is registered for {app!r}"
        yield Fault(line("app"), reason, f"Write app: {app}")
    for environment in file.environments:
        if environment not in environments:
            where = line("environments", environment)
            yield Fault(where, f"there is no Environment {environment!r}", did_you_mean(environment, environments))


def _of_workload(file: DeployFile, line: Line) -> Iterator[Fault]:
    refused = KEYS_REFUSED[file.workload or ""]
    for key in sorted(file.model_fields_set & refused.keys()):
        yield Fault(line(key), f"{key} is no key of a {file.workload}: {refused[key]}", "Leave it out")
    for environment, overlay in file.environments.items():
        for key in sorted(overlay.model_fields_set & refused.keys()):
            where = line("environments", environment, key)
            yield Fault(where, f"{key} is no key of a {file.workload}: {refused[key]}", "Leave it out")


def _of_values(file: DeployFile, line: Line, at: tuple[str, ...]) -> Iterator[Fault]:
    """`file` is what one Environment gets; `at` is where that stands."""
    if file.replicas is not None and file.autoscale is not None:
        reason = "replicas and autoscale say different things about one number"
        yield Fault(line(*at, "replicas"), reason, "Leave replicas out; autoscale has min and max")
    for index, volume in enumerate(file.volumes):
        if file.workload != "stateful" and not volume.shared:
            reason = f"the volume {volume.name} would be one pod's, and a {file.workload} replaces its pods"
            yield Fault(line(*at, "volumes", index), reason, "Write shared: true, or workload: stateful")
    yield from _of_ports(file, line)
    yield from _of_names(file, line, at)


def _of_ports(file: DeployFile, line: Line) -> Iterator[Fault]:
    if file.port is None:
        needing = {"ports": bool(file.ports), "health": _asks_a_port(file), "allow": bool(file.allow.from_)}
        needing["metrics"] = file.metrics is not None and file.metrics.port is None
        for key in (key for key, needs in needing.items() if needs):
            yield Fault(line(key), f"{key} needs the port that it is about", "Add port: 8080")
    taken = {file.port: "port"} if file.port else {}
    for index, extra in enumerate(file.ports):
        if extra.port in taken or extra.name in ("http", "grpc", "tcp", "metrics"):
            reason = f"the port {extra.port} or the name {extra.name!r} is taken"
            yield Fault(line("ports", index), reason, "Give it a number and a name of its own")
        taken[extra.port] = extra.name


def _asks_a_port(file: DeployFile) -> bool:
    return file.health is not None and any(
        isinstance(probe, str) for probe in (file.health.readiness, file.health.liveness)
    )


def _of_names(file: DeployFile, line: Line, at: tuple[str, ...]) -> Iterator[Fault]:
    """Names of containers and volumes, and paths, that stand there twice."""
    seen: dict[str, str] = {file.app: "app"}
    containers = [("init", index, one.name) for index, one in enumerate(file.init)]
    containers += [("sidecars", index, one.name) for index, one in enumerate(file.sidecars)]
    for key, index, name in containers:
        if name in seen:
            yield Fault(line(key, index), f"there is a container {name!r} already", "Give it another name")
        seen[name] = key
    names: set[str] = set()
    paths: dict[str, str] = {}
    for path, key in (*((path, "scratch") for path in file.scratch), *((path, "files") for path in file.files)):
        if path in paths:
            yield Fault(line(*at, key, path), f"{path} stands under {paths[path]} already", "Leave one out")
        paths[path] = key
    for index, volume in enumerate(file.volumes):
        if volume.name in names or volume.path in paths or volume.name in ("tmp", "files", "kubernetes-api"):
            reason = f"the name {volume.name!r} or the path {volume.path} is taken"
            yield Fault(line(*at, "volumes", index), reason, "Give it a name and a path of its own")
        names.add(volume.name)
        paths[volume.path] = "volumes"


def _once(faults: list[Fault]) -> list[Fault]:
    return list(dict.fromkeys(faults))
