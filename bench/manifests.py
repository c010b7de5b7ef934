"""`deployctl check --manifests` of a thousand objects, against kube-score and then kubeconform over the same files."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import click

from bench.check import environment, processor_seconds
from pipelines.adapters.kube import KubeCluster
from pipelines.ports import ClusterFacts
from tools.stack import Stack
from tools.toolbox import ensure

TARGET_RATIO = 1.5
_GOLDEN = Path(__file__).parents[1] / "tests" / "charts" / "golden"
_APP = "checkout"
_COPIES = 2
_RUNS = 5
_DEPLOYCTL_EXITS = (0, 3)
_FINDINGS_OR_NONE = (0, 1)


@dataclass(frozen=True, slots=True)
class Corpus:
    """Manifests in `folder`, `objects` in number; the cluster's facts as `deployctl` and kubeconform read them."""

    folder: Path
    objects: int
    facts: Path
    schemas: Path
    kubernetes_version: str

    @property
    def files(self) -> list[Path]:
        """One for each App."""
        return sorted(self.folder.iterdir())


class Seconds(NamedTuple):
    """On the wall, and of the processors in all processes together."""

    wall: float
    processor: float


@dataclass(frozen=True, slots=True)
class Command:
    """What is timed. `exits` are the codes with which it has done its work, whatever it found."""

    arguments: tuple[str | Path, ...]
    exits: tuple[int, ...]

    def run(self) -> tuple[Seconds, Any]:
        """How long it took, and the JSON that it printed. Raises RuntimeError for another exit code."""
        before, began = processor_seconds(), time.perf_counter()
        done = subprocess.run(self.arguments, env=environment(), capture_output=True, check=False)
        seconds = Seconds(time.perf_counter() - began, processor_seconds() - before)
        if done.returncode not in self.exits:
            raise RuntimeError(f"{self.arguments[0]} left with {done.returncode}: {done.stderr.decode()[-2000:]}")
        return seconds, json.loads(done.stdout)


def main() -> None:
    """Prints seconds of each side, one run after the other, and how many times as long ours takes."""
    with tempfile.TemporaryDirectory(prefix="bench-manifests-") as temporary:
        corpus = made(Path(temporary), _facts(Path(temporary) / "stack"))
        commands = _commands(corpus)
        _insist_on_all(corpus, {name: command.run()[1] for name, command in commands.items()})
        files = len(corpus.files)
        runs = [{name: command.run()[0] for name, command in commands.items()} for _ in range(_RUNS)]
    for one in runs:
        one["kube-score, kubeconform"] = Seconds(*map(sum, zip(one["kube-score"], one["kubeconform"], strict=True)))
    median = {
        name: Seconds(*map(statistics.median, zip(*(one[name] for one in runs), strict=True))) for name in runs[0]
    }
    ours, theirs = median["deployctl"], median["kube-score, kubeconform"]
    cores = len(os.sched_getaffinity(0))
    click.echo(f"{corpus.objects} objects in {files} files, {cores} cores, median of {_RUNS}, in turn")
    click.echo("Both sides have the same schemas, CRDs among them; kubeconform is strict and misses none")
    click.echo(f"  {'':<24}     wall   processor")
    for name, took in median.items():
        click.echo(f"  {name:<24}{took.wall:7.2f} s   {took.processor:7.2f} s")
    ratios = f"{ours.wall / theirs.wall:7.2f}     {ours.processor / theirs.processor:7.2f}"
    click.echo(f"  ratio                   {ratios}     (target: at most {TARGET_RATIO}, on the wall)")


def made(root: Path, facts: ClusterFacts) -> Corpus:
    """Every golden example of the standard chart, `_COPIES` times as an App of its own, in folders below `root`."""
    folder = root / "manifests"
    folder.mkdir()
    for number, source in enumerate(sorted(_GOLDEN.glob("*/expected.yaml")) * _COPIES):
        app = f"{_APP}-{number:03}"
        (folder / f"{app}.yaml").write_text(source.read_text().replace(_APP, app))
    objects = sum(file.read_text().count("\nkind: ") for file in folder.iterdir())
    written = root / "facts.json"
    written.write_text(json.dumps(asdict(facts)))
    return Corpus(folder, objects, written, _schemas(root / "schemas", facts), facts.kubernetes_version)


def _facts(state: Path) -> ClusterFacts:
    """What the embedded cluster says of itself. It ends before anything is timed."""
    with Stack.up(state, components={"control-plane"}) as stack:
        return KubeCluster(stack.gateway_kubeconfig).facts()


def _schemas(folder: Path, facts: ClusterFacts) -> Path:
    """The schemas of `facts`, a file for each kind, as kubeconform looks for them: GROUP/VERSION/KIND.json."""
    for name, schema in facts.schemas.items():
        group, version, kind = name.split("/") if name.count("/") == 2 else ("v1", *name.split("/"))
        file = folder / group / version / f"{kind.lower()}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(schema))
    return folder


def _commands(corpus: Corpus) -> dict[str, Command]:
    found = ensure(["helm", "kube-score", "kubeconform"], progress=click.echo)
    version = corpus.kubernetes_version
    minor = ".".join(version.split(".")[:2])
    deployctl = Path(sys.executable).with_name("deployctl")
    return {
        "deployctl": Command(
            (deployctl, "check", "--manifests", corpus.folder, "--facts", corpus.facts, "-o", "json"),
            _DEPLOYCTL_EXITS,
        ),
        "kube-score": Command(
            (
                found["kube-score"],
                "score",
                "--output-format=json",
                f"--kubernetes-version={minor}",
                "--disable-ignore-checks-annotations",
                "--disable-optional-checks-annotations",
                *corpus.files,
            ),
            _FINDINGS_OR_NONE,
        ),
        "kubeconform": Command(
            (
                found["kubeconform"],
                "-strict",
                "-summary",
                "-output=json",
                f"-kubernetes-version={version.removeprefix('v')}",
                f"-schema-location={corpus.schemas}/{{{{.Group}}}}/{{{{.ResourceAPIVersion}}}}/{{{{.ResourceKind}}}}.json",
                corpus.folder,
            ),
            _FINDINGS_OR_NONE,
        ),
    }


def _insist_on_all(corpus: Corpus, answers: Mapping[str, Any]) -> None:
    """Raises RuntimeError unless deployctl and kubeconform looked at every object, and kubeconform had its schema."""
    (verdict,) = answers["deployctl"]["apps"]
    summary = answers["kubeconform"]["summary"]
    if verdict["objects"] != corpus.objects or verdict["errors"]:
        raise RuntimeError(f"deployctl saw {verdict['objects']} of {corpus.objects}: {verdict['errors'][:3]}")
    if summary["valid"] != corpus.objects or not answers["kube-score"]:
        raise RuntimeError(
            f"kubeconform: {summary}, {corpus.objects} expected: {answers['kubeconform']['resources'][:3]}"
        )


if __name__ == "__main__":
    main()
