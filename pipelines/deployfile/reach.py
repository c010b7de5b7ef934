"""The parts of `deploy.yaml` that say who reaches whom: callers, callees, the way in, the Kubernetes API, scrapers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from pipelines.deployfile.parts import Part
from pipelines.deployfile.texts import Host, HttpPath, Name, ObjectName, OwnPort, Port, Seconds, UrlPrefix

_NEVER = frozenset(
    {"secrets", "pods/exec", "pods/attach", "pods/portforward", "pods/proxy", "pods/ephemeralcontainers"}
    | {"services/proxy", "nodes/proxy", "serviceaccounts/token"}
)
_NO_GROUP = ("rbac.authorization.k8s.io", "admissionregistration.k8s.io", "certificates.k8s.io")


class Grant(Part):
    """What the App may do with the Kubernetes API, in its own namespace."""

    resources: tuple[Annotated[str, Field(pattern=r"^[a-z]+(/[a-z]+)?$", max_length=80)], ...] = Field(
        min_length=1, max_length=20, description="Such as configmaps."
    )
    verbs: tuple[Literal["get", "list", "watch", "create", "update", "patch", "delete"], ...] = Field(
        min_length=1, description="What it may do with them."
    )
    names: tuple[ObjectName, ...] = Field(default=(), max_length=50, description="Only with those of these names.")
    group: Annotated[str, Field(pattern=r"^([a-z0-9-]+(\.[a-z0-9-]+)*)?$", max_length=200)] = Field(
        default="", description="Their API group; empty for pods, configmaps and the like."
    )

    @model_validator(mode="after")
    def _bounded(self) -> Grant:
        refused = sorted(_NEVER & set(self.resources))
        if refused:
            raise ValueError(f"{refused[0]} is never granted; leave it out")
        if self.group in _NO_GROUP:
            raise ValueError(f"nothing of {self.group} is ever granted; leave it out")
        return self


class Peer(Part):
    """Another App, in its namespace of the same Environment."""

    app: Name = Field(description="Its name.")
    namespace: Name | None = Field(default=None, description="Where it isn't one of this gateway's Apps.")


class Callee(Part):
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


class Allow(Part):
    """Who may call this App, and whom it may call. Everything else is closed."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    from_: tuple[Peer, ...] = Field(default=(), alias="from", max_length=100, description="Who may call it.")
    to: tuple[Callee, ...] = Field(default=(), max_length=100, description="Whom it may call.")


class Expose(Part):
    """Reachable from outside, by the one ingress."""

    host: Host = Field(description="The host name that reaches it.")
    more_hosts: tuple[Host, ...] = Field(default=(), max_length=10, description="More host names for the same.")
    paths: tuple[UrlPrefix, ...] = Field(
        default=("/",), min_length=1, max_length=20, description="Only what begins with one of these."
    )
    timeout_seconds: Seconds | None = Field(default=None, description="How long an answer may take.")


class Metrics(Part):
    """Where Prometheus finds its figures. The scraper is let in, and nobody else by that."""

    port: OwnPort | None = Field(default=None, description="Its port, where it isn't the App's `port`.")
    path: HttpPath = Field(default="/metrics", description="The path that is read.")
    interval_seconds: Annotated[int, Field(ge=5, le=3600)] = Field(default=30, description="How often it is asked.")


class Alert(Part):
    """An alert of Prometheus about this App."""

    name: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]*$", max_length=80)] = Field(
        description="Such as CheckoutIsSlow."
    )
    expr: Annotated[str, Field(min_length=1, max_length=2000)] = Field(description="When it fires, in PromQL.")
    for_minutes: Annotated[int, Field(ge=0, le=10_080)] = Field(default=5, description="For how long that is so.")
    severity: Literal["info", "warning", "critical"] = Field(default="warning", description="How bad it is.")
    summary: Annotated[str, Field(min_length=1, max_length=500)] = Field(description="What is wrong, in a sentence.")
    runbook: Annotated[str, Field(pattern=r"^https://[^\s]+$", max_length=500)] | None = Field(
        default=None, description="A page that says what to do."
    )
