"""The shape of `gateway.yaml`: a closed schema, so that a misspelt key is an error and not a default."""

from __future__ import annotations

import re
from datetime import date
from ipaddress import ip_network
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from configuration.settings import Limits, Role
from pipelines.apps import (
    NAME_PATTERN,
    ApiServer,
    BenchmarkRequirement,
    Ingress,
    IngressKind,
    Mesh,
    Scraper,
    host_of,
)
from pipelines.backstop import Exceptions
from pipelines.base_images import MOST_VERSIONS
from pipelines.findings import Mode
from pipelines.images import parse_image
from pipelines.versions import parse_range

_DEFAULTS = Limits()
_INGRESS, _SCRAPER, _API_SERVER = Ingress(), Scraper(), ApiServer()
_REQUIREMENT = BenchmarkRequirement()
_EXCEPTIONS = Exceptions()


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", text):
        raise ValueError("write an http:// or https:// address with a host")
    host_of(text)
    if parts.username or parts.password:
        raise ValueError("an address must not carry a user name or password")
    return text


def _inside_repository(text: str) -> str:
    if text.startswith(("/", "-")) or "\\" in text or any(part in ("", ".", "..") for part in text.split("/")):
        raise ValueError("write a path inside the repository, such as deploy.yaml or deploy/checkout.yaml")
    return text


def _prefix(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?/([a-z0-9][a-z0-9._-]*/)*", text):
        raise ValueError("write host/ or host/path/, ending in a slash, so that host/path-other/ does not match it")
    return text


def _reference(text: str) -> str:
    if not re.fullmatch(r"env:[A-Za-z_][A-Za-z0-9_]*|file:\S.*", text):
        raise ValueError("write where the secret is, env:NAME or file:PATH, and not the secret")
    return text


def _cidr(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise ValueError("write the addresses as a network, such as 10.96.0.1/32") from None


def _some_people(group: str) -> str:
    if group in ("system:authenticated", "system:unauthenticated") or group.startswith("system:serviceaccounts"):
        raise ValueError("write a group of people: this one is everybody, or programs")
    return group


def _store_prefix(text: str) -> str:
    if not re.fullmatch(r"|([A-Za-z0-9._-]|/|{app}|{team})+/", text) or ".." in text:
        raise ValueError("write what paths begin with, ending in a slash, such as {team}/ or production/{app}/")
    return text


def _pinned_image(text: str) -> str:
    image = parse_image(text)
    is_pinned = bool(image.digest) or (image.tag or "latest").lower() != "latest"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:/-]*(@sha256:[0-9a-f]{64})?", text) or not is_pinned:
        raise ValueError("write an image with a tag other than latest, or with a digest")
    return text


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError('write a day in quotes, such as "2027-06-30"') from None


def _repository(text: str) -> str:
    host, slash, path = text.partition("/")
    parts = r"[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
    is_host = re.fullmatch(r"localhost|[a-z0-9][a-z0-9.-]*(:[0-9]{1,5}|\.[a-z0-9-]+(:[0-9]{1,5})?)", host)
    if not is_host or not slash or not re.fullmatch(parts, path):
        raise ValueError("write host/path without a tag, such as registry.example.com/base/python")
    return text


def _public_key(text: str) -> str:
    if not text.startswith(("env:", "file:", "-----BEGIN PUBLIC KEY-----")):
        raise ValueError("write a public key (-----BEGIN PUBLIC KEY-----), or where it is, env:NAME or file:PATH")
    return text


def _versions(text: str) -> str:
    parse_range(text)
    return text


_ENFORCE_FROM = "With `warn`: the first day, in UTC, on which it blocks, such as 2027-01-31."
_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
Name = Annotated[str, StringConstraints(pattern=f"^{NAME_PATTERN}$")]
RuleName = Annotated[str, StringConstraints(pattern=r"^((kube-score|schema)/)?[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
Url = Annotated[str, AfterValidator(_url)]
Day = Annotated[str, AfterValidator(_day)]
Host = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$"),
    AfterValidator(str.lower),
]
SecretReference = Annotated[str, AfterValidator(_reference)]
Label = Annotated[str, StringConstraints(pattern=f"^{_LABEL}$")]
CloudIdentity = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9:/_.@+=-]+$", max_length=300)]
BenchmarkSection = Literal["master", "etcd", "controlplane", "node", "policies", "managedservices"]
CheckNumber = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$", max_length=32)]
StoreName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$")]
Chart = Annotated[str, StringConstraints(min_length=1, max_length=60)]
UserName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9:/_.@+=-]*$", max_length=300)]
GroupName = Annotated[UserName, AfterValidator(_some_people)]
Prefix = Annotated[str, AfterValidator(_prefix)]
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Connection(_Section):
    """Where to connect."""

    url: str = Field(
        min_length=1,
        description="The address, or `env:NAME` or `file:PATH` to read it from there. "
        "One with a password is only taken by reference.",
    )


class KubeBenchSection(_Section):
    """Where kube-bench runs, and who has reviewed that it runs with privileges that nothing else has."""

    namespace: Label = Field(
        default="deploy-gateway-kube-bench", description="The namespace that the chart deploy-gateway runs it in."
    )
    exempted_by: str = Field(
        min_length=1,
        max_length=100,
        pattern=_ONE_LINE,
        description="Who has reviewed that it runs there with hostPID and hostPath.",
    )
    reason: str = Field(
        default="kube-bench reads the processes and files of its node, and changes nothing",
        min_length=1,
        max_length=300,
        pattern=_ONE_LINE,
        description="Why that may be.",
    )
    until: Annotated[str, AfterValidator(_day)] = Field(
        description='The last day of it, such as "2027-06-30"; after it nothing is collected.'
    )


class ClusterEntry(_Section):
    """A cluster. Its credentials are given to its deploy worker alone, never here."""

    node_classes: dict[Name, Annotated[list[BenchmarkSection], Field(min_length=1)]] | None = Field(
        default=None,
        min_length=1,
        description="The classes of its nodes, each with the sections that kube-bench must have measured there; "
        "without it `control-plane: [master, etcd, controlplane, policies]` and `worker: [node]`.",
    )
    kube_bench: KubeBenchSection | None = Field(
        default=None, description="Has the deploy worker collect what kube-bench measured in the cluster."
    )


class TeamEntry(_Section):
    """A team."""


class IngressSection(_Section):
    """The one way in from outside."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)

    kind: Annotated[IngressKind, Field(strict=False)] | None = Field(
        default=None,
        description="The object that exposes an App; by default VirtualService with the mesh istio, else Ingress.",
    )
    class_: Label = Field(
        default=_INGRESS.class_name,
        alias="class",
        description="Its class, for the kind Ingress; must be written with `mesh: none`.",
    )
    gateway: Annotated[str, StringConstraints(pattern=f"^{_LABEL}/{_LABEL}$")] | None = Field(
        default=None,
        description="`namespace/name` of the Gateway, for VirtualService (by default "
        f"`{_INGRESS.gateway}`) and HTTPRoute (which needs one).",
    )
    namespace: Label = Field(
        default=_INGRESS.namespace, description="Where its pods run; must be written with `mesh: none`."
    )
    service_account: Label = Field(default=_INGRESS.service_account, description="What its pods run as.")
    issuer: Label | None = Field(
        default=None, description="cert-manager's ClusterIssuer for the certificates, for the kind Ingress."
    )


class MetricsSection(_Section):
    """Who reads metrics."""

    namespace: Label = Field(default=_SCRAPER.namespace, description="Where the scraper runs.")
    service_account: Label = Field(default=_SCRAPER.service_account, description="What the scraper runs as.")


class ApiServerSection(_Section):
    """Where pods reach the Kubernetes API."""

    cidr: Annotated[str, AfterValidator(_cidr)] = Field(default=_API_SERVER.cidr, description="Its addresses.")
    ports: list[Annotated[int, Field(ge=1, le=65535)]] = Field(
        default=list(_API_SERVER.ports), min_length=1, description="Its ports; by default 443 and 6443."
    )


class TolerationEntry(_Section):
    """A taint that is tolerated, as Kubernetes has it."""

    key: str = Field(min_length=1, max_length=253, description="The taint's key.")
    operator: Literal["Equal", "Exists"] = Field(default="Equal", description="How it is compared.")
    value: str | None = Field(default=None, max_length=63, description="The taint's value.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        default=None, description="Which effect; without it, all."
    )


class PlacementEntry(_Section):
    """A kind of nodes, by the name that teams write as `placement`."""

    node_selector: dict[str, str] = Field(default_factory=dict, description="Labels of those nodes.")
    tolerations: list[TolerationEntry] = Field(default_factory=list, description="Taints of those nodes.")
    priority_class: Label | None = Field(default=None, description="The PriorityClass of its pods.")
    runtime_class: Label | None = Field(default=None, description="The RuntimeClass of its pods.")


class BenchmarkRequirementSection(_Section):
    """What kube-bench must have said of the cluster."""

    not_older_than_days: int = Field(
        default=_REQUIREMENT.not_older_than_days,
        ge=1,
        le=365,
        description="Every class of nodes was measured within so many days.",
    )
    passing: list[CheckNumber] = Field(default_factory=list, description="Numbers of checks that pass, as `1.2.16`.")
    no_new_failures: bool = Field(
        default=False, description="Nothing fails that did not fail in the baseline which the platform accepted."
    )


class RequiresSection(_Section):
    """What must hold before a Release may go there."""

    benchmark: BenchmarkRequirementSection | None = Field(
        default=None,
        description="What kube-bench must have said of the cluster. The mode of `benchmark-recent`, "
        "`benchmark-passing` and `benchmark-no-new-failures` says whether it blocks: see `rules`.",
    )


class RuleSettingEntry(_Section):
    """How one rule counts: also written as the mode alone."""

    mode: Mode = Field(strict=False, description="`enforce` blocks a Release, `warn` is shown only.")
    enforce_from: Day | None = Field(default=None, description=_ENFORCE_FROM)

    @model_validator(mode="before")
    @classmethod
    def _of_mode_alone(cls, value: object) -> object:
        return {"mode": value} if isinstance(value, str) else value


class EnvironmentEntry(_Section):
    """A place Apps go: cluster, namespace and the rules of that place."""

    cluster: Name = Field(description="One of `clusters`.")
    namespace: str = Field(
        default="{app}",
        min_length=1,
        max_length=100,
        description="The namespace that each App has to itself: a pattern with `{app}` and `{team}`.",
    )
    mode: Mode = Field(
        default=Mode.ENFORCE,
        strict=False,
        description="Whether findings block a Release, or are shown only. The cluster's own rules follow it: run "
        "`deploy-gateway cluster install` after a change. `team-scope` always blocks.",
    )
    enforce_from: Day | None = Field(default=None, description=f"{_ENFORCE_FROM} For rules that `rules` does not name.")
    rules: dict[RuleName, RuleSettingEntry] = Field(
        default_factory=dict,
        description="The mode of single rules, where it differs: `RULE`, `kube-score/CHECK` or `schema/…`. "
        "Either `enforce`, or `{mode: warn, enforce_from: 2027-01-31}`: a warning without a day warns for ever.",
    )
    rollout_timeout_seconds: int = Field(
        default=300,
        ge=5,
        le=3600,
        description="How long a rollout may take to become healthy, before it is undone.",
    )
    chart: Chart = Field(
        default="stable", description="The standard chart that Apps get here: a version, or a channel of `charts`."
    )
    mesh: Mesh = Field(default=Mesh.ISTIO, strict=False, description="The service mesh that there is.")
    ingress: IngressSection = Field(default_factory=IngressSection, description="The one way in from outside.")
    metrics: MetricsSection = Field(default_factory=MetricsSection, description="Who reads metrics.")
    api_server: ApiServerSection = Field(
        default_factory=ApiServerSection, description="Where pods reach the Kubernetes API, if they may."
    )
    placements: dict[Name, PlacementEntry] = Field(
        default_factory=dict, description="Kinds of nodes that Apps may ask for, by name."
    )
    pull_secrets: list[Label] = Field(
        default_factory=list, description="Secrets for private registries, which the platform keeps in each namespace."
    )
    cloud: Literal["aws", "gcp", "azure"] | None = Field(
        default=None, description="Whose identities `apps.*.cloud_identities` are."
    )
    secret_stores: dict[StoreName, Annotated[str, AfterValidator(_store_prefix)]] = Field(
        default_factory=dict,
        description="Stores that `external_secrets` may name, and what its paths there begin with: a pattern with "
        "`{app}` and `{team}` that ends in a slash, such as `{team}/`; empty for all of the store.",
    )
    requires: RequiresSection = Field(
        default_factory=RequiresSection, description="What must hold before a Release may go there."
    )


class AppEntry(_Section):
    """Something registered to be deployed."""

    team: Name = Field(description="The owner: one of `teams`.")
    repository: Url = Field(description="The one address it is ever checked out from.")
    deploy_file: Annotated[str, AfterValidator(_inside_repository)] = Field(
        default="deploy.yaml",
        min_length=1,
        max_length=200,
        description="Where its deploy.yaml is in the repository.",
    )
    chart: Chart | None = Field(
        default=None,
        description="A version or channel of the standard chart, for this App in place of its Environment's.",
    )
    rules: dict[Name, dict[RuleName, RuleSettingEntry]] = Field(
        default_factory=dict,
        description="Environment → the mode of single rules there, for this App alone. `warn` needs `enforce_from`: an "
        "exception without a day is a waiver, see `deployctl waiver`.",
    )
    cloud_identities: dict[
        Name, Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9:/_.@+=-]+$", max_length=300)]
    ] = Field(default_factory=dict, description="Environment → who it is for that cloud: role, account or client id.")


class TokenEntry(_Section):
    """A bearer token, known by its digest only; `deploy-gateway token create` makes one."""

    name: str = Field(
        min_length=1,
        max_length=60,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]*$",
        description="Who or what uses it; stands beside each Release.",
    )
    role: Role = Field(strict=False, description="What its holder may do.")
    team: Name | None = Field(
        default=None, description="Whose Apps it is for; only platform-admin and measurer go without."
    )
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="The token's sha256, as 64 lower-case hex digits.")


class RegistryEntry(_Section):
    """A registry that images may come from."""

    prefix: Prefix = Field(description="`host/` or `host/path/`, ending in `/`.")
    plain_http: bool = Field(default=False, description="Ask it over http. For registries on this machine only.")
    credentials: SecretReference | None = Field(
        default=None,
        description="`env:NAME` or `file:PATH`, read by check workers only: `USER:PASSWORD`, or a token alone.",
    )


class Images(_Section):
    """Where container images may come from."""

    registries: list[RegistryEntry] = Field(default_factory=list, description="All allowed prefixes.")
    smoke: Annotated[str, AfterValidator(_pinned_image)] | None = Field(
        default=None,
        description="The platform's image with curl and sh, for smoke checks by HTTP: from one of `registries`, "
        "with a tag or digest.",
    )


class ApprovedBaseEntry(_Section):
    """A base that images may be built on: `versions`, `digests`, or both."""

    name: Name = Field(description="What people call it.")
    repository: Annotated[str, AfterValidator(_repository)] = Field(description="Where it is: `host/path`.")
    versions: Annotated[str, AfterValidator(_versions)] | None = Field(
        default=None,
        max_length=100,
        description='Tags that are versions, and which: `">=3.12 <3.14"`, or `"3.13"` for all that begin so. '
        f"The {MOST_VERSIONS} highest are looked at.",
    )
    suffix: Annotated[str, StringConstraints(pattern=r"^[-_.+A-Za-z][-_.A-Za-z0-9]*$", max_length=60)] | None = Field(
        default=None, description="What those tags end in after the version, such as `-slim`; by default nothing."
    )
    digests: list[Digest] = Field(default_factory=list, description="Builds by digest, the newest last.")
    end_of_life: Annotated[str, AfterValidator(_day)] | None = Field(
        default=None,
        description="The day (`2028-10-31`) from which on what is built on it is refused; 30 days before, it is told.",
    )
    recommended: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = Field(
        default=None,
        description="The tag or digest to build on, one of the above; by default the highest version, or the last of "
        "`digests`.",
    )
    credentials: SecretReference | None = Field(
        default=None,
        description="For a repository below none of `images.registries`: `env:NAME` or `file:PATH`, read by check "
        "workers only.",
    )


class BaseImagesSection(_Section):
    """What images may be built on. Where it stands, every image of every pod is held to it."""

    approved: list[ApprovedBaseEntry] = Field(min_length=1, description="All approved bases.")
    exempt: list[Prefix] = Field(
        default_factory=list,
        description="Prefixes (`host/path/`) of images that have a base of their own, such as those of a vendor.",
    )
    scratch: bool = Field(
        default=False,
        description="Whether images may be built on nothing (`FROM scratch`): those whose layers hold no shell, no "
        "package database and no os-release.",
    )
    platforms: list[Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+/[a-z0-9_]+(/v[0-9]+)?$")]] = Field(
        default_factory=list,
        description="What nodes are (`linux/amd64`, `linux/arm64`): each image has to be there for all of them.",
    )


class SignaturesSection(_Section):
    """Who has to have signed images. Where it stands, every image of every pod is held to it."""

    public_keys: list[Annotated[str, AfterValidator(_public_key)]] = Field(
        min_length=1,
        description="The keys of which any will do: cosign's, as PEM text, or `file:PATH` or `env:NAME`. Read by check "
        "workers.",
    )
    exempt: list[Prefix] = Field(
        default_factory=list, description="Prefixes (`host/path/`) of images that need no signature."
    )
    signed_as: list[Prefix] = Field(
        default_factory=list,
        description="Prefixes that images may have been signed below before they were copied to where they are.",
    )


class GitSection(_Section):
    """Where repositories may be."""

    allowed_hosts: list[Host] = Field(
        default_factory=list,
        description="`host` or `host:port`; empty: the hosts of the registered repositories.",
    )
    credentials: dict[Host, SecretReference] = Field(
        default_factory=dict,
        description="Host → `env:NAME` or `file:PATH`, read by check workers only: `USER:PASSWORD`, or a token alone. "
        "Shown to that host alone, and over https unless it is on this machine.",
    )


class BackstopSection(_Section):
    """Who else may write in managed namespaces, and what more only the gateway writes there.

    It holds by what `deploy-gateway cluster install` writes into a cluster: run it after a change.
    """

    restart_groups: list[GroupName] = Field(
        default_factory=list,
        description="Groups of the cluster's users that may `kubectl rollout restart`, and change nothing else.",
    )
    break_glass_groups: list[GroupName] = Field(
        default=list(_EXCEPTIONS.break_glass_groups),
        description="Groups whose users may write anything that the rules allow; the cluster's audit log names them. "
        f"By default `{_EXCEPTIONS.break_glass_groups[0]}`.",
    )
    operators: list[UserName] = Field(
        default_factory=list,
        description="Users that may write Secrets in the namespace `deploy-gateway` without being administrators, "
        "such as `system:serviceaccount:external-secrets:external-secrets`.",
    )
    kinds: list[Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$")]] = Field(
        default_factory=list,
        description="More kinds that only the gateway writes, such as those that make pods: `RESOURCE.GROUP`, "
        "the resource in the plural, `rollouts.argoproj.io` say.",
    )


class LimitsSection(_Section):
    """Bounds on what one request, and one team's repository, may cost."""

    checkout_timeout_seconds: Seconds = Field(
        default=_DEFAULTS.checkout_timeout_seconds, description="For fetching a commit."
    )
    checkout_bytes: int = Field(
        default=_DEFAULTS.checkout_bytes, ge=1024, le=2**31, description="Largest tree that is checked out."
    )
    render_timeout_seconds: Seconds = Field(
        default=_DEFAULTS.render_timeout_seconds, description="For `helm template`."
    )
    check_timeout_seconds: Seconds = Field(
        default=_DEFAULTS.check_timeout_seconds, description="For lint and policy, which run side by side."
    )
    longest_waiver_days: int = Field(
        default=_DEFAULTS.longest_waiver_days, ge=1, le=3650, description="How many days a waiver may last."
    )
    request_body_bytes: int = Field(
        default=_DEFAULTS.request_body_bytes,
        ge=1024,
        le=2**24,
        description="Largest body that the API reads.",
    )


class GatewayFile(_Section):
    """`gateway.yaml`: all that a gateway, its workers and its reconciler are told."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, title="gateway.yaml")

    apiVersion: Literal["deploy-gateway/v1"] = Field(description="The version of this format.")
    public_url: Url = Field(description="Where people and CI systems reach the gateway.")
    store: Connection = Field(description="The database: `postgresql://…`, or `sqlite:///PATH`.")
    queue: Connection = Field(description="Redis: `redis://…`, `rediss://…` or `unix://PATH`.")
    work_dir: str = Field(default="state/work", min_length=1, description="Scratch space of the workers.")
    charts: str | None = Field(
        default=None,
        min_length=1,
        description="The folder of the standard chart's versions (`VERSION/Chart.yaml`) and of `channels.yaml` "
        "(`CHANNEL: VERSION`); without it the one that ships with the package.",
    )
    clusters: dict[Name, ClusterEntry] = Field(min_length=1, description="Every cluster, by name.")
    environments: dict[Name, EnvironmentEntry] = Field(min_length=1, description="Every Environment, by name.")
    teams: dict[Name, TeamEntry] = Field(default_factory=dict, description="Every team, by name.")
    apps: dict[Name, AppEntry] = Field(default_factory=dict, description="Every App, by name.")
    tokens: list[TokenEntry] = Field(default_factory=list, description="Who may use the API.")
    images: Images = Field(default_factory=Images, description="Where images may come from.")
    base_images: BaseImagesSection | None = Field(
        default=None, description="What images may be built on; without it, no image is looked into."
    )
    signatures: SignaturesSection | None = Field(
        default=None, description="Who has to have signed images; without it, no signature is looked for."
    )
    git: GitSection = Field(default_factory=GitSection, description="Where repositories may be.")
    limits: LimitsSection = Field(default_factory=LimitsSection, description="Bounds on cost.")
    backstop: BackstopSection = Field(
        default_factory=BackstopSection, description="What holds in a cluster for everybody else."
    )
