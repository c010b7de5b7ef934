"""An Environment that requires proof of its cluster takes no Release before there is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from tests.benchmarks import report, report_with
from tools.installation import Installation

Release = Callable[..., dict[str, Any]]


def push(installation: Installation, node_class: str, text: str) -> dict[str, Any]:
    body = {"node_class": node_class, "node": f"{node_class}-1", "report": text}
    headers = {"Authorization": f"Bearer {installation.tokens['platform']}"}
    address = f"{installation.url}/api/v1/clusters/local/benchmarks"
    answer = httpx.post(address, json=body, headers=headers, timeout=60)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_release_waits_for_proof_of_its_cluster(
    installation: Installation, deploy_yaml: Callable[..., dict[str, Any]], release: Release
) -> None:
    installation.push("shop/proven", deploy_yaml("proven"), "A version")

    def planned() -> tuple[str, dict[str, str]]:
        done = release("proven", environment="proven", dry_run=True)
        found = {one["field"]: one["how"] for one in done["findings"] if one["found_by"] == "benchmark"}
        return done["state"], found

    state, found = planned()
    assert (state, set(found)) == ("blocked", {"control-plane", "worker", "4.1.1"})

    push(installation, "control-plane", report("control-plane"))
    push(installation, "worker", report_with("worker", **{"4.1.1": "FAIL"}))
    state, found = planned()
    assert (state, set(found)) == ("blocked", {"worker/4.1.1"})

    push(installation, "worker", report("worker"))
    assert planned() == ("planned", {})
