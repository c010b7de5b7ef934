"""`deploy.yaml`: what a team writes. A closed schema, and errors with the line and the key that was meant."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from pipelines import yaml_nodes
from pipelines.apps import NAME_PATTERN
from pipelines.errors import Fault, InvalidDeployFile
from pipelines.suggestions import did_you_mean
from pipelines.yaml_nodes import InvalidYaml, Node, Scalar, Sequence

API_VERSION = "deploy-gateway/v1"
LARGEST_BYTES = 256 * 1024
_MOST_VALUES = 5_000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def _no_template(text: str) -> str:
    if "{{" in text or _CONTROL.search(text):
        raise ValueError("template actions and control characters are not accepted here: it is text")
    return text


def _inside(text: str) -> str:
    if (
        text.startswith(("/", "-"))
        or "\\" in text
        or any(part in ("", ".", "..") for part in text.rstrip("/").split("/"))
    ):
        raise ValueError("write a folder inside the repository, such as k8s/")
    return text.rstrip("/")


def _needs_port_or_tag(text: str) -> str:
    return _no_template(text)


Name = Annotated[str, StringConstraints(pattern=f"^{NAME_PATTERN}$")]
Host = Annotated[
    str,
    StringConstraints(
        pattern=r"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])?$", max_length=253
    ),
]
HttpPath = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._~/%=&?-]*$", max_length=200)]
Cpu = Annotated[str, StringConstraints(pattern=r"^([1-9][0-9]*m|[0-9]{1,3}(\.[0-9]{1,3})?)$", max_length=8)]
Memory = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*(Ki|Mi|Gi|k|M|G)?$", max_length=12)]
Port = Annotated[int, Field(ge=1, le=65535)]
Image = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]*$", max_length=500),
    AfterValidator(_needs_port_or_tag),
]
EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=120)]
EnvValue = Annotated[str, StringConstraints(max_length=8192), AfterValidator(_no_template)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Health(_Part):
    """The HTTP paths of the two probes. They differ: not ready means no traffic, not alive means restart."""

    readiness: HttpPath = Field(description="Answers 200 when it can serve.")
    liveness: HttpPath = Field(description="Answers 200 as long as a restart wouldn't help.")

    @model_validator(mode="after")
    def _differ(self) -> Health:
        if self.readiness == self.liveness:
            raise ValueError(
                "readiness and liveness have to be different paths: else a slow dependency restarts your pods"
            )
        return self


class Resources(_Part):
    """What one replica needs: the request, and for memory the limit as well."""

    cpu: Cpu = Field(description="Such as 250m.")
    memory: Memory = Field(description="Such as 256Mi.")


class Peer(_Part):
    """Another App, in its namespace of the same Environment."""

    app: Name = Field(description="Its name.")
    namespace: Name | None = Field(default=None, description="Where it isn't one of this gateway's Apps.")


class Callee(_Part):
    """Another App, or a host outside with its port."""

    app: Name | None = Field(default=None, description="The App that is called.")
    namespace: Name | None = Field(default=None, description="Where it isn't one of this gateway's Apps.")
    host: Host | None = Field(default=None, description="In place of `app`: a host outside the cluster.")
    port: Port | None = Field(default=None, description="The port of `host`.")

    @model_validator(mode="after")
    def _one_of(self) -> Callee:
        if (self.app is None) == (self.host is None):
            raise ValueError("write either app, or host with port")
        if self.host is not None and self.port is None:
            raise ValueError("a host needs its port: {host: api.example.com, port: 443}")
        return self


class Allow(_Part):
    """Who may call this App, and whom it may call. Everything else is closed."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    from_: tuple[Peer, ...] = Field(default=(), alias="from", max_length=100, description="Who may call it.")
    to: tuple[Callee, ...] = Field(default=(), max_length=100, description="Whom it may call.")


class Expose(_Part):
    """Reachable from outside, by the one ingress."""

    host: Host = Field(description="The host name that reaches it.")


class Overlay(_Part):
    """What differs in one Environment. Mappings are merged key by key, everything else is replaced."""

    image: Image | None = Field(default=None, description="Another image here.")
    replicas: Annotated[int, Field(ge=1, le=200)] | None = Field(default=None, description="Another number here.")
    resources: Resources | None = None
    env: dict[EnvName, EnvValue] | None = Field(default=None, description="More values, or others, here.")
    allow: Allow | None = None
    expose: Expose | None = None


class DeployFile(_Part):
    """`deploy.yaml`, version deploy-gateway/v1: a workload, or a folder of manifests."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="deploy.yaml")

    apiVersion: Literal["deploy-gateway/v1"] = Field(description="The version of this format.")
    app: Name = Field(description="The App's name, as it is registered.")
    workload: Literal["web"] | None = Field(default=None, description="What kind of thing it is.")
    image: Image | None = Field(default=None, description="With registry and a fixed tag or digest.")
    port: Annotated[int, Field(ge=1024, le=65535)] | None = Field(
        default=None, description="That it listens on; above 1023, as it doesn't run as root."
    )
    health: Health | None = None
    resources: Resources | None = None
    replicas: Annotated[int, Field(ge=1, le=200)] = Field(default=2, description="How many pods.")
    env: dict[EnvName, EnvValue] = Field(
        default_factory=dict, description="Literal values; no secrets.", max_length=200
    )
    allow: Allow = Field(default_factory=Allow)
    expose: Expose | None = None
    environments: dict[Name, Overlay] = Field(
        default_factory=dict, description="What differs in single Environments, by name."
    )
    manifests: str | None = Field(
        default=None, description="A folder of Kubernetes manifests, in place of the keys above."
    )

    @model_validator(mode="after")
    def _one_source(self) -> DeployFile:
        workload_keys = ("workload", "image", "port", "health", "resources")
        if self.manifests is not None:
            _inside(self.manifests)
            extra = self.model_fields_set - {"apiVersion", "app", "manifests"}
            if extra:
                raise ValueError(f"with manifests, these are not read: {', '.join(sorted(extra))}")
            return self
        missing = [key for key in workload_keys if getattr(self, key) is None]
        if missing:
            raise ValueError(f"missing: {', '.join(missing)} (or `manifests: k8s/` in place of them)")
        return self


@dataclass(frozen=True, slots=True)
class Declaration:
    """A valid `deploy.yaml` and where its keys stand. `lines` maps paths to lines, counted from 1."""

    file: DeployFile
    name: str
    lines: Mapping[yaml_nodes.Path, int]

    def source(self, *path: str | int) -> str:
        """`deploy.yaml:7` for the key at `path`, or for the nearest around it."""
        return f"{self.name}:{yaml_nodes.nearest_line(dict(self.lines), path)}"


def read(content: bytes, name: str, *, app: str, environments: Collection[str]) -> Declaration:
    """The declaration in `content`, the file called `name`, of the App `app`.

    Raises `InvalidDeployFile` with one Fault for each thing that is wrong.
    """
    if len(content) > LARGEST_BYTES:
        raise InvalidDeployFile(
            f"it has {len(content)} bytes, and {LARGEST_BYTES} is the most",
            "A deploy.yaml is a page long; move data elsewhere",
            where=name,
        )
    try:
        documents = list(yaml_nodes.compose(content, most_nodes=_MOST_VALUES))
    except InvalidYaml as error:
        raise InvalidDeployFile(error.reason, "Correct that line", where=f"{name}:{error.line}") from error
    if len(documents) != 1:
        raise InvalidDeployFile(
            f"it has {len(documents)} YAML documents, and one is expected",
            "Write one document, without ---; several Apps of one repository have a file each",
            where=f"{name}:1",
        )
    lines = dict(yaml_nodes.lines(documents[0]))
    faults: list[Fault] = []
    file = _validated(_as_text(documents[0]), name, lines, faults)
    if file is not None:
        faults += _contradictions(file, name, lines, app, environments)
    if faults or file is None:
        raise _invalid(name, faults)
    return Declaration(file, name, lines)


def _invalid(name: str, faults: list[Fault]) -> InvalidDeployFile:
    if len(faults) == 1:
        only = faults[0]
        return InvalidDeployFile(only.reason, only.solution, where=only.where, errors=faults)
    return InvalidDeployFile(f"{name} has {len(faults)} mistakes", "Correct each of them", where=name, errors=faults)


def _as_text(node: Node) -> Any:
    """Scalars stay the texts that were written: the schema says what is a number."""
    if isinstance(node, Scalar):
        return None if node.is_plain and node.text in ("", "~", "null") else node.text
    if isinstance(node, Sequence):
        return [_as_text(item) for item in node.items]
    return {key.text: _as_text(value) for key, value in node.items}


def _validated(value: Any, name: str, lines: dict[yaml_nodes.Path, int], faults: list[Fault]) -> DeployFile | None:
    if isinstance(value, dict) and "chart" in value:
        where = f"{name}:{lines[('chart',)]}"
        faults.append(
            Fault(where, "chart is not supported by this version", "Render the chart and use `manifests: k8s/`")
        )
        return None
    try:
        return DeployFile.model_validate(value)
    except ValidationError as error:
        faults += [_fault(one, value, name, lines) for one in error.errors()]
        return None


def _fault(error: Any, value: Any, name: str, lines: dict[yaml_nodes.Path, int]) -> Fault:
    path = tuple(part for part in error["loc"] if part != "[key]")
    where = f"{name}:{yaml_nodes.nearest_line(lines, path)}"
    place = ".".join(str(part) for part in path)
    if error["type"] == "extra_forbidden":
        known = _keys_at(path[:-1])
        return Fault(where, f"unknown key {place!r}", did_you_mean(str(path[-1]), known) or "Leave it out")
    if error["type"] == "missing":
        return Fault(
            where, f"the key {place!r} is missing", f"Add it: {_EXAMPLES.get(str(path[-1]), f'{path[-1]}: …')}"
        )
    if error["type"] == "value_error":
        reason = str(error["ctx"]["error"])
        return Fault(where, f"{place}: {reason}" if place else reason, "See the reference of deploy.yaml for this key")
    given = repr(error["input"])[:80]
    example = _EXAMPLES.get(str(path[-1]) if path else "", "")
    solution = f"Write for example {example}" if example else f"What is wanted: {error['msg']}"
    return Fault(where, f"{place} is {given}, which does not fit", solution)


_EXAMPLES = {
    "apiVersion": "apiVersion: deploy-gateway/v1",
    "app": "app: checkout (lower-case letters, digits and -)",
    "workload": "workload: web",
    "image": "image: registry.example.com/shop/checkout:1.4.2",
    "port": "port: 8080 (1024 to 65535)",
    "readiness": "readiness: /ready",
    "liveness": "liveness: /live",
    "cpu": "cpu: 250m",
    "memory": "memory: 256Mi",
    "replicas": "replicas: 3 (1 to 200)",
    "host": "host: checkout.example.com",
    "namespace": "namespace: orders",
}


def _keys_at(path: tuple[Any, ...]) -> list[str]:
    """The keys that the schema has at `path`."""
    model: Any = DeployFile
    for part in path:
        model = _PARTS.get(str(part), model) if not isinstance(part, int) else model
        if path[0] == "environments" and len(path) >= 2 and part == path[1]:
            model = Overlay
    return [field.alias or key for key, field in model.model_fields.items()]


_PARTS: dict[str, type[BaseModel]] = {
    "health": Health,
    "resources": Resources,
    "allow": Allow,
    "from": Peer,
    "to": Callee,
    "expose": Expose,
}


def _contradictions(
    file: DeployFile, name: str, lines: dict[yaml_nodes.Path, int], app: str, environments: Collection[str]
) -> list[Fault]:
    faults = []
    if file.app != app:
        where = f"{name}:{lines[('app',)]}"
        faults.append(
            Fault(where, f"app is {file.app!r}, and this file is registered for {app!r}", f"Write app: {app}")
        )
    for environment in file.environments:
        if environment not in environments:
            where = f"{name}:{lines[('environments', environment)]}"
            hint = did_you_mean(environment, environments)
            faults.append(Fault(where, f"there is no Environment {environment!r}", hint))
    return faults


def overlaid(file: DeployFile, environment: str) -> DeployFile:
    """`file` with what it says for `environment` laid over it: `env` key by key, everything else replaced."""
    overlay = file.environments.get(environment)
    if overlay is None:
        return file
    changes = {key: getattr(overlay, key) for key in overlay.model_fields_set if getattr(overlay, key) is not None}
    if overlay.env is not None:
        changes["env"] = {**file.env, **overlay.env}
    return file.model_copy(update=changes)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of `deploy.yaml`, for editors and for the reference."""
    return DeployFile.model_json_schema(by_alias=True)
