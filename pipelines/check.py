"""The check zone's half of a Pipeline: from a ref to a frozen Bundle, or to the findings that stop it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.apps import CommitSha
from pipelines.bundle import Bundle, BundleDigest, freeze
from pipelines.duplicates import merged
from pipelines.errors import GatewayError, RenderFailed
from pipelines.exemptions import Exemption, in_short
from pipelines.findings import Finding, blocking
from pipelines.place import Place
from pipelines.ports import Check, CheckSubject, ClusterFacts, Git, Registry, Renderer, Reporter
from pipelines.reporting import Outcome, stage
from pipelines.snippets import of_deploy_yaml, of_kubernetes
from pipelines.sources import located, of_chart
from pipelines.stages.checking import Answers, run_side_by_side, together
from pipelines.stages.checkout import Source, checkout
from pipelines.stages.render import Rendered, render
from pipelines.stages.resolve import Resolved, resolve
from pipelines.states import StageName, StageState
from pipelines.third_party.published import Charts
from pipelines.third_party.rendering import Brought
from pipelines.waivers import Waiver


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a source is held against: where it goes, the cluster there, and what the rules take from the platform.

    `waivers` are those in force for this App there; the Environment of `place` is as it is on the day of the check.
    """

    place: Place
    facts: ClusterFacts
    parameters: Mapping[str, Any]
    waivers: tuple[Waiver, ...] = ()
    registry_timeout_seconds: float = 10.0
    render_timeout_seconds: float = 15.0
    check_timeout_seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequest(Terms):
    """What is to be checked. `scratch` is an empty directory's name, for this check alone."""

    ref: str
    environments: Collection[str]
    scratch: Path
    checkout_timeout_seconds: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgePorts:
    """The adapters that rendering and judging work with. Without a registry tags stay tags.

    Without `charts` no third-party chart is downloaded. What is looked at less closely by `exemptions` is told.
    """

    registry: Registry | None
    helm: Renderer
    lint: tuple[Check, ...]
    policy: tuple[Check, ...]
    charts: Charts | None = None
    exemptions: tuple[Exemption, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPorts(JudgePorts):
    """The adapters that a check works with."""

    registry: Registry
    git: Git


@dataclass(frozen=True, slots=True)
class Made:
    """What a source became: resolved, and rendered."""

    resolved: Resolved
    rendered: Rendered


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of it. `chart` is name and version of what rendered it; `bundle` is None when a finding blocks."""

    commit: CommitSha
    subject: str
    chart: str
    findings: tuple[Finding, ...]
    bundle: tuple[BundleDigest, bytes] | None


def check(request: CheckRequest, ports: CheckPorts, reporter: Reporter) -> Checked:
    """Runs checkout, resolve, render, and lint beside policy. Raises GatewayErrors, `Cancelled` among them."""
    with stage(reporter, StageName.CHECKOUT) as outcome:
        source = checkout(
            request.place.app,
            request.ref,
            request.environments,
            ports.git,
            request.scratch / "tree",
            timeout_seconds=request.checkout_timeout_seconds,
        )
        outcome.detail = f"{source.checkout.commit[:8]} {source.checkout.subject}"
    made = make(source, request, ports, reporter)
    findings = judge(source, made, request, ports, reporter)
    bundle = None if blocking(findings) else freeze(_bundle(request, source, made.resolved, made.rendered))
    return Checked(source.checkout.commit, source.checkout.subject, made.rendered.chart_label, findings, bundle)


def make(source: Source, terms: Terms, ports: JudgePorts, reporter: Reporter) -> Made:
    """Runs resolve and render. Raises GatewayErrors, `Cancelled` among them."""
    with stage(reporter, StageName.RESOLVE) as outcome:
        timeout = terms.registry_timeout_seconds
        resolved = resolve(source, terms.place, ports.registry, ports.charts, timeout_seconds=timeout)
        outcome.detail = _resolved_words(resolved)
    with stage(reporter, StageName.RENDER) as outcome:
        timeout = terms.render_timeout_seconds
        rendered = render(resolved, terms.place, terms.facts, ports.helm, timeout_seconds=timeout)
        _insist_on_objects(rendered, resolved)
        for one in rendered.found:
            reporter.log(StageName.RENDER, f"{one.resource}: {one.what}")
        outcome.detail = f"{len(rendered.objects)} objects by {rendered.chart_label}"
    return Made(resolved, rendered)


def _insist_on_objects(rendered: Rendered, resolved: Resolved) -> None:
    """Raises `RenderFailed` where there is none: nothing to check is no pass."""
    if rendered.objects:
        return
    if resolved.third_party is not None:
        reason = f"{resolved.third_party.label} renders no object with these values"
        raise RenderFailed(reason, "Set the values that switch its parts on, or name another chart")
    raise RenderFailed("nothing was rendered", "See that the folder of `manifests:` has files with objects in them")


def _resolved_words(resolved: Resolved) -> str:
    if resolved.third_party is not None:
        return resolved.third_party.label
    return ", ".join(resolved.images.values()) or f"{len(resolved.files)} objects as the team wrote them"


def judge(source: Source, made: Made, terms: Terms, ports: JudgePorts, reporter: Reporter) -> tuple[Finding, ...]:
    """Runs lint beside policy: the findings of both, with modes and source lines. Raises GatewayErrors."""
    rendered = made.rendered
    subject = CheckSubject(
        manifest=rendered.manifest,
        objects=rendered.objects,
        app=terms.place.app.name,
        team=terms.place.app.team,
        namespace=terms.place.namespace,
        facts=terms.facts,
        parameters=terms.parameters,
    )

    policy = (*ports.policy, Brought(rendered.found)) if rendered.found else ports.policy

    def judged(name: StageName, checks: tuple[Check, ...], notes: tuple[str, ...] = (), exempt: str = "") -> Answers:
        environment, timeout = terms.place.environment, terms.check_timeout_seconds
        with stage(reporter, name) as outcome:
            for line in notes:
                reporter.log(name, line)
            answers = run_side_by_side(subject, checks, environment, terms.waivers, timeout_seconds=timeout)
            _tell(outcome, answers, exempt)
        return answers

    notes = tuple(line for one in ports.exemptions for line in one.notes(rendered.objects))
    exempt = in_short(ports.exemptions, rendered.objects)
    with ThreadPoolExecutor(2) as pool:
        lint = pool.submit(judged, StageName.LINT, ports.lint)
        both = [lint, pool.submit(judged, StageName.POLICY, policy, notes, exempt)]
    once = merged(together(*(one.result() for one in reversed(both))))
    # Keys of a workload are taken in its deploy.yaml alone, and fields of objects everywhere else.
    form = of_kubernetes if source.declaration.file.workload is None else of_deploy_yaml
    once = tuple(replace(one, how=form(one.how)) for one in once)
    if made.resolved.third_party is not None:
        return of_chart(once, source.declaration, rendered.templates)
    return located(once, source.declaration, made.resolved.written, terms.place.environment.name)


def _tell(outcome: Outcome, answers: Answers, exempt: str) -> None:
    """How the stage ended: by a crash, even where what was found beside it is enough to stop the Release."""
    findings, crash = answers.findings, answers.crash
    stopping = len(blocking(findings))
    waived = sum(1 for one in findings if one.waiver)
    warnings = len(findings) - stopping - waived
    shown = "1 warning" if warnings == 1 else f"{warnings} warnings"
    parts = [f"{stopping} blocking"] * bool(stopping) + [f"{waived} waived"] * bool(waived) + [shown] * bool(warnings)
    told = ", ".join(parts) or "nothing found"
    outcome.detail = f"{told}; {exempt}" if exempt else told
    if stopping:
        outcome.state = StageState.BLOCKED
    elif crash is not None:
        outcome.state = StageState.FAILED
        outcome.detail = crash.reason.splitlines()[0] if isinstance(crash, GatewayError) else "a check broke"


def _bundle(request: CheckRequest, source: Source, resolved: Resolved, rendered: Rendered) -> Bundle:
    place = request.place
    return Bundle(
        app=place.app.name,
        environment=place.environment.name,
        team=place.app.team,
        cluster=place.environment.cluster,
        namespace=place.namespace,
        commit=source.checkout.commit,
        kubernetes_version=request.facts.kubernetes_version,
        api_versions=request.facts.api_versions,
        chart_name=rendered.chart_name,
        chart_version=rendered.chart_version,
        chart=rendered.chart,
        values=rendered.values,
        images=resolved.images,
        manifest=rendered.manifest,
    )
