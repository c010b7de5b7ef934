"""A third-party chart tried with other values on this machine, for what would end its findings."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from deployctl.verdicts import Suggested
from pipelines.check import JudgePorts, Made, Terms, judge
from pipelines.deployfile import Declaration
from pipelines.deployfile.overlay import with_values
from pipelines.errors import GatewayError
from pipelines.findings import Finding, blocking
from pipelines.manifests import name_of
from pipelines.ports import Reporter
from pipelines.resources import at
from pipelines.stages.checkout import Source
from pipelines.stages.render import Rendered, render
from pipelines.third_party.chart import ThirdPartyChart
from pipelines.third_party.rendering import brought, chart_files
from pipelines.third_party.templates import Keys
from pipelines.third_party.values_candidates import Candidate, Candidates
from pipelines.third_party.values_hints import MOST_SECONDS, Hints, Outcome, hints, key_of
from pipelines.third_party.wishes import spot_of, wish_of


class ValuesTrials:
    """Implements `pipelines.third_party.values_hints.Trials`: Helm once, then every check."""

    def __init__(
        self, source: Source, made: Made, terms: Terms, ports: JudgePorts, reporter: Reporter, seconds: float
    ) -> None:
        """From now on there are `seconds` for it."""
        self._source = source
        self._made = made
        self._terms = terms
        self._ports = ports
        self._reporter = reporter
        self._end = time.monotonic() + seconds
        chart = made.resolved.third_party
        self._archive = chart.archive if chart is not None else b""

    def seconds_left(self) -> float:
        """See `Trials.seconds_left`."""
        return self._end - time.monotonic()

    def outcome(self, values: Mapping[str, Any]) -> Outcome | None:
        """See `Trials.outcome`."""
        chart = self._made.resolved.third_party
        if chart is None:
            return None
        try:
            rendered = self._rendered(chart, with_values(self._made.resolved.values, values))
            found = judge(
                self._source, replace(self._made, rendered=rendered), self._terms, self._ports, self._reporter
            )
        except GatewayError:
            return None
        return Outcome(frozenset(map(name_of, rendered.objects)), found)

    def remaining(self, values: Mapping[str, Any]) -> tuple[Finding, ...] | None:
        """What is found with `values` laid over those that it has, by the stages themselves; None where they fail."""
        terms = self._terms
        resolved = replace(self._made.resolved, values=with_values(self._made.resolved.values, values))
        timeout = terms.render_timeout_seconds
        try:
            rendered = render(resolved, terms.place, terms.facts, self._ports.helm, timeout_seconds=timeout)
            return judge(self._source, Made(resolved, rendered), terms, self._ports, self._reporter)
        except GatewayError:
            return None

    def _rendered(self, chart: ThirdPartyChart, values: Mapping[str, Any]) -> Rendered:
        """As the stage makes it, but for the chart that would print the objects: nobody rolls this out."""
        place, facts = self._terms.place, self._terms.facts
        manifest = self._ports.helm.template(
            release=place.app.name,
            namespace=place.namespace,
            chart=self._archive,
            values=values,
            kubernetes_version=facts.kubernetes_version,
            api_versions=facts.api_versions,
            timeout_seconds=max(self.seconds_left(), 1.0),
        )
        files, templates = chart_files(manifest, chart, place, self._made.resolved.commit)
        contents = [content for path, content in files.items() if path.startswith("manifests/")]
        objects = tuple(json.loads(content) for content in contents)
        found = brought(chart, objects, facts)
        return replace(
            self._made.rendered,
            values=values,
            manifest=b"\n---\n".join(contents),
            objects=objects,
            templates=templates,
            found=found,
        )


def advised(
    source: Source,
    made: Made,
    findings: tuple[Finding, ...],
    terms: Terms,
    ports: JudgePorts,
    reporter: Reporter,
) -> tuple[tuple[Finding, ...], Suggested | None]:
    """`findings` of what a third-party chart rendered, with the values that end them; and all those values together.

    Where a finding's values are written already, that is its place. Raises no errors for values that don't work.
    """
    chart = made.resolved.third_party
    if chart is None or not any(one.blocks for one in findings):
        return findings, None
    trials = ValuesTrials(source, made, terms, ports, reporter, MOST_SECONDS)
    found = _hints(chart, made, findings, terms.parameters, trials)
    declaration, environment = source.declaration, terms.place.environment.name
    told = tuple(_with_hint(one, found, declaration, environment) for one in findings)
    return told, _together(found, findings, trials, declaration, environment)


def _hints(
    chart: ThirdPartyChart,
    made: Made,
    findings: tuple[Finding, ...],
    parameters: Mapping[str, Any],
    trials: ValuesTrials,
) -> Hints:
    objects = {name_of(one): one for one in made.rendered.objects}
    candidates = Candidates(chart, made.resolved.values, made.rendered.templates)

    def of(finding: Finding) -> tuple[Candidate, ...]:
        manifest = objects.get(finding.resource)
        if manifest is None:
            return ()
        spot = spot_of(finding, manifest)
        wish = wish_of(finding, spot, parameters)
        return candidates.of(finding, spot, wish, str(parameters.get("registries", "")))

    return hints(Outcome(frozenset(objects), findings), of, trials)


def _with_hint(finding: Finding, found: Hints, declaration: Declaration, environment: str) -> Finding:
    told = replace(finding, values_hint=found.text(finding))
    hint = found.of.get(key_of(finding))
    for above in (("environments", environment, "values"), ("values",)):
        if hint is not None and (*above, hint.key[0]) in declaration.lines:
            return replace(told, source=declaration.source(*above, *hint.key))
    return told


def _together(
    found: Hints, findings: tuple[Finding, ...], trials: ValuesTrials, declaration: Declaration, environment: str
) -> Suggested | None:
    """All that was found, rendered and judged once more as a Release would be."""
    remaining = trials.remaining(found.values) if found.values else None
    if remaining is None:
        return None
    still = {key_of(one) for one in remaining}
    gone = sum(1 for one in findings if key_of(one) not in still)
    overlay = declaration.file.environments.get(environment)
    own = overlay.values if overlay is not None else None
    is_overlaid = any(at(own, path) is not None for path in leaves(found.values))
    where = f"environments.{environment}.values" if is_overlaid else "values"
    return Suggested(found.values, gone, len(remaining), len(blocking(remaining)), found.leaves_out, where)


def leaves(value: Mapping[str, Any], path: Keys = ()) -> Iterator[Keys]:
    """Where in `value` there is something else than a mapping."""
    for key, one in value.items():
        if isinstance(one, Mapping):
            yield from leaves(one, (*path, key))
        else:
            yield (*path, key)
