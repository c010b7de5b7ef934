"""The rules evaluated without a cluster, by cel-expr-python: the same CEL that the API server evaluates."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, cached_property, partial
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import ext_bindings, ext_optional, ext_strings

from pipelines.adapters.cel_functions import kubernetes
from pipelines.cluster import SERVICE_ACCOUNT, SERVICE_ACCOUNT_NAMESPACE
from pipelines.errors import InvalidConfiguration
from pipelines.findings import Finding
from pipelines.image_advice import advice, unpinned
from pipelines.manifests import name_of, without_nulls
from pipelines.offending import Offence, of_entry, of_field, of_pod
from pipelines.pinpoint import pinpoint
from pipelines.ports import CheckSubject, Manifest
from pipelines.resources import at, field_text, group_of, namespace_of, plural_of
from pipelines.rules import POLICY, Rule, lines_of, with_parameters
from pipelines.snippets import of_image, of_variable

# Texts and comments, which stay as they are; the question for a variable, and the variable.
_TOKENS = re.compile(
    r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|//[^\n]*)|(\bhas\(\s*)?\bvariables\.([A-Za-z_]\w*)(?(2)\s*\))"""
)
_LINE_OF_ERROR = re.compile(r"<input>:(\d+):")
_OFFENDING = "variables.offending"
_NAMES = ("object", "oldObject", "params", "request", "variables")
_Compile = Callable[[str], Any]


class _Compiled:
    """The expressions of one rule, compiled when somebody asks for them.

    All validations are one expression, and single ones where that isn't true: to compile and to ask is dear.
    """

    def __init__(self, rule: Rule, built: _Compile, checked: _Compile) -> None:
        """`built` compiles what is evaluated; `checked` sees besides whether its types fit, and takes twice as long."""
        self.rule = rule
        self._built = built
        self._checked = checked

    @cached_property
    def conditions(self) -> tuple[Any, ...]:
        """Raises `InvalidConfiguration` for one that does not compile."""
        return tuple(self.expression(text) for text in self.rule.conditions)

    @cached_property
    def holds(self) -> Any:
        """True when all of the rule's validations are. Raises `InvalidConfiguration` for one that does not compile."""
        return self.expression(_all_of(self.rule))

    def expression(self, text: str) -> Any:
        """`text` of the rule. Raises `InvalidConfiguration`, naming file, line and expression."""
        return self._compiled(self._built, text)

    def _compiled(self, compile_: _Compile, text: str) -> Any:
        try:
            return compile_(_with_variables(text, self.rule.variables))
        except Exception as error:
            raise self._fault(text, error) from error

    def prepare(self) -> None:
        """Compiles what is asked of every object. Raises `InvalidConfiguration` unless all expressions compile."""
        rule, whole = self.rule, _all_of(self.rule)
        for text in (*rule.conditions, whole):
            self._compiled(self._checked, text)
            self.expression(text)
        bound = _with_variables(whole, rule.variables)
        # What is asked for only when a rule is broken is put together then; that it can be is seen now.
        unused = [text for name, text in rule.variables if f"cel.bind(variables_{name}," not in bound]
        messages = [one.message for one in rule.validations]
        for text in (*unused, *messages, *([] if rule.each == "object" else [_OFFENDING])):
            error = self._error(text)
            if error is not None:
                raise self._fault(text, error)

    def _error(self, text: str) -> Exception | None:
        """Why `text` does not compile by itself, or which of its variables is not there."""
        try:
            _with_variables(text, self.rule.variables)
            self._checked(text)
        except Exception as error:  # noqa: BLE001 (the library has no class of its own)
            return error
        return None

    def _fault(self, text: str, error: Exception) -> InvalidConfiguration:
        """Which of the expressions it is: `text`, or a part of it, or a variable's that was put around it."""
        rule = self.rule
        validations = [one.expression for one in rule.validations]
        parts = [*(expression for _, expression in rule.variables), *validations]
        found = ((part, own) for part in parts if (own := self._error(part)) is not None)
        text, error = next(found, (text, error))
        beyond = _LINE_OF_ERROR.search(str(error))
        first = lines_of(rule).get(text)
        line = "" if first is None else f":{first + (int(beyond.group(1)) - 1 if beyond else 0)}"
        return InvalidConfiguration(
            f"this CEL expression does not compile: {text.strip()!r}: {error}",
            "Correct the expression",
            where=f"policies/{rule.id}.yaml{line}",
        )


class CelRules:
    """Implements `pipelines.ports.Check`. Safe to share between threads.

    A variable is no value of its own: `cel.bind` puts it around each expression that needs it, and as on the server it
    is evaluated when it is asked for. An object is turned into CEL's values once for all rules.
    """

    name = POLICY

    def __init__(self, rules: tuple[Rule, ...], *, prepared: bool = True) -> None:
        """Compiles every rule now, or, where not `prepared`, each when there is an object of its kinds.

        Raises `InvalidConfiguration`, naming file, line and expression, for a rule that does not compile.
        """
        self._environment = cel.NewEnv(
            variables=dict.fromkeys(_NAMES, cel.Type.DYN),
            extensions=[ext_strings.ExtStrings(), ext_optional.ExtOptional(), ext_bindings.ExtBindings(), kubernetes()],
        )
        built = cache(partial(self._environment.compile, disable_check=True))
        checked = cache(self._environment.compile)
        self._rules = tuple(_Compiled(rule, built, checked) for rule in rules)
        self._of_kind = cache(self._for)
        for one in self._rules if prepared else ():
            one.prepare()

    def _for(self, api_version: str, kind: str) -> tuple[_Compiled, ...]:
        """The rules for such objects."""
        group, plural = group_of(api_version), plural_of(kind)
        names = {(g, p) for g in (group, "*") for p in (plural, "*")}
        return tuple(one for one in self._rules if not one.rule.matches.isdisjoint(names))

    def findings(self, subject: CheckSubject) -> tuple[Finding, ...]:
        """See `pipelines.ports.Check.findings`."""
        return tuple(found for manifest in subject.objects for found in self._of_object(manifest, subject))

    def _of_object(self, manifest: Manifest, subject: CheckSubject) -> Iterator[Finding]:
        activation = self._activation(manifest, subject)
        for compiled in self._of_kind(str(manifest["apiVersion"]), str(manifest["kind"])):
            for place in self._places(compiled, manifest, subject, activation):
                yield _finding(compiled.rule, manifest, place, subject.parameters)

    def _activation(self, manifest: Manifest, subject: CheckSubject) -> Any:
        """What expressions see."""
        data = {
            "object": _as_sent(manifest, subject.namespace),
            "oldObject": None,
            "params": {"data": dict(subject.parameters)},
            "request": _request(manifest, subject),
        }
        return self._environment.Activation(data=data)

    def _places(
        self, compiled: _Compiled, manifest: Manifest, subject: CheckSubject, activation: Any
    ) -> tuple[Offence, ...]:
        """Where `manifest` breaks the rule."""
        rule = compiled.rule
        try:
            broken = self._broken(compiled, activation)
            if rule.each == "object":
                return tuple(self._of_messages(compiled, manifest, subject, broken))
            entries = _value(compiled.expression(_OFFENDING), activation) if broken else []
        except _EvaluationError as error:
            return (Offence((), f"the rule could not be evaluated: {error}"),)
        places = tuple(of_entry(rule, manifest, str(entry)) for entry in entries)
        return places or tuple(of_pod(manifest, message) for message in broken.values())

    def _broken(self, compiled: _Compiled, activation: Any) -> dict[int, str]:
        """The messages of all validations that are not true, by their number. Raises `_EvaluationError`."""
        if not _asked(compiled.conditions, activation):
            return {}
        if _is_true(compiled.holds, activation):
            return {}
        return {
            number: str(_value(compiled.expression(one.message), activation))
            for number, one in enumerate(compiled.rule.validations)
            if _value(compiled.expression(one.expression), activation) is not True
        }

    def _of_messages(
        self, compiled: _Compiled, manifest: Manifest, subject: CheckSubject, broken: dict[int, str]
    ) -> Iterator[Offence]:
        """The fields that the messages name. Raises `_EvaluationError`."""
        for number, message in broken.items():

            def judge(one: Manifest, number: int = number) -> str | None:
                return self._broken(compiled, self._activation(one, subject)).get(number)

            for path, what in pinpoint(message, compiled.rule.field, without_nulls(manifest), judge):
                yield of_field(manifest, path, what)


def _all_of(rule: Rule) -> str:
    return " && ".join(f"({one.expression}\n)" for one in rule.validations)


def _with_variables(text: str, variables: tuple[tuple[str, str], ...]) -> str:
    """`text` inside of those variables that it needs; they may need those above them.

    Raises ValueError for one that isn't there.
    """
    above = dict(variables)
    body, missing = _plain(text)
    for name, expression in reversed(variables):
        del above[name]
        if name in missing:
            own, needed = _plain(expression)
            missing = (missing - {name}) | needed
            body = f"cel.bind(variables_{name}, ({own}\n), {body}\n)"  # a comment ends with its line
    if missing:
        raise ValueError(f"there is no variable {min(missing)!r} above it")
    return body


def _plain(text: str) -> tuple[str, set[str]]:
    """`text` with plain names for variables, and which they are. A variable is always there, so `has` is true."""
    names = {name for *_, name in _TOKENS.findall(text) if name}

    def replaced(token: re.Match[str]) -> str:
        return token[1] or ("true" if token[2] else f"variables_{token[3]}")

    return _TOKENS.sub(replaced, text), names


def _as_sent(manifest: Manifest, default: str) -> Manifest:
    """`manifest` as policies on the server see it: without nulls, and in the namespace that it was written from."""
    sent: dict[str, Any] = without_nulls(manifest)
    namespace, metadata = namespace_of(manifest, default), sent.get("metadata", {})
    if namespace and isinstance(metadata, dict):
        sent["metadata"] = {**metadata, "namespace": namespace}
    return sent


def _request(manifest: Manifest, subject: CheckSubject) -> dict[str, Any]:
    """The request as the API server sees it, when the gateway makes `manifest` there."""
    group, _, version = str(manifest["apiVersion"]).rpartition("/")
    kind = {"group": group, "version": version, "kind": manifest["kind"]}
    resource = {"group": group, "version": version, "resource": plural_of(str(manifest["kind"]))}
    accounts = "system:serviceaccounts"
    return {
        "kind": kind,
        "requestKind": kind,
        "resource": resource,
        "requestResource": resource,
        "operation": "CREATE",
        "namespace": namespace_of(manifest, subject.namespace),
        "name": str(at(manifest, ("metadata", "name")) or ""),
        "dryRun": False,
        "userInfo": {
            "username": f"system:serviceaccount:{SERVICE_ACCOUNT_NAMESPACE}:{SERVICE_ACCOUNT}",
            "groups": [accounts, f"{accounts}:{SERVICE_ACCOUNT_NAMESPACE}", "system:authenticated"],
        },
    }


class _EvaluationError(Exception):
    pass


def _value(expression: Any, activation: Any) -> Any:
    """The expression's value; CEL's errors are values too, and true ones at that, unless somebody looks."""
    result = expression.eval(activation)
    if result.type() == cel.Type.ERROR:
        raise _EvaluationError(str(result.value()))
    return result.plain_value()


def _is_true(expression: Any, activation: Any) -> bool:
    result = expression.eval(activation)
    return result.type() == cel.Type.BOOL and result.plain_value() is True


def _asked(conditions: tuple[Any, ...], activation: Any) -> bool:
    """Whether all conditions are true. As on the server one that is false outweighs one that can't be evaluated."""
    errors = []
    for condition in conditions:
        try:
            if _value(condition, activation) is False:
                return False
        except _EvaluationError as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return True


def _finding(rule: Rule, manifest: Manifest, place: Offence, parameters: Mapping[str, Any]) -> Finding:
    field = field_text(place.path)
    written = at(manifest, place.path)
    reason = unpinned(written) if rule.id == "image-pinned" else ""
    return Finding(
        rule=rule.id,
        severity=rule.severity,
        mode=rule.mode,
        resource=name_of(manifest),
        field=field,
        source="",
        what=f"{place.what}: {reason}" if reason else place.what,
        why=rule.why,
        how=_how(rule, manifest, place, parameters, written),
        link=rule.link,
        found_by=POLICY,
    )


def _how(rule: Rule, manifest: Manifest, place: Offence, parameters: Mapping[str, Any], written: Any) -> str:
    """What to write in this very case, where more than the rule's own words can be said."""
    field = field_text(place.path)
    registries = [line for line in str(parameters.get("registries", "")).split("\n") if line.endswith("/")]
    of_this = advice(rule.id, written, field, registries)
    how = of_this or of_image(with_parameters(rule.how, parameters), field)
    return of_variable(how, at(manifest, (*place.path[:-1], "name"))) if rule.id == "secret-literals" else how
