"""The checks on this machine: the gateway's own stages, on a folder, without a gateway, a Git remote or a registry."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from deployctl.platform import Platform
from deployctl.values_trials import advised
from deployctl.verdicts import Suggested, Verdict, VerdictState
from pipelines import yaml_nodes
from pipelines.adapters.helm_rendering import HelmRenderer
from pipelines.adapters.programs import cache_dir
from pipelines.adapters.schemas import Schemas
from pipelines.apps import CommitSha
from pipelines.check import JudgePorts, Made, Terms, judge, make
from pipelines.composition import lint_checks, policy_checks
from pipelines.errors import Fault, GatewayError, InvalidDeployFile, InvalidInput, Unavailable
from pipelines.findings import Finding, blocking
from pipelines.place import Place
from pipelines.ports import Change, Checkout, RolloutProgress
from pipelines.rules import decidable, load_rules, parameters
from pipelines.stages.checkout import Source, read_deploy_file, read_source
from pipelines.states import StageName, StageState
from pipelines.third_party.published import ChartRepository, PublishedChart
from pipelines.yaml_nodes import InvalidYaml

_DEFECT = "This is a defect of deployctl: report it with this file"
NO_COMMIT = CommitSha("0" * 40)


@dataclass(frozen=True, slots=True)
class Programs:
    """Where helm and kube-score are; without kube-score there is rendering alone."""

    helm: Path
    kube_score: Path | None = None


class Local:
    """Renders and judges Apps of this machine for one Environment."""

    def __init__(self, platform: Platform, programs: Programs, scratch: Path) -> None:
        """`scratch` is a folder for Helm's own files; several may share it."""
        self._platform = platform
        self._parameters = parameters(platform.registries, platform.neighbours, apps=platform.apps.values())
        # What takes parameters from the platform says nothing true where nobody knows them.
        rules = tuple(filter(None, (decidable(rule, self._parameters.keys()) for rule in load_rules())))
        schemas = Schemas() if platform.facts.schemas else None
        self._ports = JudgePorts(
            registry=None,
            helm=HelmRenderer(programs.helm, scratch),
            lint=lint_checks(programs.kube_score, schemas) if programs.kube_score else (),
            charts=Downloads(platform.chart_repositories),
            policy=policy_checks(rules, prepared=False) if programs.kube_score else (),
        )

    def made(self, file: Path) -> tuple[Source, Made]:
        """What `file`, a deploy.yaml, is rendered to. Raises GatewayErrors."""
        source, terms = self._source(file)
        return source, make(source, terms, self._ports, _SILENT)

    def place(self, app: str) -> Place:
        """Where something that has no deploy.yaml would go, as the App `app`."""
        return self._platform.place(self._platform.app(app, ""))

    def judged(self, source: Source, made: Made, namespace: str) -> tuple[Finding, ...]:
        """What the checks say of what is rendered already, and is for `namespace`. Raises GatewayErrors."""
        place = self.place(source.declaration.file.app).in_namespace(namespace)
        return judge(source, made, self._held_against(place), self._ports, _SILENT)

    def advised(self, source: Source) -> tuple[Made, tuple[Finding, ...], Suggested | None]:
        """What `source`, a third-party chart, is rendered to, what the checks say of it, and the values that end that.

        Raises GatewayErrors.
        """
        terms = self._terms(source.declaration.file.app)
        made = make(source, terms, self._ports, _SILENT)
        findings = judge(source, made, terms, self._ports, _SILENT)
        return made, *advised(source, made, findings, terms, self._ports, _SILENT)

    def _terms(self, app: str) -> Terms:
        return self._held_against(self.place(app))

    def _held_against(self, place: Place) -> Terms:
        platform = self._platform
        waivers = platform.waivers_of(place.app.name)
        return Terms(place=place, facts=platform.facts, parameters=self._parameters, waivers=waivers)

    def verdict(self, file: Path) -> Verdict:
        """What the checks say of `file`. Never raises: a check that breaks is a verdict too, and no pass."""
        began = time.perf_counter()
        try:
            verdict = self._judged(file)
        except GatewayError as error:
            verdict = self._failed(file, error)
        except Exception as error:  # noqa: BLE001 (of one App of many: the others are checked, this one doesn't pass)
            fault = broken(from_here(file), error)
            verdict = _crashed(fault, self._platform.environment.name)
        return replace(verdict, seconds=time.perf_counter() - began)

    def _judged(self, file: Path) -> Verdict:
        source, terms = self._source(file)
        made = make(source, terms, self._ports, _SILENT)
        found = judge(source, made, terms, self._ports, _SILENT)
        findings, suggested = advised(source, made, found, terms, self._ports, _SILENT)
        root = source.checkout.path
        declared = source.declaration.file
        asked = self._platform.environment.name
        return Verdict(
            file=from_here(file),
            app=declared.app,
            environment=asked,
            state=VerdictState.BLOCKED if blocking(findings) else VerdictState.PASSED,
            commit=source.checkout.commit,
            findings=tuple(_seen_from_here(finding, root) for finding in findings),
            objects=len(made.rendered.objects),
            overlays=tuple(name for name in declared.environments if name != asked),
            suggested=suggested,
        )

    def _source(self, file: Path) -> tuple[Source, Terms]:
        tree = _tree(file.parent.resolve())
        name = (file.parent.resolve() / file.name).relative_to(tree.path).as_posix()
        declared, overlays = _declared(read_deploy_file(name, tree))
        platform = self._platform
        app = platform.app(declared, name)
        known = platform.environments
        source = read_source(app, tree, (*overlays, platform.environment.name) if known is None else known)
        return source, self._held_against(platform.place(app))

    def _failed(self, file: Path, error: GatewayError) -> Verdict:
        root = _tree(file.parent.resolve()).path
        faults = error.errors or (Fault(error.where or "", error.reason, error.solution),)
        return Verdict(
            file=from_here(file),
            app="",
            environment=self._platform.environment.name,
            state=VerdictState.INVALID if isinstance(error, InvalidInput) else VerdictState.CRASHED,
            faults=tuple(_told_from_here(one, root, file) for one in faults),
            code=error.code,
        )


class Downloads:
    """Implements `pipelines.third_party.published.Charts`; what it needs is imported when there is something to get."""

    def __init__(self, repositories: tuple[ChartRepository, ...]) -> None:
        self._repositories = repositories

    def archive(self, chart: PublishedChart, *, timeout_seconds: float) -> bytes:
        """See `pipelines.third_party.published.Charts.archive`."""
        from pipelines.adapters.chart_downloads import ChartDownloads

        downloads = ChartDownloads(cache_dir() / "charts", self._repositories)
        try:
            return downloads.archive(chart, timeout_seconds=timeout_seconds)
        except Unavailable as error:  # the gateway tries again; here nobody does
            solution = error.solution.removeprefix("It is tried again. ")
            raise type(error)(error.reason, solution, where=error.where) from error


def broken(place: str, error: Exception) -> Fault:
    """That a check ended by `error`, which is no answer, at `place`."""
    reason = f"the check itself broke: {type(error).__name__}: {error}"
    return Fault(place, reason, _DEFECT)


def crashed(file: Path, environment: str, reason: str) -> Verdict:
    """The verdict on `file` where the check gave no answer."""
    return _crashed(Fault(from_here(file), reason, _DEFECT), environment)


def _crashed(fault: Fault, environment: str) -> Verdict:
    return Verdict(fault.where, "", environment, VerdictState.CRASHED, faults=(fault,), code="check-crashed")


def deploy_file(path: Path) -> Path:
    """The deploy.yaml that `path` means: itself, or the one in that folder. Raises `InvalidDeployFile`."""
    if path.is_dir():
        path = path / "deploy.yaml"
    if not path.is_file() and not path.is_symlink():
        raise InvalidDeployFile(
            f"there is no {path.name} here" if path.parent.is_dir() else "there is no such folder",
            "Name the folder of an App, or write its first file: `deployctl init`",
            where=from_here(path),
        )
    return path


def from_here(path: Path) -> str:
    """`path` as seen from the working directory."""
    return Path(os.path.relpath(path)).as_posix()


def _place_from_here(place: str, root: Path) -> str | None:
    """`k8s/a.yaml:7`, a place in the tree below `root`, as seen from the working directory; None when it is none."""
    name, colon, line = place.rpartition(":")
    if not colon or not line.isdigit():
        name, colon, line = place, "", ""
    return f"{from_here(root / name)}{colon}{line}" if name and (root / name).exists() else None


def _told_from_here(fault: Fault, root: Path, file: Path) -> Fault:
    """`fault` at a place in a file, whatever it is about: an editor goes to files alone."""
    place = _place_from_here(fault.where, root)
    if place is not None or not fault.where:
        return replace(fault, where=place or from_here(file))
    return replace(fault, where=from_here(file), reason=f"{fault.where}: {fault.reason}")


def _seen_from_here(finding: Finding, root: Path) -> Finding:
    return replace(finding, source=_place_from_here(finding.source, root) or finding.source)


def _declared(content: bytes) -> tuple[str, tuple[str, ...]]:
    """The App that the file names, and its Environments; empty where it doesn't say: then the schema does."""
    try:
        document = next(yaml_nodes.compose(content), None)
    except InvalidYaml:
        return "", ()
    if not isinstance(document, yaml_nodes.Mapping):
        return "", ()
    keys = {key.text: value for key, value in document.items}
    app, environments = keys.get("app"), keys.get("environments")
    names = tuple(key.text for key, _ in environments.items) if isinstance(environments, yaml_nodes.Mapping) else ()
    return app.text if isinstance(app, yaml_nodes.Scalar) else "", names


class _LinksOnDisk:
    """Which names of a working tree are symbolic links, asked one by one: a whole tree can be large."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __contains__(self, name: object) -> bool:
        return (self._root / str(name)).is_symlink()


def _tree(folder: Path) -> Checkout:
    """The Git working tree that `folder` is in, as a checkout of its HEAD; without Git, the folder itself."""
    root = next((parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), None)
    path = root or folder
    return Checkout(path, _head(root) if root else NO_COMMIT, "", "", _LinksOnDisk(path))


@lru_cache
def _head(root: Path) -> CommitSha:
    # Without what a hook sets: GIT_DIR would name another repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-C", str(root), "rev-parse", "--verify", "--quiet", "HEAD"]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return NO_COMMIT
    return CommitSha(done.stdout.strip()) if done.returncode == 0 else NO_COMMIT


class _Silent:
    """Implements `pipelines.ports.Reporter`: nobody watches a check that takes a moment."""

    def stage(self, name: StageName, state: StageState, detail: str = "") -> None:
        pass

    def log(self, stage: StageName, line: str) -> None:
        pass

    def progress(self, progress: RolloutProgress) -> None:
        pass

    def changes(self, changes: tuple[Change, ...]) -> None:
        pass

    def cancelled(self) -> bool:
        return False


_SILENT = _Silent()
