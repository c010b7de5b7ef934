"""The catalogue of rules: plain ValidatingAdmissionPolicies, read once, the same files that a cluster takes."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from pipelines.apps import App, Environment, IngressKind
from pipelines.cluster import APP_LABEL, ENVIRONMENT_LABEL, MANAGED_LABEL, SERVICE_ACCOUNT_NAMESPACE
from pipelines.days import today
from pipelines.errors import InvalidConfiguration
from pipelines.findings import Mode, Severity
from pipelines.ports import Manifest

POLICIES = Path(__file__).with_name("policies")
UNKNOWN_KIND, UNKNOWN_FIELD, INVALID = "schema/unknown-kind", "schema/unknown-field", "schema/invalid"
"""What the schemas of a cluster have to say, which are no policies of ours."""

POLICY = "policy"
"""The name of the check that looks by the rules."""

PARAMETERS_NAME = "deploy-gateway-policy-parameters"
_ANNOTATION = "deploy-gateway.dev/"
_PARAMETER = re.compile(r"params\.\??data\.\??(\w+)")
_VARIABLE = re.compile(r"variables\.(\w+)")
_ACTIONS = {Mode.ENFORCE: ["Deny", "Audit"], Mode.WARN: ["Warn", "Audit"]}
# What is behind the rule's name in the name of a binding, by what it does.
_SUFFIXES = {Mode.ENFORCE: "", Mode.WARN: "-warn"}


@dataclass(frozen=True, slots=True)
class Validation:
    """One CEL expression that has to be true, and one that says what is wrong when it isn't."""

    expression: str
    message: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the catalogue.

    `each` is `object` when a finding is about `field`, a path in the object, where the message names none. Else it is
    `container` or `pod`, and the variable `offending`, a list of texts, says where: `NAME` is `field` of the container
    with that name, `NAME:PATH` a field of its own there, and `.PATH` one of the pod, which has metadata and spec.
    `[NAME]` in a path stands for what has that name in a list, or for a key with dots in it.

    `mode` is what holds where an Environment says nothing of this rule. `shows_value` is false where the value of
    a field must not be read in a finding. `matches` are (API group, resource in the plural), either may be `*`.
    `parameters` are those that it takes from the platform: it says nothing true where nobody knows them.
    `text` is the rule's file.
    """

    id: str
    severity: Severity
    title: str
    why: str
    how: str
    link: str
    since: str
    each: str
    field: str
    matches: frozenset[tuple[str, str]]
    variables: tuple[tuple[str, str], ...]
    validations: tuple[Validation, ...]
    policy: Manifest
    parameters: frozenset[str] = frozenset()
    conditions: tuple[str, ...] = ()
    mode: Mode = Mode.ENFORCE
    shows_value: bool = True
    text: str = ""


def load_rules(folder: Path = POLICIES) -> tuple[Rule, ...]:
    """All rules of `folder`, by id. Raises `InvalidConfiguration`, naming the file, for one that is incomplete."""
    rules = tuple(_rule(path) for path in sorted(folder.glob("*.yaml")))
    if not rules:
        raise InvalidConfiguration(
            f"there is no rule in {folder.name}/",
            "No rules would pass everything: restore the folder",
            where=folder.name,
        )
    return rules


def decidable(rule: Rule, known: Collection[str]) -> Rule | None:
    """`rule` without the validations that take another parameter than those `known`; None where none is left."""
    variables = dict(rule.variables)

    def takes(expression: str) -> set[str]:
        named = set(_PARAMETER.findall(expression)) - {"waivers"}
        return named.union(*(takes(variables[name]) for name in _VARIABLE.findall(expression)))

    left = tuple(one for one in rule.validations if takes(one.expression) <= set(known))
    used = frozenset(name for one in left for name in takes(one.expression))
    return replace(rule, validations=left, parameters=used) if left else None


def undecidable(known: Collection[str], folder: Path = POLICIES) -> tuple[str, ...]:
    """The ids of the rules that take, in whole or in part, another parameter than those `known`."""
    others = {path.stem: set(_PARAMETER.findall(path.read_text("utf-8"))) for path in folder.glob("*.yaml")}
    return tuple(sorted(rule for rule, names in others.items() if names - {"waivers"} - set(known)))


def _rule(path: Path) -> Rule:
    content = path.read_bytes()
    try:
        policy = yaml.load(content, Loader=yaml.CSafeLoader)
        about = {key.removeprefix(_ANNOTATION): text for key, text in policy["metadata"]["annotations"].items()}
        spec = policy["spec"]
        rule = Rule(
            id=policy["metadata"]["name"],
            severity=Severity(about["severity"]),
            title=about["title"],
            why=about["why"],
            how=about["how"],
            link=about["link"],
            since=about["since"],
            each=_each(about["each"]),
            field=about["field"],
            matches=frozenset(
                (group, resource)
                for match in spec["matchConstraints"]["resourceRules"]
                for group in match["apiGroups"]
                for resource in match["resources"]
            ),
            variables=tuple((one["name"], one["expression"]) for one in spec.get("variables", [])),
            validations=tuple(Validation(one["expression"], one["messageExpression"]) for one in spec["validations"]),
            policy=policy,
            parameters=frozenset(_PARAMETER.findall(json.dumps(spec))) - {"waivers"},
            conditions=tuple(one["expression"] for one in spec.get("matchConditions", [])),
            mode=Mode(about.get("mode", Mode.ENFORCE.value)),
            shows_value=about.get("shows-value") != "false",
            text=content.decode(),
        )
    except (KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise InvalidConfiguration(
            f"this rule is not complete: {error}",
            "It needs the annotations severity, title, why, how, link, since, each and field, and validations",
            where=f"policies/{path.name}",
        ) from error
    if rule.id != path.stem:
        raise InvalidConfiguration(
            f"the policy is called {rule.id!r}", f"Call it {path.stem!r}, as its file", where=f"policies/{path.name}"
        )
    return rule


def _each(text: str) -> str:
    if text not in ("container", "object", "pod"):
        raise ValueError(f"each can't be {text!r}")
    return text


def lines_of(rule: Rule) -> Mapping[str, int]:
    """The line of its file on which each text of a rule begins: of a block, the one below its `|` or `>`."""
    return {
        event.value: event.start_mark.line + (2 if event.style in ("|", ">") else 1)
        for event in yaml.parse(rule.text, Loader=yaml.CSafeLoader)
        if isinstance(event, yaml.ScalarEvent) and event.start_mark
    }


def cluster_objects(
    rules: tuple[Rule, ...],
    parameters: Mapping[str, Any],
    environments: Collection[Environment] = (),
    day: date | None = None,
) -> tuple[Manifest, ...]:
    """The rules as a cluster takes them: the policies unchanged, their bindings, and their parameters.

    Bindings hold in namespaces that the gateway manages. What breaks a rule is refused, but in those of
    `environments` that have it in the mode `warn`; there, a second binding only warns. Modes are as on `day`, in UTC
    (None: today).
    """
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": PARAMETERS_NAME, "namespace": SERVICE_ACCOUNT_NAMESPACE},
        "data": dict(parameters),
    }
    bindings = (binding for rule in rules for binding in _bindings(rule, environments, day or today()))
    return (config, *(rule.policy for rule in rules), *bindings)


def _bindings(rule: Rule, environments: Collection[Environment], day: date) -> Iterator[Manifest]:
    """What is in no Environment that is known, such as one that was taken out of gateway.yaml, has the rule's mode."""
    modes = {one.name: one.as_of(day).mode_of(rule.id, rule.mode) for one in environments}
    mixed = {one.name: apps for one in environments if (apps := _otherwise(one, rule, day))}
    others = sorted(name for name, mode in modes.items() if mode is not rule.mode and name not in mixed)
    apart = sorted({*others, *mixed})
    elsewhere = [_labelled(ENVIRONMENT_LABEL, "NotIn", apart)] if apart else []
    yield _binding(rule, _SUFFIXES[rule.mode], rule.mode, elsewhere)
    if others:
        other = _opposite(rule.mode)
        yield _binding(rule, _SUFFIXES[other], other, [_labelled(ENVIRONMENT_LABEL, "In", others)])
    for name, apps in sorted(mixed.items()):
        here = _labelled(ENVIRONMENT_LABEL, "In", [name])
        # No name of an Environment has a dot, so no two bindings have one name.
        yield _binding(rule, f".{name}", modes[name], [here, _labelled(APP_LABEL, "NotIn", apps)])
        yield _binding(rule, f".{name}.apps", _opposite(modes[name]), [here, _labelled(APP_LABEL, "In", apps)])


def _otherwise(environment: Environment, rule: Rule, day: date) -> list[str]:
    """The Apps for which `rule` has another mode on `day` than it has there for the rest."""
    rest = environment.as_of(day).mode_of(rule.id, rule.mode)
    own = {app: environment.as_of(day, app).mode_of(rule.id, rule.mode) for app in environment.app_rules}
    return sorted(app for app, mode in own.items() if mode is not rest)


def _opposite(mode: Mode) -> Mode:
    return Mode.WARN if mode is Mode.ENFORCE else Mode.ENFORCE


def _labelled(label: str, operator: str, names: Sequence[str]) -> Manifest:
    return {"key": label, "operator": operator, "values": list(names)}


def _binding(rule: Rule, suffix: str, mode: Mode, expressions: list[Manifest]) -> Manifest:
    selector: dict[str, Any] = {"matchLabels": {MANAGED_LABEL: "true"}}
    if expressions:
        selector["matchExpressions"] = expressions
    spec: dict[str, Any] = {
        "policyName": rule.id,
        "validationActions": _ACTIONS[mode],
        "matchResources": {"namespaceSelector": selector},
    }
    if "paramKind" in rule.policy["spec"]:
        spec["paramRef"] = {
            "name": PARAMETERS_NAME,
            "namespace": SERVICE_ACCOUNT_NAMESPACE,
            "parameterNotFoundAction": "Deny",
        }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": f"{rule.id}{suffix}"},
        "spec": spec,
    }


def parameters(
    registries: Collection[str] | None,
    environments: Collection[Environment],
    *,
    apps: Collection[App] = (),
    waivers: Collection[str] | None = None,
) -> Mapping[str, str]:
    """What rules take from the platform, as the data of a ConfigMap: texts, lists with a line each.

    `environments` are those of one cluster, `apps` all that there are. Where nobody knows the platform, `registries`
    is None: then it is only what objects of such stand-in Environments are made from.

    `waivers` are lines as `pipelines.waivers.parameter_lines` makes them, which deploy workers alone write (None: left
    out): a laptop and the check zone find and show what is waived, and what installs the policies leaves them be.
    """
    lines = {
        "allowed_kinds": [f"{one.name} {kind}" for one in environments for kind in one.allowed_kinds],
        "api_servers": [f"{one.api_server.cidr} {port}" for one in environments for port in one.api_server.ports],
    }
    if registries is not None:
        lines |= {"registries": list(registries)} | _ways_in(environments)
        lines |= {"secret_stores": _stores(environments), "cloud_identities": _identities(environments, apps)}
    if waivers is not None:
        lines["waivers"] = list(waivers)
    return {name: "\n".join(dict.fromkeys(found)) for name, found in lines.items()}


def _ways_in(environments: Collection[Environment]) -> dict[str, list[str]]:
    """The classes, certificate issuers and Gateways by which these Environments let requests in."""
    ways = [one.ingress for one in environments]
    return {
        "ingress_classes": [one.class_name for one in ways if one.kind is IngressKind.INGRESS],
        "ingress_issuers": [one.issuer for one in ways if one.kind is IngressKind.INGRESS and one.issuer],
        "mesh_gateways": [one.gateway for one in ways if one.kind is IngressKind.VIRTUAL_SERVICE],
        "route_gateways": [one.gateway for one in ways if one.kind is IngressKind.HTTP_ROUTE],
    }


def _stores(environments: Collection[Environment]) -> list[str]:
    """`ENVIRONMENT STORE PREFIX`: what an App may read of each store; `{team}` and `{app}` stand for its own."""
    return [f"{one.name} {store} {prefix}" for one in environments for store, prefix in one.secret_stores.items()]


def _identities(environments: Collection[Environment], apps: Collection[App]) -> list[str]:
    """`ENVIRONMENT APP IDENTITY`: who an App is for the cloud."""
    pairs = ((one, app) for one in environments for app in apps if one.name in app.cloud_identities)
    return [f"{one.name} {app.name} {app.cloud_identities[one.name]}" for one, app in pairs]


def as_json(objects: tuple[Manifest, ...]) -> str:
    """`objects` as one List that kubectl applies."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})


def with_parameters(how: str, parameters: Mapping[str, Any]) -> str:
    """`how` of a rule, with the lines of the parameter NAME where it has `{NAME}`."""
    for name, text in parameters.items():
        how = how.replace(f"{{{name}}}", ", ".join(str(text).split("\n")))
    return how
