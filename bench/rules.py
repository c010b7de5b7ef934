"""All rules over one App's manifests, offline, and beside it kube-score over the same."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from bench.check import generated
from bench.timing import median_milliseconds
from deployctl.local import Local, Programs
from deployctl.platform import Asked, platform_for
from pipelines.adapters.cel import CelRules
from pipelines.adapters.kube_score import KubeScore
from pipelines.ports import CheckSubject
from pipelines.rules import load_rules, parameters
from tools.toolbox import ensure

TARGET_MILLISECONDS = 15.0
_RUNS = 50


def main() -> None:
    """Prints milliseconds: to read and compile the rules once, and to hold one App against all of them."""
    found = ensure(["helm", "kube-score"])
    with tempfile.TemporaryDirectory(prefix="bench-rules-") as temporary:
        subject = _subject(Path(temporary), Programs(found["helm"], found["kube-score"]))
        rules, checks = load_rules(), CelRules(load_rules())
        found_wrong = checks.findings(subject)
        if found_wrong:
            raise RuntimeError(f"the App is to be a good one: {found_wrong[0]}")
        compiled = median_milliseconds(lambda: CelRules(load_rules()), 5)
        alone = median_milliseconds(lambda: checks.findings(subject), _RUNS)
        beside = median_milliseconds(lambda: KubeScore(found["kube-score"]).findings(subject), 10)
    click.echo(f"{len(rules)} rules over one App's {len(subject.objects)} objects, median of {_RUNS}")
    click.echo(f"  read and compile, once     {compiled:7.1f} ms")
    click.echo(f"  all rules                  {alone:7.1f} ms   (target: under {TARGET_MILLISECONDS:.0f} ms)")
    click.echo(f"  kube-score on the same     {beside:7.1f} ms")


def _subject(scratch: Path, programs: Programs) -> CheckSubject:
    (folder, *_) = generated(scratch)
    platform = platform_for(Asked())
    _, made = Local(platform, programs, scratch / "local").made(folder / "deploy.yaml")
    rendered = made.rendered
    known = parameters(("registry.example.com/",), (platform.environment,))
    return CheckSubject(rendered.manifest, rendered.objects, "app-000", "team-0", "app-000", platform.facts, known)


if __name__ == "__main__":
    main()
