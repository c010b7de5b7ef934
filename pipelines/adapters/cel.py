"""The rules evaluated without a cluster, by cel-expr-python: the same CEL that the API server evaluates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import ext_optional, ext_strings

from pipelines.errors import InvalidConfiguration
from pipelines.findings import Finding, Mode
from pipelines.manifests import name_of, without_nulls
from pipelines.pinpoint import pinpoint
from pipelines.ports import CheckSubject, Manifest
from pipelines.resources import at, field_path, field_text, group_of, plural_of, pod_spec_path
from pipelines.rules import Rule

_CONTAINER_LISTS = ("containers", "initContainers", "ephemeralContainers")


@dataclass(frozen=True, slots=True)
class _Compiled:
    rule: Rule
    variables: tuple[tuple[str, Any], ...]
    validations: tuple[tuple[Any, Any], ...]


class CelRules:
    """Implements `pipelines.ports.Check`. Compiles every rule when made; safe to share between threads."""

    name = "policy"

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        """Raises `InvalidConfiguration`, naming file and expression, for a rule that does not compile."""
        self._environment = cel.NewEnv(
            variables=dict.fromkeys(("object", "params", "variables", "oldObject", "request"), cel.Type.DYN),
            extensions=[ext_strings.ExtStrings(), ext_optional.ExtOptional()],
        )
        self._compiled = tuple(self._compile(rule) for rule in rules)

    def _compile(self, rule: Rule) -> _Compiled:
        return _Compiled(
            rule,
            tuple((name, self._expression(rule, text)) for name, text in rule.variables),
            tuple(
                (self._expression(rule, one.expression), self._expression(rule, one.message))
                for one in rule.validations
            ),
        )

    def _expression(self, rule: Rule, text: str) -> Any:
        try:
            return self._environment.compile(text)
        except Exception as error:
            raise InvalidConfiguration(
                f"this CEL expression does not compile: {text.strip()!r}: {error}",
                "Correct the expression",
                where=f"policies/{rule.id}.yaml",
            ) from error

    def findings(self, subject: CheckSubject) -> tuple[Finding, ...]:
        """See `pipelines.ports.Check.findings`."""
        return tuple(
            finding
            for manifest in subject.objects
            for compiled in self._compiled
            if _applies(compiled.rule, manifest)
            for finding in self._evaluate(compiled, manifest, subject.parameters)
        )

    def _evaluate(self, compiled: _Compiled, manifest: Manifest, parameters: Mapping[str, Any]) -> Iterator[Finding]:
        try:
            data, broken = _judged(compiled, manifest, parameters)
            if broken and compiled.rule.each == "container":
                yield from _by_container(compiled.rule, manifest, data["variables"]["offending"])
                return
            for number, message in broken.items():
                judge = partial(_complaint, compiled, number, parameters)
                for path, what in pinpoint(message, compiled.rule.field, without_nulls(manifest), judge):
                    yield _finding(compiled.rule, manifest, _in_this_kind(path, manifest), what)
        except _EvaluationError as error:
            yield _finding(compiled.rule, manifest, (), f"the rule could not be evaluated: {error}")


def _judged(compiled: _Compiled, manifest: Manifest, parameters: Mapping[str, Any]) -> tuple[Any, dict[int, str]]:
    """What the expressions saw, and the message of each validation that is not true, by its number."""
    # The server sees no nulls: an absent field and `field: null` are the same to it.
    data: dict[str, Any] = {
        "object": without_nulls(manifest),
        "params": {"data": dict(parameters)},
        "variables": {},
        "oldObject": None,
        "request": {},
    }
    for name, expression in compiled.variables:
        data["variables"][name] = _value(expression, data)
    broken = {
        number: str(_value(message, data))
        for number, (expression, message) in enumerate(compiled.validations)
        if _value(expression, data) is not True
    }
    return data, broken


def _complaint(compiled: _Compiled, number: int, parameters: Mapping[str, Any], manifest: Manifest) -> str | None:
    return _judged(compiled, manifest, parameters)[1].get(number)


def _in_this_kind(path: tuple[str | int, ...], manifest: Manifest) -> tuple[str | int, ...]:
    """Rules about pods name fields as a Deployment has them."""
    if path[:3] == ("spec", "template", "spec"):
        return (*pod_spec_path(str(manifest["kind"])), *path[3:])
    return path


class _EvaluationError(Exception):
    pass


def _value(expression: Any, data: Mapping[str, Any]) -> Any:
    """The expression's value; CEL's errors are values too, and true ones at that, unless somebody looks."""
    result = expression.eval(data=data)
    if result.type() == cel.Type.ERROR:
        raise _EvaluationError(str(result.value()))
    return result.plain_value()


def _applies(rule: Rule, manifest: Manifest) -> bool:
    group, plural = group_of(str(manifest["apiVersion"])), plural_of(str(manifest["kind"]))
    return any((g, p) in rule.matches for g in (group, "*") for p in (plural, "*"))


def _by_container(rule: Rule, manifest: Manifest, offending: list[str]) -> Iterator[Finding]:
    spec_path = pod_spec_path(str(manifest["kind"]))
    for kind in _CONTAINER_LISTS:
        for index, container in enumerate(at(manifest, (*spec_path, kind)) or []):
            if container.get("name") in offending:
                path = (*spec_path, kind, index, *field_path(rule.field))
                value = at(manifest, path)
                shown = "not set" if value is None else repr(value)
                what = f"container {container.get('name')}: {rule.field} is {shown}"
                yield _finding(rule, manifest, path, what)


def _finding(rule: Rule, manifest: Manifest, path: tuple[str | int, ...], what: str) -> Finding:
    return Finding(
        rule=rule.id,
        severity=rule.severity,
        mode=Mode.ENFORCE,
        resource=name_of(manifest),
        field=field_text(path),
        source="",
        what=what,
        why=rule.why,
        how=rule.how,
        link=rule.link,
        found_by="policy",
    )
