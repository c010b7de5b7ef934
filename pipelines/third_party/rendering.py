"""What a third-party chart renders to, as a chart of its own that prints just that.

The deploy zone so runs no template that somebody else wrote, and what a chart makes up (a password, a certificate)
is made up once: what was checked is what is deployed. See docs/decisions/0011-third-party-charts-are-rendered-once.md.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import yaml

from pipelines import yaml_nodes
from pipelines.catalogue.charts import CRDS, FOUND_BY, HOOKS
from pipelines.errors import InvalidDeployFile
from pipelines.findings import Finding, Mode
from pipelines.hooks import hook_events, runs_elsewhere
from pipelines.manifests import name_of, to_value
from pipelines.place import Place
from pipelines.ports import CheckSubject, ClusterFacts, Manifest
from pipelines.raw_manifests import insist_on_annotations, insist_on_own, labelled
from pipelines.resources import at, pod_spec_path
from pipelines.third_party.chart import ThirdPartyChart, crds_of
from pipelines.yaml_nodes import Budget, InvalidYaml, Node, compose

_SOURCE = b"# Source: "


@dataclass(frozen=True)
class Brought:
    """Implements `pipelines.ports.Check`: what was found out while rendering."""

    found: tuple[Finding, ...]
    name = FOUND_BY

    def findings(self, _subject: CheckSubject) -> tuple[Finding, ...]:
        """See `pipelines.ports.Check.findings`."""
        return self.found


def chart_files(
    manifest: bytes, chart: ThirdPartyChart, place: Place, commit: str
) -> tuple[dict[str, bytes], dict[str, str]]:
    """The files of a chart that prints the objects of `manifest`, labelled as ours, and by object its template.

    Raises `InvalidDeployFile`, naming the template, for what no App may bring.
    """
    about = {"apiVersion": "v2", "name": chart.name, "version": chart.version, "type": "application"}
    files = {"Chart.yaml": yaml.safe_dump(about, sort_keys=True).encode()}
    templates: dict[str, str] = {}
    sources = _sources(manifest)
    for document in _documents(manifest, sources):
        template = sources(document.line)
        for node in objects_in(document):
            value = to_value(node)
            if value is None:
                continue
            insist_on_own(value, template, place)
            if runs_elsewhere(value):
                continue
            insist_on_annotations(value, node, lambda _line, template=template: template)
            resource = name_of(value)
            if resource in templates:
                raise InvalidDeployFile(
                    f"{resource} is rendered twice, by {templates[resource]} too",
                    "Set the chart's values so that one of them is left out",
                    where=template,
                )
            templates[resource] = template
            content = json.dumps(labelled(value, place, commit), indent=1, ensure_ascii=False)
            files[f"manifests/{len(templates) - 1:04}.json"] = content.encode()
    return files, templates


def _sources(manifest: bytes) -> Callable[[int], str]:
    """Which template a line of a rendered manifest is from, by Helm's comments."""
    rows = enumerate(manifest.split(b"\n"), start=1)
    known = [(number, row.removeprefix(_SOURCE)) for number, row in rows if row.startswith(_SOURCE)]
    numbers = [number for number, _ in known]

    def source(line: int) -> str:
        at_most = bisect_right(numbers, line)
        return known[at_most - 1][1].decode("utf-8", "replace").strip() if at_most else "the chart"

    return source


def _documents(manifest: bytes, sources: Callable[[int], str]) -> Iterator[Node]:
    try:
        yield from compose(manifest, budget=Budget.of_a_release())
    except InvalidYaml as error:
        raise InvalidDeployFile(error.reason, error.solution, where=sources(error.line)) from error


def objects_in(node: Node) -> Iterator[Node]:
    """`node`, or the items of the List that it is."""
    if isinstance(node, yaml_nodes.Mapping):
        values = {key.text: value for key, value in node.items}
        kind, items = values.get("kind"), values.get("items")
        is_list = isinstance(kind, yaml_nodes.Scalar) and kind.text.endswith("List")
        if is_list and isinstance(items, yaml_nodes.Sequence):
            for item in items.items:
                yield from objects_in(item)
            return
    yield node


def brought(chart: ThirdPartyChart, objects: tuple[Manifest, ...], facts: ClusterFacts) -> tuple[Finding, ...]:
    """What it has beside plain objects: definitions that this cluster has not, and hooks, with what they do."""
    known = set(facts.api_versions)
    missing = [crd for crd in crds_of(chart) if not known.intersection(crd.serves)]
    definitions = [
        CRDS.finding(f"CustomResourceDefinition/{crd.name}", "", f"{chart.label} brings it in {crd.path}, unchecked")
        for crd in missing
    ]
    # Where nobody knows what the cluster has, it may well be there.
    definitions = definitions if known else [replace(one, mode=Mode.WARN) for one in definitions]
    hooks = [(one, hook_events(one)) for one in objects]
    return (*definitions, *(HOOKS.finding(name_of(one), "", hook_words(one)) for one, events in hooks if events))


def hook_words(manifest: Manifest) -> str:
    """What the hook `manifest` is and does: `pre-install: runs busybox with sh -c …`."""
    spec = at(manifest, pod_spec_path(str(manifest["kind"])))
    containers = spec.get("containers") if isinstance(spec, dict) else None
    run = "; ".join(map(_run, containers)) if isinstance(containers, list) else ""
    return f"{hook_events(manifest)}: {run or 'creates this ' + str(manifest['kind'])}"


def _run(container: Any) -> str:
    about = container if isinstance(container, dict) else {}
    command = [*(about.get("command") or []), *(about.get("args") or [])]
    return f"runs {about.get('image', 'nothing')} {' '.join(map(str, command))}".strip()[:300]
