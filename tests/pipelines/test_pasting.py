"""What a finding says to write, pasted into what its line is in, ends the finding."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import yaml

from pipelines.adapters.cel import CelRules
from pipelines.deployfile import read
from pipelines.examples import Examples
from pipelines.findings import Finding
from pipelines.image_advice import advice, unpinned
from pipelines.resources import at, field_path
from pipelines.rules import load_rules
from pipelines.snippets import of_deploy_yaml, of_kubernetes, of_variable
from tests.pipelines.conftest import DEPLOY_YAML, DIGEST, PARAMETERS, subject

RULES = {rule.id: rule for rule in load_rules()}
EXAMPLES = Examples(PARAMETERS)
# Mended by leaving the object out, or by the name of something that only the platform knows.
LEFT_OUT = {"external-secret-store", "ingress-class", "platform-kinds", "team-scope", "virtual-service-own"}
_Paste = Callable[[Any, Any], Any]


def _merged(value: Any, written: Any) -> Any:
    """`value` with the keys of `written` in it; of a list of what has names, those of the same name."""
    if isinstance(value, dict) and isinstance(written, dict):
        return value | {key: _merged(value.get(key), one) for key, one in written.items()}
    if isinstance(value, list) and isinstance(written, list) and all("name" in one for one in (*value, *written)):
        named = {one["name"]: one for one in written}
        return [named.get(one["name"], one) for one in value]
    return written


def _replaced(value: dict[str, Any], written: dict[str, Any]) -> dict[str, Any]:
    """`value` with the lines of `written` in place of its own."""
    return value | written


def _with(manifest: dict[str, Any], path: tuple[str | int, ...], written: Any, paste: _Paste) -> dict[str, Any]:
    made = copy.deepcopy(manifest)
    new = paste(at(made, path), written)
    if path:
        at(made, path[:-1])[path[-1]] = new
        return made
    whole: dict[str, Any] = new
    return whole


@cache
def _rules(*names: str) -> CelRules:
    return CelRules(tuple(RULES[name] for name in names))


def _found(rule: str, manifest: dict[str, Any]) -> tuple[Finding, ...]:
    return _rules(rule).findings(subject((manifest,)))


@pytest.mark.parametrize("rule", sorted(set(RULES) - LEFT_OUT))
def test_a_snippet_pasted_at_its_field_or_around_it_ends_the_finding(rule: str) -> None:
    broken = EXAMPLES.broken[rule]
    first = _found(rule, broken)[0]
    written = yaml.safe_load(of_kubernetes(first.how))
    path = field_path(first.field)
    bases = [path[:depth] for depth in range(len(path), -1, -1)]
    there = [base for base in bases if isinstance(at(broken, base), dict)]
    mended = (_with(broken, base, written, paste) for base in there for paste in (_merged, _replaced))
    assert any(not _found(rule, one) for one in mended), first.how


def _of_image(image: str) -> tuple[Finding, ...]:
    deployment = copy.deepcopy(EXAMPLES.good["Deployment"])
    deployment["spec"]["template"]["spec"]["containers"][0]["image"] = image
    return _rules("image-pinned", "image-registry").findings(subject((deployment,)))


@pytest.mark.parametrize(
    ("image", "instead"),
    [
        ("registry.example.com/shop/checkout:latest", "registry.example.com/shop/checkout:VERSION"),
        ("registry.example.com/shop/checkout", "registry.example.com/shop/checkout:VERSION"),
        ("registry.example.com/shop/checkout:1@sha256:abc", "registry.example.com/shop/checkout:VERSION"),
        ("nginx:1.27", "registry.example.com/shop/nginx:1.27"),
        ("library/nginx:1.27", "registry.example.com/shop/nginx:1.27"),
        ("ghcr.io/shop/checkout:1.4.2", "registry.example.com/shop/checkout:1.4.2"),
        (f"ghcr.io/acme/a:1.4.2@{DIGEST}", f"registry.example.com/shop/acme/a:1.4.2@{DIGEST}"),
        (f"ghcr.io/acme/a@{DIGEST}", f"registry.example.com/shop/acme/a@{DIGEST}"),
        ("registry.example.com/shop/../evil//a:1.4.2", "registry.example.com/shop/evil/a:1.4.2"),
        ("legacy:5000/app:1.4.2", "registry.example.com/shop/app:1.4.2"),
    ],
)
def test_an_image_keeps_its_name_in_what_is_to_be_written(image: str, instead: str) -> None:
    (found,) = _of_image(image)
    assert yaml.safe_load(found.how) == {"image": instead}
    assert _of_image(instead) == ()


@pytest.mark.parametrize(
    ("image", "why"),
    [
        ("shop/a", "it has no tag"),
        ("legacy:5000/a", "it has no tag"),
        ("shop/a:LATEST", "the tag is LATEST"),
        (f"shop/a:latest@{DIGEST}", "the tag is latest, and a digest beside it says no version either"),
        ("shop/a@sha256:abc", "the digest has 3 of 64 digits"),
        ("shop/a:1@sha256:XYZ", "the digest is none, which is sha256: and 64 of the digits 0-9 and a-f"),
        ("shop/a:1+2", "the tag has letters that none may have"),
        ("", ""),
        (None, ""),
    ],
)
def test_it_is_told_what_an_image_has_instead_of_a_version(image: object, why: str) -> None:
    assert unpinned(image) == why


def test_without_an_image_or_registries_the_words_of_the_rule_are_kept() -> None:
    assert advice("image-pinned", None, "spec.image", ()) == ""
    assert advice("image-registry", "a:1", "spec.image", ()) == ""


def test_a_secret_in_deploy_yaml_is_told_what_that_file_takes_with_its_own_name() -> None:
    how = of_deploy_yaml(of_variable(RULES["secret-literals"].how, "DB_PASSWORD"))
    assert yaml.safe_load(how) == {"env": {"DB_PASSWORD": {"secret": "APP", "key": "db-password"}}}
    file = read(
        f"{DEPLOY_YAML}{how}\n".encode().replace(b"APP", b"checkout"), "deploy.yaml", app="checkout", environments=()
    )
    assert file.file.env["DB_PASSWORD"]


@pytest.mark.parametrize(("name", "key"), [("_", "_"), ("A B", "database-password"), (7, "database-password")])
def test_a_name_that_none_can_be_is_not_written_into_a_snippet(name: object, key: str) -> None:
    how = of_deploy_yaml(of_variable(RULES["secret-literals"].how, name))
    (written,) = yaml.safe_load(how)["env"].values()
    assert written["key"] == key


def test_what_has_no_form_of_its_own_for_deploy_yaml_stays_as_it_is() -> None:
    assert of_deploy_yaml("a: b") == "a: b"
