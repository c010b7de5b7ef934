"""Each rule says of each object the same on a laptop and in a cluster: by evaluator and by a real API server."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.adapters.cel import CelRules
from pipelines.rules import load_rules
from tests.charts import golden
from tests.corpora import corpora
from tests.pipelines import api_server
from tests.pipelines.api_server import ApiServer
from tests.pipelines.conftest import PARAMETERS, subject
from tests.pipelines.mutations import MUTATIONS
from tools.stack import Stack

Object = dict[str, Any]

RULES = load_rules()
# In the suite always the same hundred, so that nobody's change fails by chance; as many new ones as this says.
MORE = int(os.environ.get("DEPLOY_GATEWAY_DIFFERENTIAL_EXAMPLES", "0"))
EXAMPLES = MORE or 100
_HERE = api_server.NAMESPACE
# So that policies can always be mended, the server asks none about these. Here they are refused all the same, and
# RBAC gives nobody but an administrator the right to write them.
_NEVER_ASKED_ABOUT = {
    f"{action}{what}"
    for action in ("Validating", "Mutating")
    for what in ("AdmissionPolicy", "AdmissionPolicyBinding", "WebhookConfiguration")
} | {"Namespace"}


@pytest.fixture(scope="module")
def server(stack: Stack) -> Iterator[ApiServer]:
    """The session's API server, which warns of all rules in one namespace."""
    yield api_server.install(stack, RULES, PARAMETERS)
    api_server.remove(stack)


@pytest.fixture(scope="module")
def offline() -> CelRules:
    return CelRules(RULES)


def moved(objects: Any) -> list[Object]:
    """`objects` as they are in the namespace where the server is asked."""
    text = json.dumps(list(objects)).replace("checkout-staging", _HERE)
    made: list[Object] = json.loads(text)
    for one in made:
        if one["apiVersion"] == "batch/v1beta1":
            one["apiVersion"] = "batch/v1"  # which is what became of it
        metadata = one.setdefault("metadata", {})
        metadata["name"] = str(metadata.get("name", "x")).replace("_", "-")  # as some have them that nothing accepts
        if "namespace" in metadata:
            metadata["namespace"] = _HERE
    return [one for one in made if one["kind"] not in _NEVER_ASKED_ABOUT]


@cache
def golden_objects() -> tuple[Object, ...]:
    files = [golden.FOLDER / feature / "expected.yaml" for feature in golden.FEATURES]
    return tuple(one for file in files for one in yaml.safe_load_all(file.read_text()) if one)


def documents(folder: Path) -> list[Object]:
    read = [one for file in sorted(folder.rglob("*.y*ml")) for one in yaml.safe_load_all(file.read_text())]
    return [one for one in read if isinstance(one, dict) and "kind" in one and "apiVersion" in one]


def differences(server: ApiServer, offline: CelRules, objects: list[Object]) -> tuple[list[str], list[str]]:
    """Where the two disagree, and what the server said instead of asking its policies."""
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(server.asked, objects))
    said: list[str] = []
    for one, answer in zip(objects, answers, strict=True):
        here = {finding.rule for finding in offline.findings(replace(subject((one,)), namespace=_HERE))}
        there = answer.rules - {api_server.ALWAYS}
        if answer.reached and here != there:
            only = (sorted(here - there), sorted(there - here))
            said.append(f"offline only {only[0]}, server only {only[1]}: {json.dumps(one)}")
    return said, [answer.message for answer in answers if not answer.reached]


def holds(
    server: ApiServer, offline: CelRules, objects: list[Object], record: Callable[[str, object], None], at_least: float
) -> None:
    """They agree about all, and the server asked its policies about the share `at_least` of them."""
    said, unasked = differences(server, offline, objects)
    reached = len(objects) - len(unasked)
    pairs = reached * len(RULES)
    record("pairs of a rule and an object", pairs)
    print(f"{pairs} pairs: {len(RULES)} rules, {reached} of {len(objects)} objects")  # noqa: T201 (the proof's figure)
    assert not said, "\n".join([f"{len(said)} of {reached}", *said[:5]])
    assert reached >= at_least * len(objects), "\n".join(unasked)


def test_of_what_the_standard_chart_renders(
    server: ApiServer, offline: CelRules, record_property: Callable[[str, object], None]
) -> None:
    unique = {json.dumps(one, sort_keys=True): one for one in moved(golden_objects())}
    holds(server, offline, list(unique.values()), record_property, 0.95)


def mutated(standard: tuple[Object, ...]) -> list[Object]:
    return [one for mutation in MUTATIONS for one in mutation.applied(standard) if one not in standard]


def test_of_each_thing_that_a_rule_refuses(
    server: ApiServer,
    offline: CelRules,
    standard: tuple[Any, ...],
    record_property: Callable[[str, object], None],
) -> None:
    objects = moved(mutated(standard))
    holds(server, offline, objects, record_property, 0.8)


@pytest.mark.parametrize(
    ("corpus", "at_least"),
    [("pod-security", 0.9), ("bad-pods", 0.9), ("kubescape/test-resources", 0.5)],
)
def test_of_other_peoples_manifests(
    server: ApiServer,
    offline: CelRules,
    corpus: str,
    at_least: float,
    record_property: Callable[[str, object], None],
) -> None:
    objects = documents(corpora() / corpus)
    assert objects
    holds(server, offline, moved(objects), record_property, at_least)


def test_of_nulls(server: ApiServer, offline: CelRules, good: dict[str, Any]) -> None:
    """Which to the server are not all the same: here nothing, there an empty object, a text or an amount."""
    good["NetworkPolicy"]["spec"]["ingress"] = [None]
    good["Role"]["rules"] = None
    good["Service"]["metadata"]["labels"]["deploy-gateway.dev/team"] = None
    (container,) = good["Deployment"]["spec"]["template"]["spec"]["containers"]
    container["resources"]["requests"] = {"cpu": None, "memory": None}
    container["ports"] = None
    objects = moved([good[kind] for kind in ("NetworkPolicy", "Role", "Service", "Deployment")])
    assert differences(server, offline, objects) == ([], [])


def vocabulary(objects: tuple[Object, ...]) -> dict[str, list[Any]]:
    """Of each key, all values that somebody wrote for it somewhere."""
    found: dict[str, dict[str, Any]] = {}

    def read(value: Any) -> None:
        for key, item in value.items() if isinstance(value, dict) else ():
            found.setdefault(key, {})[json.dumps(item, sort_keys=True)] = item
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            read(item)

    read(list(objects))
    return {key: list(values.values()) for key, values in found.items()}


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


_NOTHING: tuple[Any, ...] = (None, "", 0, False, True, [], {})


@pytest.fixture(scope="module")
def seeds() -> list[Object]:
    """What is mutated: what the chart renders, and what others wrote."""
    pods = documents(corpora() / "pod-security") + documents(corpora() / "bad-pods")
    return moved([*golden_objects(), *pods])


@pytest.fixture(scope="module")
def words(seeds: list[Object]) -> dict[str, list[Any]]:
    return vocabulary(tuple(seeds))


def mutate(data: st.DataObject, one: Object, words: dict[str, list[Any]]) -> None:
    """Takes something away, or writes what somebody else wrote there or nothing, or a key that others have there."""
    paths = [path for path in places(one) if path[0] not in ("apiVersion", "kind")]
    if not paths:
        return
    *before, last = data.draw(st.sampled_from(paths))
    parent: Any = one
    for part in before:
        parent = parent[part]
    what = data.draw(st.sampled_from(["gone", "other", "nothing", "more"]))
    if what == "gone":
        del parent[last]
    elif what == "more" and isinstance(parent, dict):
        key = data.draw(st.sampled_from(sorted(words)))
        parent[key] = copy.deepcopy(data.draw(st.sampled_from(words[key])))
    elif what == "nothing" or last not in words:
        parent[last] = copy.deepcopy(data.draw(st.sampled_from(_NOTHING)))
    else:
        parent[last] = copy.deepcopy(data.draw(st.sampled_from(words[str(last)])))


def test_of_what_nobody_has_written_yet(
    server: ApiServer, offline: CelRules, seeds: list[Object], words: dict[str, list[Any]]
) -> None:
    reached: list[bool] = []

    @settings(
        max_examples=EXAMPLES,
        derandomize=not MORE,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def agree(data: st.DataObject) -> None:
        one = copy.deepcopy(data.draw(st.sampled_from(seeds)))
        for _ in range(data.draw(st.integers(1, 3))):
            mutate(data, one, words)
        said, unasked = differences(server, offline, [one])
        reached.append(not unasked)
        assert not said, said[0]

    agree()
    pairs = sum(reached) * len(RULES)
    print(f"{pairs} pairs: {len(RULES)} rules, {sum(reached)} of {len(reached)} objects")  # noqa: T201 (the proof's figure)
    assert sum(reached) >= 0.3 * EXAMPLES
