"""What the standard chart is told of an App: `deploy.yaml`, what the platform set, and what both were resolved to.

A key that says nothing new is left out, so that a chart which does not know it yet can render what it does know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from pipelines.apps import IngressKind, Mesh
from pipelines.deployfile.parts import EnvReference, FileSource, JobRun, Scratch, Stop
from pipelines.deployfile.schema import DeployFile
from pipelines.deployfile.texts import bytes_of
from pipelines.errors import InvalidDeployFile
from pipelines.findings import Mode
from pipelines.place import Place
from pipelines.stages.checkout import Source
from pipelines.suggestions import did_you_mean
from pipelines.yaml_nodes import Path

_MIB = 2**20
_DISK_MIB = 192
_TMP_MIB = 64
_FIELDS = {
    "name": "metadata.name",
    "namespace": "metadata.namespace",
    "uid": "metadata.uid",
    "ip": "status.podIP",
    "node": "spec.nodeName",
}
_RESOURCES = {
    "cpu": ("requests.cpu", "1m"),
    "memory": ("requests.memory", "1"),
    "cpu_limit": ("limits.cpu", "1m"),
    "memory_limit": ("limits.memory", "1"),
}
# Asks from inside the mesh, as any caller would; again while the App's addresses are not known everywhere.
_ASK = (
    'code=$(curl --silent --show-error --output /tmp/answer --write-out "%{http_code}" --max-time 5 '
    '--retry 5 --retry-delay 1 --retry-connrefused "$URL") || exit 1; '
    'echo "GET $URL: $code, and $STATUS is wanted"; [ "$code" = "$STATUS" ]'
)


def images_of(file: DeployFile, place: Place) -> tuple[str, ...]:
    """Every image that `file` runs in `place`, as written. Raises `InvalidDeployFile`."""
    steps = [step for step in (*file.init, *file.sidecars, file.migrate, file.verify) if step is not None]
    written = [file.image, *(step.image for step in steps)]
    return tuple(image for image in (*written, _smoke_image(file, place)) if image is not None)


def image_key(file: DeployFile, image: str) -> Path:
    """The path of the key that `image` is written at; `verify.path` for the platform's own."""
    steps = {"migrate": file.migrate, "verify": file.verify}
    written: list[tuple[Path, str | None]] = [
        (("image",), file.image),
        *((("init", at, "image"), one.image) for at, one in enumerate(file.init)),
        *((("sidecars", at, "image"), one.image) for at, one in enumerate(file.sidecars)),
        *(((key, "image"), step.image) for key, step in steps.items() if step is not None),
    ]
    return next((path for path, one in written if one == image), ("verify", "path"))


def _smoke_image(file: DeployFile, place: Place) -> str | None:
    if file.verify is None or file.verify.path is None:
        return None
    if place.smoke_image is None:
        raise InvalidDeployFile(
            "verify.path needs an image that can ask, and this gateway has none",
            "Write `command` in place of `path`, or have the platform set images.smoke in gateway.yaml",
            where="verify",
        )
    return place.smoke_image


def chart_values(file: DeployFile, source: Source, place: Place, images: Mapping[str, str]) -> dict[str, Any]:
    """The values for `file`, the overlay of this Environment laid over it; `images` maps written to resolved.

    Raises `InvalidDeployFile`, with its line, for what this Environment has not.
    """
    values = {
        **_who(file, source, place),
        **_containers(file, source, images),
        **_data(file, source),
        **_scale(file, source, place),
        **_steps(file, place, images),
        **_network(file, source, place),
        **_observed(file, place),
        **_platform(file, source, place),
    }
    return {key: value for key, value in values.items() if value is not None}


def _who(file: DeployFile, source: Source, place: Place) -> dict[str, Any]:
    return {
        "app": place.app.name,
        "team": place.app.team,
        "environment": place.environment.name,
        "commit": source.checkout.commit,
        "workload": file.workload,
        "cron": _whole(file.cron) if file.cron else None,
        "job": _whole(file.job or JobRun()) if file.workload == "job" else None,
    }


def _containers(file: DeployFile, source: Source, images: Mapping[str, str]) -> dict[str, Any]:
    if file.image is None or file.resources is None:
        raise AssertionError("the schema of deploy.yaml lets no workload without these through")
    return {
        "image": images[file.image],
        "command": _listed(file.command),
        "args": _listed(file.args),
        "workingDir": file.working_dir,
        "user": file.user if file.user != DeployFile.model_fields["user"].default else None,
        "health": _given(file.health) if file.health else None,
        "resources": _resources(file.resources),
        "disk": _disk(file),
        "stop": _whole(file.stop) if file.stop != Stop() else None,
        "update": _given(file.update) or None,
        "init": _many(
            {"name": one.name, "image": images[one.image or file.image], "command": list(one.command)}
            for one in file.init
        ),
        "sidecars": _many(
            {
                "name": one.name,
                "image": images[one.image],
                "resources": _resources(one.resources),
                **_present(command=_listed(one.command), args=_listed(one.args), env=_env(one.env) or None),
            }
            for one in file.sidecars
        ),
    }


def _resources(resources: BaseModel) -> dict[str, Any]:
    return resources.model_dump(by_alias=True, exclude_none=True, exclude={"disk"})


def _disk(file: DeployFile) -> str | None:
    """The limit of ephemeral storage: scratch counts towards it, and a pod above it is evicted."""
    own = file.resources.disk if file.resources else None
    if own is None and not file.scratch:
        return None
    scratch = sum(bytes_of(one["size"]) for one in _scratch(file) if not one.get("memory"))
    base = bytes_of(own) if own else _DISK_MIB * _MIB
    tmp = 0 if "/tmp" in file.scratch else _TMP_MIB * _MIB  # noqa: S108 (a path in the container)
    return f"{(base + scratch + tmp) // _MIB}Mi"


def _scratch(file: DeployFile) -> list[dict[str, Any]]:
    return [
        {"path": path, **(_given(one) if isinstance(one, Scratch) else {"size": one})}
        for path, one in sorted(file.scratch.items())
    ]


def _data(file: DeployFile, source: Source) -> dict[str, Any]:
    return {
        "env": _env(file.env),
        "envFrom": _many(_given(one) for one in file.env_from),
        "files": _many(_file(path, one, source) for path, one in sorted(file.files.items())),
        "scratch": _many(iter(_scratch(file))),
        "volumes": _many(_given(one) for one in file.volumes),
        "externalSecrets": _many({"name": name, **_whole(one)} for name, one in sorted(file.external_secrets.items())),
        "kubernetesApi": _many(
            {"group": one.group, "resources": list(one.resources), "verbs": list(one.verbs)}
            | ({"names": list(one.names)} if one.names else {})
            for one in file.kubernetes_api
        ),
    }


def _env(env: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _reference(value) if isinstance(value, EnvReference) else value for name, value in env.items()}


def _reference(value: EnvReference) -> dict[str, str]:
    if value.field is not None:
        return {"field": _FIELDS[value.field]}
    if value.resource is not None:
        resource, divisor = _RESOURCES[value.resource]
        return {"resource": resource, "divisor": divisor}
    return _whole(value)


def _file(path: str, content: str | FileSource, source: Source) -> dict[str, Any]:
    if isinstance(content, str):
        return {"path": path, "text": content}
    if content.file is None:
        return {"path": path, **_whole(content)}
    return {"path": path, "text": source.files[content.file]}


def _scale(file: DeployFile, source: Source, place: Place) -> dict[str, Any]:
    if file.workload in ("cronjob", "job"):
        return {}
    if file.autoscale is not None:
        _insist_on_two(file.autoscale.min, "autoscale.min", ("autoscale", "min"), file, source, place)
        return {"autoscale": _whole(file.autoscale)}
    default = 1 if file.workload == "stateful" else 2
    replicas = default if file.replicas is None else file.replicas
    _insist_on_two(replicas, "replicas", ("replicas",), file, source, place)
    return {"replicas": replicas}


def _insist_on_two(
    number: int, key: str, path: tuple[str, ...], file: DeployFile, source: Source, place: Place
) -> None:
    """One pod is an outage at each drain of its node. What keeps state may have to be alone."""
    if number >= 2 or file.workload == "stateful" or place.environment.mode is Mode.WARN:
        return
    raise InvalidDeployFile(
        f"{key} is {number}, and the Environment {place.environment.name} enforces at least 2:"
        " with one, each drain of its node is an outage",
        f"Write {key.rpartition('.')[2]}: 2; for something that may be there only once, use workload: stateful",
        where=_where(source, place, path),
    )


def _where(source: Source, place: Place, path: tuple[str | int, ...]) -> str:
    """`file:line` of a key: in the Environment's overlay, if it stands there."""
    overlay = ("environments", place.environment.name, *path)
    return source.declaration.source(*(overlay if overlay[:3] in source.declaration.lines else path))


def _steps(file: DeployFile, place: Place, images: Mapping[str, str]) -> dict[str, Any]:
    steps: dict[str, Any] = {}
    for name, step in (("migrate", file.migrate), ("verify", file.verify)):
        if step is not None and step.command is not None:
            steps[name] = {
                "image": images[step.image or file.image or ""],
                "command": list(step.command),
                "env": _env({**file.env, **step.env}),
                "timeoutSeconds": step.timeout_seconds,
            }
    if file.verify is not None and file.verify.path is not None:
        url = f"http://{place.app.name}.{place.namespace}.svc.cluster.local:{_service_port(file)}{file.verify.path}"
        steps["verify"] = {
            "image": images[place.smoke_image or ""],
            "command": ["sh", "-c", _ASK],
            "env": {**_env(file.verify.env), "URL": url, "STATUS": str(file.verify.status)},
            "timeoutSeconds": file.verify.timeout_seconds,
            "apart": True,
        }
    return steps


def _service_port(file: DeployFile) -> int | None:
    return file.port if file.protocol == "tcp" else 80


def _network(file: DeployFile, source: Source, place: Place) -> dict[str, Any]:
    ingress, mesh = place.environment.ingress, place.environment.mesh
    usual = IngressKind.VIRTUAL_SERVICE if mesh is Mesh.ISTIO else IngressKind.INGRESS
    return {
        "port": file.port,
        "protocol": file.protocol if file.protocol != "http" else None,
        "ports": _many(one.model_dump() for one in file.ports),
        "allow": {
            "from": [
                _peer(source, place, one.app, one.namespace, ("allow", "from", index))
                for index, one in enumerate(file.allow.from_)
            ],
            "to": [
                {"host": one.host, "port": one.port}
                if one.app is None
                else _peer(source, place, one.app, one.namespace, ("allow", "to", index))
                for index, one in enumerate(file.allow.to)
            ],
        },
        "expose": _given(file.expose) if file.expose else None,
        "ingress": {
            "class": ingress.class_name,
            "namespace": ingress.namespace,
            "serviceAccount": ingress.service_account,
            "gateway": ingress.gateway,
            **_present(kind=ingress.kind.value if ingress.kind is not usual else None, issuer=ingress.issuer),
        },
        "mesh": mesh.value if mesh is not Mesh.ISTIO else None,
    }


def _peer(source: Source, place: Place, app: str, namespace: str | None, path: tuple[str | int, ...]) -> dict[str, str]:
    if namespace is not None:
        return {"app": app, "namespace": namespace}
    if app not in place.namespaces:
        near = did_you_mean(app, place.namespaces)
        # Not a list of what other teams have.
        hint = f"{near} " if near.startswith("Did") else ""
        raise InvalidDeployFile(
            f"there is no App {app!r} in {place.environment.name}",
            f"{hint}For one that isn't deployed here, add its namespace",
            where=_where(source, place, path),
        )
    return {"app": app, "namespace": place.namespaces[app]}


def _observed(file: DeployFile, place: Place) -> dict[str, Any]:
    scraper = place.environment.scraper
    return {
        "metrics": _whole(file.metrics) if file.metrics else None,
        "scraper": {"namespace": scraper.namespace, "serviceAccount": scraper.service_account}
        if file.metrics
        else None,
        "alerts": _many(_whole(one) for one in file.alerts),
    }


def _platform(file: DeployFile, source: Source, place: Place) -> dict[str, Any]:
    environment = place.environment
    identity = place.app.cloud_identities.get(environment.name)
    server = environment.api_server
    return {
        # Before Helm's own time-out, so that a rollout that can't succeed ends with its reason.
        "progressDeadlineSeconds": max(1, environment.rollout_timeout_seconds - 2),
        "apiServer": {"cidr": server.cidr, "ports": list(server.ports)} if file.kubernetes_api else None,
        "placement": _placement(file, source, place),
        "pullSecrets": _many({"name": name} for name in environment.pull_secrets),
        "cloudIdentity": {"cloud": environment.cloud, "identity": identity} if identity else None,
    }


def _placement(file: DeployFile, source: Source, place: Place) -> dict[str, Any] | None:
    if file.placement is None:
        return None
    known = place.environment.placements
    if file.placement not in known:
        raise InvalidDeployFile(
            f"the Environment {place.environment.name} has no placement {file.placement!r}",
            did_you_mean(file.placement, known) or "Leave it out, or ask the platform for one",
            where=_where(source, place, ("placement",)),
        )
    found = known[file.placement]
    return _present(
        nodeSelector=dict(found.node_selector) or None,
        tolerations=[dict(one) for one in found.tolerations] or None,
        priorityClass=found.priority_class,
        runtimeClass=found.runtime_class,
    )


def _present(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _many(items: Iterator[dict[str, Any]]) -> list[dict[str, Any]] | None:
    return list(items) or None


def _listed(command: tuple[str, ...] | None) -> list[str] | None:
    return None if command is None else list(command)


def _whole(part: BaseModel) -> dict[str, Any]:
    """All that `part` says, defaults included, as the chart spells it; keys that teams chose stay as they are."""
    return part.model_dump(mode="json", by_alias=True, exclude_none=True)


def _given(part: BaseModel) -> dict[str, Any]:
    """What differs from the defaults, and what has none."""
    return part.model_dump(mode="json", by_alias=True, exclude_defaults=True)
