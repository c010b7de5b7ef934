"""What this machine knows of the platform: its gateway.yaml where there is one, else stand-ins, and what is open."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from deployctl.facts import facts_path, read_facts
from deployctl.verdicts import STAND_IN_ENVIRONMENT, NotChecked
from pipelines.apps import App, AppName, ClusterName, Environment, EnvironmentName, Placement
from pipelines.charts import StandardCharts
from pipelines.days import today
from pipelines.errors import InvalidInput
from pipelines.place import Place
from pipelines.ports import ClusterFacts
from pipelines.rules import parameters, undecidable
from pipelines.suggestions import did_you_mean
from pipelines.third_party.published import ChartRepository
from pipelines.waivers import Waiver, in_force

T = TypeVar("T")

KUBERNETES_VERSION = "v1.36.3"
STAND_IN_TEAM = "local"
_TAGS = "image tags in place of digests"
STAND_IN_SMOKE_IMAGE = "registry.invalid/smoke:0"


ANY_REPOSITORY = tuple(map(ChartRepository, ("oci://", "https://", "http://127.0.0.1:", "http://localhost:")))


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user says about where it goes. None: not said.

    `namespace` is a pattern with {app} and {team}; `standard_chart` a version or channel of it.
    """

    environment: str | None = None
    team: str | None = None
    namespace: str | None = None
    kubernetes_version: str | None = None
    standard_chart: str | None = None
    config: Path | None = None
    facts: Path | None = None


@dataclass(frozen=True, slots=True)
class Platform:
    """One Environment as far as it is known.

    `registries` is None where nobody said which are allowed; `environments` None where any name may be one.
    `neighbours` are the Environments of its cluster, itself among them.
    `chart_repositories` are where third-party charts may come from, without credentials: any, where nobody said which.
    `waivers` are those in force, as the gateway told them; None: it did not.
    `apps` are the registered ones; `chart` is what is asked for in place of what is pinned. `stand_ins` says
    what was assumed, a few words each.
    """

    environment: Environment
    environments: Collection[str] | None
    neighbours: tuple[Environment, ...]
    apps: Mapping[str, App]
    registries: tuple[str, ...] | None
    charts: StandardCharts
    chart: str | None
    smoke_image: str | None
    team: str
    facts: ClusterFacts
    stand_ins: tuple[str, ...]
    waivers: tuple[Waiver, ...] | None = None
    chart_repositories: tuple[ChartRepository, ...] = ANY_REPOSITORY

    def app(self, name: str, deploy_file: str) -> App:
        """The registered App, or one of the stand-in team; its file is the one that is looked at."""
        known = self.apps.get(name) or App(AppName(name), self.team, "")
        return replace(known, deploy_file=deploy_file)

    def place(self, app: App) -> Place:
        """Where `app` goes. Raises `InvalidInput` for a chart that there is not."""
        namespaces: Mapping[str, str] = (
            {name: self.environment.namespace_of(other) for name, other in self.apps.items()}
            if self.environments is not None
            else _Anything(lambda name: self.environment.namespace_of(self.app(name, "")))
        )
        return Place(
            app=app,
            environment=self.environment.as_of(today(), app.name),
            namespaces=namespaces,
            registries=self.registries or (),
            standard_chart=self.charts.resolve(self.chart or app.chart or self.environment.chart).path,
            smoke_image=self.smoke_image,
        )

    def in_namespace(self, pattern: str) -> Platform:
        """The same one, but for the namespaces in this Environment. Raises `InvalidInput` for what is no pattern."""
        return replace(self, environment=replace(self.environment, namespace=_pattern(pattern)))

    def waivers_of(self, app: str) -> tuple[Waiver, ...]:
        """Those in force for `app` here, as far as the gateway told them."""
        return in_force(self.waivers or (), app, self.environment.name, today())

    def not_checked(self) -> tuple[NotChecked, ...]:
        """What nothing on this machine can say."""
        cluster = self.environment.cluster
        file = "deployctl cluster facts CLUSTER -o FILE, then --facts FILE"
        command = f"deployctl cluster facts {cluster}" if self.environments is not None else file
        schemas = NotChecked("schemas of the cluster", "no facts", command)
        known = parameters(self.registries, self.neighbours).keys()
        rules = " · ".join(undecidable(known)) if self.registries is None else ""
        platform = NotChecked(f"what the platform allows, for {rules}", "no gateway.yaml", "--config FILE")
        images = NotChecked("images, their bases and signatures", "no registry is asked")
        posture = NotChecked("what kube-bench must have said of the cluster", "the gateway knows")
        return (
            *([] if self.facts.schemas else [schemas]),
            *([platform] if self.registries is None else []),
            images,
            *([posture] if self.environment.benchmark else []),
        )


class _Anything(Mapping[str, T]):
    """Where nobody knows the names, each that is asked for is one, and means what `make` makes of it."""

    def __init__(self, make: Callable[[str], T]) -> None:
        self._make = make

    def __getitem__(self, name: str) -> T:
        return self._make(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def platform_for(asked: Asked) -> Platform:
    """The platform as `asked.config` has it, or stand-ins. Raises `InvalidInput`, `InvalidConfiguration`."""
    version = asked.kubernetes_version
    if version is not None and not re.fullmatch(r"v\d+\.\d+(\.\d+)?", version):
        raise InvalidInput(f"{version!r} is no version of Kubernetes", "Write it as v1.36.3", where="--kube-version")
    return _configured(asked, asked.config) if asked.config else _assumed(asked)


def _assumed(asked: Asked) -> Platform:
    environment = Environment(
        EnvironmentName(asked.environment or STAND_IN_ENVIRONMENT),
        ClusterName("local"),
        namespace=_pattern(asked.namespace or "{app}"),
        placements=_Anything(_any_node),
    )
    charts = StandardCharts()
    charts.resolve(asked.standard_chart or environment.chart)
    team = asked.team or STAND_IN_TEAM
    facts, assumed = _facts(asked, None)
    stand_ins = (
        *([f"Environment {environment.name}"] if asked.environment is None else []),
        *([f"team {team}"] if asked.team is None else []),
        *([f"namespaces {environment.namespace}"] if asked.namespace is None else []),
        *([f"standard chart {environment.chart}"] if asked.standard_chart is None else []),
        *assumed,
        _TAGS,
    )
    return Platform(
        environment=environment,
        environments=None,
        neighbours=(environment,),
        apps={},
        registries=None,
        charts=charts,
        chart=asked.standard_chart,
        smoke_image=STAND_IN_SMOKE_IMAGE,
        team=team,
        facts=facts,
        stand_ins=stand_ins,
    )


def _any_node(_placement: str) -> Placement:
    return Placement()


def _configured(asked: Asked, config: Path) -> Platform:
    from configuration.file import load

    if asked.namespace is not None:
        reason = f"the namespaces of Apps are those that {config} gives them"
        raise InvalidInput(reason, "Leave it out, or the gateway.yaml", where="--namespace")
    settings = load(config, with_secrets=False)
    name = asked.environment or (next(iter(settings.environments)) if len(settings.environments) == 1 else None)
    if name is None or name not in settings.environments:
        reason = f"there is no Environment {name!r} in {config}" if name else "which Environment is not said"
        solution = f"--env {did_you_mean(name, settings.environments)}" if name else f"{config} has several"
        known = ", ".join(sorted(settings.environments))
        raise InvalidInput(reason, f"{solution}. Write --env with one of: {known}", where="--env")
    environment = settings.environments[name]
    facts, assumed = _facts(asked, environment.cluster)
    return Platform(
        environment=environment,
        environments=settings.environments,
        neighbours=settings.environments_of(environment.cluster),
        apps=settings.apps,
        registries=tuple(one.prefix for one in settings.registries),
        charts=settings.charts,
        chart=asked.standard_chart,
        smoke_image=settings.smoke_image,
        team=asked.team or STAND_IN_TEAM,
        facts=facts,
        stand_ins=(*assumed, _TAGS),
        chart_repositories=tuple(ChartRepository(one.prefix, one.plain_http) for one in settings.chart_repositories),
    )


def _facts(asked: Asked, cluster: str | None) -> tuple[ClusterFacts, tuple[str, ...]]:
    """The facts, and what of them is assumed."""
    path = asked.facts or (facts_path(cluster) if cluster else None)
    if path is None or (asked.facts is None and not path.exists()):
        version = asked.kubernetes_version or KUBERNETES_VERSION
        said = () if asked.kubernetes_version else (f"Kubernetes {version}",)
        return ClusterFacts(version, (), {}), said
    facts = read_facts(path)
    version = asked.kubernetes_version or facts.kubernetes_version
    return ClusterFacts(version, facts.api_versions, facts.schemas), ()


def _pattern(text: str) -> str:
    try:
        text.format(app="app", team="team")
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise InvalidInput(
            f"{text!r} is no pattern of namespaces", "Write '{app}' or '{app}-staging', in quotes", where="--namespace"
        ) from error
    return text
