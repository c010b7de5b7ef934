"""Apps, Environments and Clusters as the platform registered them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import NewType
from urllib.parse import urlsplit

from pipelines.errors import InvalidRef
from pipelines.findings import Mode

AppName = NewType("AppName", str)
EnvironmentName = NewType("EnvironmentName", str)
ClusterName = NewType("ClusterName", str)
ReleaseId = NewType("ReleaseId", str)
CommitSha = NewType("CommitSha", str)
"""A full SHA-1 in 40 hex digits."""

NAME_PATTERN = r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?"
"""An RFC 1123 label that starts with a letter, at most 40 characters: it becomes names of objects."""

RELEASE_ID_PATTERN = r"[0-9a-hjkmnp-tv-z]{26}"
"""A ULID in lower case."""

ALWAYS_ENFORCED: Mapping[str, tuple[str, str]] = {
    "team-scope": (
        "it is about what belongs to the whole cluster, and so is in no Environment",
        "Have the platform install such objects itself, outside of any App",
    ),
    "fields-kept": (
        "the cluster itself refuses it",
        "Write the value that runs, or give the object another name: the old one is then removed",
    ),
}
"""Rules for which there is no other mode and no waiver: why, and what to do instead."""

_REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+@-]{0,254}")


def parse_release_id(text: object) -> ReleaseId | None:
    """`text`, when it has the form of a Release's id; None otherwise."""
    return ReleaseId(text) if isinstance(text, str) and re.fullmatch(RELEASE_ID_PATTERN, text) else None


def host_of(url: str) -> str:
    """The host of a repository's address as `git.allowed_hosts` has it: `host` or `host:port`, in lower case.

    Raises ValueError for an address whose port is none.
    """
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def parse_ref(text: str) -> str:
    """`text`, when it can be a branch, tag or commit; raises `InvalidRef` otherwise.

    An allow-list narrower than `git check-ref-format`: nothing that an option parser, a shell or a
    revision expression would read as something else.
    """
    forbidden = ".." in text or "//" in text or "@{" in text or text.endswith((".lock", "/", "."))
    if not _REF.fullmatch(text) or forbidden:
        raise InvalidRef(
            f"{text[:80]!r} is not a branch, tag or commit",
            "Write a branch (main), a tag (v1.4.2) or a commit SHA: letters, digits and . _ / + @ - only",
            where="ref",
        )
    return text


@dataclass(frozen=True, slots=True)
class App:
    """Something registered to be deployed.

    `repository` is the one URL it is ever checked out from; `deploy_file` the path of its `deploy.yaml` there.
    `chart` is a version or channel of the standard chart where it is another than the Environment's.
    `cloud_identities` maps Environments to who it is for the cloud there: a role, account or client id.
    `paths` are patterns of what it is made of in its repository; none: see `gateway.webhooks.routing`.
    """

    name: AppName
    team: str
    repository: str
    deploy_file: str = "deploy.yaml"
    chart: str | None = None
    cloud_identities: Mapping[str, str] = field(default_factory=dict)
    paths: tuple[str, ...] = ()


class Mesh(StrEnum):
    """The service mesh of an Environment."""

    ISTIO = "istio"
    NONE = "none"


class IngressKind(StrEnum):
    """The object that exposes an App."""

    VIRTUAL_SERVICE = "VirtualService"
    INGRESS = "Ingress"
    HTTP_ROUTE = "HTTPRoute"


@dataclass(frozen=True, slots=True)
class Ingress:
    """The one way in from outside.

    `class_name` is for the kind Ingress; `gateway` (`namespace/name`) for the two others. The pods that let
    requests in run as `service_account` in `namespace`. `issuer` is cert-manager's, for the certificates of an Ingress.
    """

    kind: IngressKind = IngressKind.VIRTUAL_SERVICE
    class_name: str = "istio"
    gateway: str = "istio-system/shared"
    namespace: str = "istio-system"
    service_account: str = "istio-ingressgateway"
    issuer: str | None = None


@dataclass(frozen=True, slots=True)
class Scraper:
    """Who reads metrics: the identity that network rules let in."""

    namespace: str = "monitoring"
    service_account: str = "prometheus"


@dataclass(frozen=True, slots=True)
class ApiServer:
    """Where pods reach the Kubernetes API: addresses (`cidr`) and TCP ports."""

    cidr: str = "0.0.0.0/0"
    ports: tuple[int, ...] = (443, 6443)


@dataclass(frozen=True, slots=True)
class Placement:
    """A kind of nodes, as the platform named it. `tolerations` as Kubernetes has them."""

    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, str], ...] = ()
    priority_class: str | None = None
    runtime_class: str | None = None


@dataclass(frozen=True, slots=True)
class BenchmarkRequirement:
    """What kube-bench must have said of an Environment's cluster. `passing` are numbers of checks, such as 1.2.16."""

    not_older_than_days: int = 7
    passing: tuple[str, ...] = ()
    no_new_failures: bool = False


@dataclass(frozen=True, slots=True)
class RuleSetting:
    """How one rule counts for one App: `enforce_from` is the first day (UTC) on which a warning blocks."""

    mode: Mode
    enforce_from: date | None = None


@dataclass(frozen=True, slots=True)
class Environment:
    """A place an App goes: cluster, namespace and the rules of that place.

    `namespace` is a pattern with `{app}` and `{team}`. `rule_modes` overrides `mode` for single rules.
    `chart` is a version or channel of the standard chart. `cloud` (aws, gcp or azure) is whose identities
    `App.cloud_identities` are; `pull_secrets` are Secrets that are in each of its namespaces. `benchmark` is what
    is required of its cluster; None: nothing. `secret_stores` are the stores that an ExternalSecret may name, and what
    the keys in it begin with: a pattern with `{app}` and `{team}`. `allowed_kinds` are GROUP/Kind of what Apps may
    bring although the rule `platform-kinds` refuses it elsewhere.

    `enforce_from` is the first day (UTC) on which the mode `warn` ends, `rule_dates` the same for single rules, and
    `app_rules` what differs for single Apps, by App and rule. Ask `as_of` for how things are on a day.
    """

    name: EnvironmentName
    cluster: ClusterName
    namespace: str = "{app}"
    mode: Mode = Mode.ENFORCE
    rule_modes: Mapping[str, Mode] = field(default_factory=dict)
    rollout_timeout_seconds: int = 300
    chart: str = "stable"
    mesh: Mesh = Mesh.ISTIO
    ingress: Ingress = field(default_factory=Ingress)
    scraper: Scraper = field(default_factory=Scraper)
    api_server: ApiServer = field(default_factory=ApiServer)
    placements: Mapping[str, Placement] = field(default_factory=dict)
    pull_secrets: tuple[str, ...] = ()
    cloud: str | None = None
    benchmark: BenchmarkRequirement | None = None
    secret_stores: Mapping[str, str] = field(default_factory=dict)
    allowed_kinds: tuple[str, ...] = ()
    enforce_from: date | None = None
    rule_dates: Mapping[str, date] = field(default_factory=dict)
    app_rules: Mapping[str, Mapping[str, RuleSetting]] = field(default_factory=dict)

    def as_of(self, day: date, app: str = "") -> Environment:
        """This Environment as it is on `day` (UTC) for `app`: what was to block by then has the mode `enforce`."""
        own = self.app_rules.get(app, {})
        modes = {**self.rule_modes, **{rule: setting.mode for rule, setting in own.items()}}
        dates = {rule: first for rule, first in self.rule_dates.items() if rule not in own}
        dates |= {rule: setting.enforce_from for rule, setting in own.items() if setting.enforce_from is not None}
        modes |= {rule: Mode.ENFORCE for rule, first in dates.items() if first <= day}
        is_over = self.enforce_from is not None and self.enforce_from <= day
        return replace(
            self,
            mode=Mode.ENFORCE if is_over else self.mode,
            enforce_from=None if is_over else self.enforce_from,
            rule_modes=modes,
            rule_dates={rule: first for rule, first in dates.items() if first > day},
            app_rules={},
        )

    def namespace_of(self, app: App) -> str:
        """The namespace that `app` has to itself in this Environment."""
        return self.namespace.format(app=app.name, team=app.team)

    def in_namespace(self, name: str) -> Environment:
        """The same one, but for the namespace of every App, which is called `name`."""
        return replace(self, namespace=name.replace("{", "{{").replace("}", "}}"))

    def mode_of(self, rule: str, own: Mode = Mode.ENFORCE) -> Mode:
        """How a finding of `rule` counts here. One whose `own` mode is to warn blocks only where it is named."""
        if rule in ALWAYS_ENFORCED:
            return Mode.ENFORCE
        return self.rule_modes.get(rule, Mode.WARN if own is Mode.WARN else self.mode)

    def enforce_from_of(self, rule: str, own: Mode = Mode.ENFORCE) -> date | None:
        """The first day on which a finding of `rule` blocks here, where it only warns until then and that is known."""
        if self.mode_of(rule, own) is not Mode.WARN:
            return None
        if rule in self.rule_modes:
            return self.rule_dates.get(rule)
        return None if own is Mode.WARN else self.enforce_from


def undated_warnings(environments: Iterable[Environment]) -> Iterator[tuple[EnvironmentName, str]]:
    """Each Environment that blocks, with each rule that only warns there and has no day on which that ends."""
    for one in environments:
        for rule, mode in one.rule_modes.items():
            if mode is Mode.WARN and rule not in one.rule_dates and one.mode is Mode.ENFORCE:
                yield one.name, rule
