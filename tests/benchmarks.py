"""Reports of kube-bench that tests push, collect and read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipelines.benchmark import NODE_CLASSES, Benchmark, parse

_FOLDER = Path(__file__).parent / "pipelines" / "benchmarks"


def report(node_class: str) -> str:
    """A whole report of a node of that class, as kube-bench prints it."""
    return (_FOLDER / f"{node_class}.json").read_text()


def report_with(node_class: str, **statuses: str) -> str:
    """The same, with other results: `report_with("worker", **{"4.1.1": "FAIL"})`."""
    document = json.loads(report(node_class))
    for control in document["Controls"]:
        for group in control["tests"]:
            for check in group["results"]:
                check["status"] = statuses.get(check["test_number"], check["status"])
            group.update(_counts(group["results"], ""))
        control.update(_counts([check for group in control["tests"] for check in group["results"]], "total_"))
    everything = [check for one in document["Controls"] for group in one["tests"] for check in group["results"]]
    document["Totals"] = _counts(everything, "total_")
    return json.dumps(document)


def _counts(checks: list[Any], prefix: str) -> dict[str, int]:
    states = ("PASS", "FAIL", "WARN", "INFO")
    return {f"{prefix}{state.lower()}": sum(check["status"] == state for check in checks) for state in states}


def benchmark(node_class: str, **statuses: str) -> Benchmark:
    """What such a report says."""
    return parse(report_with(node_class, **statuses), NODE_CLASSES[node_class])
