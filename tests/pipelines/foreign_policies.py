"""Other people's ValidatingAdmissionPolicies and the cases that come with them, for our own evaluator."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from pipelines.adapters.cel import CelRules
from pipelines.ports import CheckSubject
from pipelines.resources import field_path
from pipelines.rules import load_rules
from tests.pipelines.conftest import FACTS

_ABOUT = {"severity": "high", "title": "t", "why": "w", "how": "h", "link": "l", "since": "0", "each": "object"}
_SELECTED = "admission-policy-test"  # their binding is of objects with this label


@dataclass(frozen=True, slots=True)
class Case:
    """One object, and whether the policy of `control` refuses it on their API server."""

    control: str
    name: str
    subject: CheckSubject
    is_refused: bool

    def __str__(self) -> str:
        return f"{self.control}: {self.name}"


def evaluator(folder: Path, scratch: Path) -> CelRules:
    """The policy of one control, read and compiled as ours are; their parameters are an object, ours a ConfigMap."""
    policy = _read((folder / "policy.yaml").read_text().replace("params.settings", "params.data"))
    policy["metadata"] = {
        "name": folder.name,
        "annotations": {f"deploy-gateway.dev/{key}": text for key, text in (_ABOUT | {"field": ""}).items()},
    }
    for one in policy["spec"]["validations"]:
        one.setdefault("messageExpression", json.dumps(one.get("message", "refused")))
    scratch.mkdir()
    (scratch / f"{folder.name}.yaml").write_text(yaml.safe_dump(policy))
    return CelRules(load_rules(scratch))


def cases(folder: Path) -> tuple[Case, ...]:
    """The cases of one control."""
    templates = folder.parents[1] / "test-resources"
    return tuple(
        Case(
            folder.name,
            told["name"],
            _subject(_changed(templates / told["template"], told.get("field_change_list", [])), templates, told),
            told["expected"] != "pass",
        )
        for told in json.loads((folder / "tests.json").read_text())
    )


def disagreements(folder: Path, scratch: Path) -> tuple[int, list[str]]:
    """How many cases a control has, and those that our evaluator sees otherwise."""
    rules, told = evaluator(folder, scratch), cases(folder)
    return len(told), [str(case) for case in told if bool(rules.findings(case.subject)) != case.is_refused]


def _subject(manifest: Any, templates: Path, told: dict[str, Any]) -> CheckSubject:
    file = templates / told.get("param_template", "default-control-configuration.yaml")
    settings = _read(file.read_text())["settings"]
    is_bound = _SELECTED in manifest["metadata"].get("labels", {})
    return CheckSubject(b"", (manifest,) if is_bound else (), "x", "x", "default", FACTS, settings)


def _changed(template: Path, changes: list[str]) -> Any:
    manifest = copy.deepcopy(_read(template.read_text()))
    for change in changes:
        path, _, value = change.partition("=")
        _put(manifest, field_path(path.replace(".[", "[")), _read(value))
    return manifest


@cache
def _read(text: str) -> Any:
    return yaml.load(text, Loader=yaml.CSafeLoader)


def _put(value: Any, path: tuple[str | int, ...], leaf: Any) -> None:
    *parents, last = path
    for part, following in zip(parents, path[1:], strict=True):
        if isinstance(value, dict):
            value = value.setdefault(part, [] if isinstance(following, int) else {})
        else:
            value += [{} for _ in range(int(part) + 1 - len(value))]
            value = value[part]
    if isinstance(value, list):
        value += [None for _ in range(int(last) + 1 - len(value))]
    value[last] = copy.deepcopy(leaf)
