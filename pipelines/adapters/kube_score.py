"""kube-score, as a program: its grades as findings. No answer that can't be counted is taken for a pass."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.catalogue.entry import Entry
from pipelines.catalogue.kube_score import FOUND_BY, KUBE_SCORE, PREFIX, check_of_theirs
from pipelines.catalogue.schemas import SCHEMAS
from pipelines.errors import CheckCrashed
from pipelines.findings import Finding, Mode
from pipelines.manifests import name_of
from pipelines.plain_words import Mistyped, mend
from pipelines.ports import CheckSubject, Manifest
from pipelines.relations.values import mapping, mappings
from pipelines.resources import WORKLOADS, at, field_text, group_of, pod_spec_path
from pipelines.rules import INVALID
from pipelines.shapes import without_quoted

_CRITICAL, _WARNING = 1, 5
_TIMEOUT_SECONDS = 30.0
# It lives for a moment: collecting its garbage costs a sixth of it.
_ENVIRONMENT = {"GOGC": "400"}
_MOST_UNREAD = 20

# What it reads, in whatever version: others' kinds that are called the same it does not.
_SEEN_KINDS = {
    "": {"Pod", "Service"},
    "apps": {"DaemonSet", "Deployment", "StatefulSet"},
    "autoscaling": {"HorizontalPodAutoscaler"},
    "batch": {"CronJob", "Job"},
    "extensions": {"DaemonSet", "Deployment", "Ingress"},
    "networking.k8s.io": {"Ingress", "NetworkPolicy"},
    "policy": {"PodDisruptionBudget"},
}
_ABOUT_PROBES = frozenset({"pod-probes", "pod-probes-identical"})
_MISTYPED = re.compile(
    r"(\S+), Kind=(\w+): .*cannot unmarshal (array|bool|number|object|string) (?:\S+ )?"
    r"into Go struct field \w+\.(\S+) of type (\S+)"
)
_UNREAD = re.compile(r"(\S+), Kind=(\w+): err=(.+)")
_ENTRIES = {entry.id: entry for entry in KUBE_SCORE}
_INVALID = next(entry for entry in SCHEMAS if entry.id == INVALID)


@dataclass(frozen=True, slots=True)
class _Unread:
    """What it says of the first object of that kind that it can't read, where that names no field."""

    api_version: str
    kind: str
    words: str


class KubeScore:
    """Implements `pipelines.ports.Check`."""

    name = FOUND_BY

    def __init__(self, program: Path) -> None:
        self._program = program

    def findings(self, subject: CheckSubject) -> tuple[Finding, ...]:
        """See `pipelines.ports.Check.findings`. What it can't read is found too: then the cluster can't either."""
        expected = sum(1 for one in subject.objects if _is_seen(one))
        if expected == 0:
            return ()  # nothing that it knows: it would print `null`, and everything else here looks at those
        told: list[Finding] = []
        unread: list[Finding] = []
        # It stops at the first value that it can't read: that is put right to learn of all of them, and of the rest.
        scored = self._run(subject)
        for _ in range(_MOST_UNREAD):
            if isinstance(scored, Mistyped):
                mended, misfits = mend(subject.objects, scored)
                told += [_misfit(one.resource, one.field, scored.reason, scored.solution) for one in misfits]
            elif isinstance(scored, _Unread):
                mended, found = self._without_first(subject, scored)
                unread.append(found)
            else:
                break
            subject = replace(subject, objects=mended)
            scored = self._run(subject) if any(map(_is_seen, mended)) else []
        if isinstance(scored, Mistyped):
            raise CheckCrashed(f"kube-score can't read {scored.path} of a {scored.kind}", "Correct it, or report it")
        if isinstance(scored, _Unread):
            raise CheckCrashed(f"kube-score can't read a {scored.kind}: {scored.words}", "Correct it, or report it")
        if unread:
            return (*told, *unread)  # much of what it says is about several objects, and would not be true of a part
        if len(scored) < expected:
            raise CheckCrashed(
                f"kube-score saw {len(scored)} of {expected} objects", "Report it: a kind is not read as it should be"
            )
        objects = subject.objects
        graded = [finding for one in scored for check in one["checks"] for finding in _findings(one, check, objects)]
        return (*told, *_in_order(graded, objects))

    def _without_first(self, subject: CheckSubject, unread: _Unread) -> tuple[tuple[Manifest, ...], Finding]:
        """The objects without the first one that it can't read, and what is said of that one."""
        kind = (unread.api_version, unread.kind)
        places = [at for at, one in enumerate(subject.objects) if (one["apiVersion"], one["kind"]) == kind]
        first, last = 0, len(places) - 1
        while first < last:
            middle = (first + last) // 2
            part = tuple(subject.objects[at] for at in places[: middle + 1])
            if isinstance(self._run(replace(subject, objects=part)), _Unread):
                last = middle
            else:
                first = middle + 1
        if not places:
            raise CheckCrashed(f"kube-score can't read a {unread.kind}: {unread.words}", "Correct it, or report it")
        at = places[first]
        what = f"kube-score can't read it, and gave no grades: {unread.words}"
        found = _misfit(name_of(subject.objects[at]), "", what, f"# what it takes: kubectl explain {kind[1].lower()}")
        return (*subject.objects[:at], *subject.objects[at + 1 :]), found

    def _run(self, subject: CheckSubject) -> list[dict[str, Any]] | Mistyped | _Unread:
        major_minor = re.match(r"v\d+\.\d+", subject.facts.kubernetes_version)
        documents = b"---\n".join(
            json.dumps(_with_namespace(one, subject.namespace), ensure_ascii=False).encode() + b"\n"
            for one in subject.objects
        )
        command = [
            str(self._program),
            "score",
            "--output-format=json",
            # A team's annotations waive nothing.
            "--disable-ignore-checks-annotations",
            "--disable-optional-checks-annotations",
            f"--kubernetes-version={major_minor.group(0) if major_minor else 'v1.36'}",
            "-",
        ]
        try:
            done = subprocess.run(
                command, input=documents, capture_output=True, timeout=_TIMEOUT_SECONDS, env=_ENVIRONMENT, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise CheckCrashed(f"kube-score took longer than {_TIMEOUT_SECONDS:.0f} s", "Release again") from error
        except OSError as error:
            raise CheckCrashed(f"kube-score could not be run: {error.strerror}", "The platform looks at it") from error
        try:
            scored = json.loads(done.stdout)
        except ValueError as error:
            words = done.stderr.decode("utf-8", "replace").strip()[-300:]
            unread = _unread(words)
            if unread is None:
                told = without_quoted(words) or f"exit code {done.returncode}"
                raise CheckCrashed(
                    f"kube-score gave no answer: {told}", "Correct what it names, or report it"
                ) from error
            return unread
        if not isinstance(scored, list):
            raise CheckCrashed("kube-score looked at nothing", "Report it: this manifest is not read as it should be")
        return scored


def _misfit(resource: str, field: str, what: str, how: str) -> Finding:
    return replace(_INVALID.finding(resource, field, what, how), found_by=KubeScore.name)


def _unread(words: str) -> Mistyped | _Unread | None:
    """What it says, in `words`, that it can't read."""
    mistyped = _MISTYPED.search(words)
    if mistyped is not None:
        version, *rest = mistyped.groups()
        return Mistyped(version.lstrip("/"), *rest)
    unread = _UNREAD.search(words)
    return _Unread(unread[1].lstrip("/"), unread[2], without_quoted(unread[3])) if unread else None


def _is_seen(manifest: Manifest) -> bool:
    return manifest["kind"] in _SEEN_KINDS.get(group_of(str(manifest["apiVersion"])), ())


def _in_order(findings: Iterable[Finding], objects: tuple[Manifest, ...]) -> tuple[Finding, ...]:
    """`findings` in the order of `objects`: it tells them in another one each time."""
    places = {name_of(one): index for index, one in enumerate(objects)}

    def place(one: Finding) -> tuple[int, str, str, str]:
        return places.get(one.resource, len(objects)), one.rule, one.field, one.what

    return tuple(sorted(findings, key=place))


def _with_namespace(manifest: Any, namespace: str) -> Any:
    # It compares namespaces to see which policy selects which pod, and helm leaves them to the request.
    metadata = manifest.get("metadata") or {}
    return {**manifest, "metadata": {**metadata, "namespace": metadata.get("namespace") or namespace}}


def _findings(scored: dict[str, Any], check: dict[str, Any], objects: tuple[Manifest, ...]) -> list[Finding]:
    about = check["check"]
    if check["skipped"] or check["grade"] > _WARNING:
        return []
    comments = check["comments"] or [{"path": "", "summary": about["name"], "description": about["comment"]}]
    resource = f"{scored['type_meta']['kind']}/{scored['object_meta']['name']}"
    mode = Mode.ENFORCE if check["grade"] <= _CRITICAL else Mode.WARN
    found = []
    for comment in comments:
        entry = _entry(about, comment["description"], mode)
        how = _with_port(entry.how, resource, objects) if about["id"] in _ABOUT_PROBES else ""
        finding = entry.finding(resource, _field(resource, comment["path"], objects), _what(comment), how)
        found.append(replace(finding, mode=Mode.WARN if Mode.WARN in (mode, entry.mode) else Mode.ENFORCE))
    return found


def _with_port(how: str, resource: str, objects: tuple[Manifest, ...]) -> str:
    """`how` with the port that the container of `resource` names, where one does."""
    manifest = next((one for one in objects if name_of(one) == resource), {})
    pod = mapping(at(manifest, pod_spec_path(str(manifest.get("kind", "")))))
    ports = (port for one in mappings(pod.get("containers")) for port in mappings(one.get("ports")))
    number = next((port["containerPort"] for port in ports if isinstance(port.get("containerPort"), int)), None)
    return how if number is None else how.replace("8080", str(number))


def _what(comment: dict[str, Any]) -> str:
    """In which container, and what it is."""
    return f"{comment['path']}: {comment['summary']}" if comment["path"] else str(comment["summary"])


def _field(resource: str, container: str, objects: tuple[Manifest, ...]) -> str:
    """The path of the container that is called so, in that object; empty for what is no container."""
    kind = resource.partition("/")[0]
    for one in objects if container and kind in WORKLOADS else ():
        for place in ("containers", "initContainers"):
            path = (*pod_spec_path(kind), place)
            listed = at(one, path) if name_of(one) == resource else None
            for index, each in enumerate(listed if isinstance(listed, list) else []):
                if isinstance(each, dict) and each.get("name") == container:
                    return field_text((*path, index))
    return ""


def _entry(about: dict[str, Any], how: str, mode: Mode) -> Entry:
    """What our catalogue says of a check, else its own words."""
    known = _ENTRIES.get(f"{PREFIX}{about['id']}")
    return known or check_of_theirs(about["id"], about["name"], about["comment"], how, mode)
