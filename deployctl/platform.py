"""What this machine knows of the platform: its gateway.yaml where there is one, else stand-ins, and what is open."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deployctl.facts import facts_path, read_facts
from deployctl.verdicts import NotChecked
from pipelines.apps import App, AppName, ClusterName, Environment, EnvironmentName
from pipelines.errors import InvalidInput
from pipelines.ports import ClusterFacts
from pipelines.stages.resolve import CHARTS, Place
from pipelines.suggestions import did_you_mean

KUBERNETES_VERSION = "v1.36.3"
STAND_IN_ENVIRONMENT = "local"
STAND_IN_TEAM = "local"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user says about where it goes. None: not said. `namespace` is a pattern with {app} and {team}."""

    environment: str | None = None
    team: str | None = None
    namespace: str | None = None
    kubernetes_version: str | None = None
    config: Path | None = None
    facts: Path | None = None


@dataclass(frozen=True, slots=True)
class Platform:
    """One Environment as far as it is known.

    `registries` is None where nobody said which are allowed; `environments` None where any name may be one.
    `apps` are the registered ones. `stand_ins` says what was assumed, a line each.
    """

    environment: Environment
    environments: Collection[str] | None
    apps: Mapping[str, App]
    registries: tuple[str, ...] | None
    ingress_class: str
    chart: Path
    team: str
    facts: ClusterFacts
    stand_ins: tuple[str, ...]

    def app(self, name: str, deploy_file: str) -> App:
        """The registered App, or one of the stand-in team; its file is the one that is looked at."""
        known = self.apps.get(name)
        return App(AppName(name), known.team if known else self.team, known.repository if known else "", deploy_file)

    def place(self, app: App) -> Place:
        """Where `app` goes."""
        namespaces: Mapping[str, str] = (
            {name: self.environment.namespace_of(other) for name, other in self.apps.items()}
            if self.apps
            else _AnyApp(self.environment, self.team)
        )
        return Place(
            app=app,
            environment=self.environment,
            namespaces=namespaces,
            registries=self.registries or (),
            ingress_class=self.ingress_class,
            standard_chart=self.chart,
        )

    def not_checked(self) -> tuple[NotChecked, ...]:
        """What nothing on this machine can say."""
        schemas = NotChecked("schemas of the cluster", "no facts", "--facts FILE")
        registries = NotChecked("allowed registries", "no gateway.yaml", "--config FILE")
        images = NotChecked("that images exist", "no registry is asked")
        return (
            *([] if self.facts.schemas else [schemas]),
            *([registries] if self.registries is None else []),
            images,
        )


class _AnyApp(Mapping[str, str]):
    """Where nobody knows the Apps, each that is named is one, in the namespace that the pattern gives it."""

    def __init__(self, environment: Environment, team: str) -> None:
        self._environment, self._team = environment, team

    def __getitem__(self, name: str) -> str:
        return self._environment.namespace_of(App(AppName(name), self._team, ""))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def platform_for(asked: Asked) -> Platform:
    """The platform as `asked.config` has it, or stand-ins. Raises `InvalidInput`, `InvalidConfiguration`."""
    return _configured(asked, asked.config) if asked.config else _assumed(asked)


def _assumed(asked: Asked) -> Platform:
    environment = Environment(
        EnvironmentName(asked.environment or STAND_IN_ENVIRONMENT),
        ClusterName("local"),
        namespace=_pattern(asked.namespace or "{app}"),
    )
    team = asked.team or STAND_IN_TEAM
    facts, assumed = _facts(asked, None)
    stand_ins = (
        *([f"Environment {environment.name}"] if asked.environment is None else []),
        *([f"team {team}"] if asked.team is None else []),
        *([f"namespaces {environment.namespace}"] if asked.namespace is None else []),
        *assumed,
        "image tags as written",
    )
    return Platform(environment, None, {}, None, "istio", CHARTS / "standard-app", team, facts, stand_ins)


def _configured(asked: Asked, config: Path) -> Platform:
    from configuration.file import load

    settings = load(config, with_secrets=False)
    name = asked.environment or (next(iter(settings.environments)) if len(settings.environments) == 1 else None)
    if name not in settings.environments:
        reason = f"there is no Environment {name!r} in {config}" if name else "which Environment is not said"
        solution = f"--env {did_you_mean(name, settings.environments)}" if name else f"{config} has several"
        known = ", ".join(sorted(settings.environments))
        raise InvalidInput(reason, f"{solution}. Write --env with one of: {known}", where="--env")
    environment = settings.environments[name]
    facts, assumed = _facts(asked, environment.cluster)
    return Platform(
        environment=environment,
        environments=settings.environments,
        apps=settings.apps,
        registries=tuple(one.prefix for one in settings.registries),
        ingress_class=settings.ingress_class,
        chart=settings.chart,
        team=asked.team or STAND_IN_TEAM,
        facts=facts,
        stand_ins=(*assumed, "image tags as written"),
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
