"""What the API server itself thinks of the rules."""

from __future__ import annotations

import json
from typing import Any

from pipelines.rules import as_json, load_rules
from tests.waiting import eventually
from tools.stack import Stack


def _policies(stack: Stack) -> dict[str, Any]:
    done = stack.kubectl("get", "validatingadmissionpolicies", "--output=json")
    return {one["metadata"]["name"]: one for one in json.loads(done.stdout)["items"]}


def test_the_type_check_of_the_api_server_warns_of_no_rule(stack: Stack) -> None:
    policies = tuple(rule.policy for rule in load_rules())  # without bindings they hold nowhere
    applied = stack.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=as_json(policies))
    assert applied.returncode == 0, applied.stderr
    names = {policy["metadata"]["name"] for policy in policies}

    def checked() -> dict[str, Any] | None:
        found = {name: one for name, one in _policies(stack).items() if name in names}
        done = all(
            one.get("status", {}).get("observedGeneration") == one["metadata"]["generation"] for one in found.values()
        )
        return found if done else None

    warnings = {
        name: [warning["warning"] for warning in one["status"].get("typeChecking", {}).get("expressionWarnings", [])]
        for name, one in eventually(checked, 120).items()
    }
    assert {name: found for name, found in warnings.items() if found} == {}
    assert warnings.keys() == names
