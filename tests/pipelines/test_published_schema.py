"""The schema that editors check `deploy.yaml` from, against what the reader takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from ruamel.yaml import YAML

from pipelines.deployfile import json_schema, read
from pipelines.errors import InvalidDeployFile

GOLDEN = Path(__file__).resolve().parents[1] / "charts" / "golden"
VALIDATOR = jsonschema_rs.Draft202012Validator(json_schema())
WEB = (GOLDEN / "web-minimal" / "deploy.yaml").read_text()
HEAD = "apiVersion: deploy-gateway/v1\napp: checkout\n"


def _as_an_editor_reads(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)  # YAML 1.2


def _accepts(text: str) -> bool:
    return VALIDATOR.is_valid(_as_an_editor_reads(text))


def _reader_accepts(text: str) -> bool:
    try:
        read(text.encode(), "deploy.yaml", app="checkout", environments={"staging", "production"})
    except InvalidDeployFile:
        return False
    return True


def test_it_is_a_json_schema_itself() -> None:
    jsonschema_rs.meta.validate(json_schema())


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*/deploy.yaml")), ids=lambda path: path.parent.name)
def test_it_accepts_every_golden_file(path: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(_as_an_editor_reads(path.read_text()))] == []


ALIKE = {
    "env-number": "env: {A: 8, B: 1.5, C: 1e3, D: 0x1F}",
    "env-truth": "env: {A: true, B: on, C: false}",
    "args-number": "args: [8080, true]",
    "cpu-number": "environments: {staging: {resources: {cpu: 1, memory: 268435456}}}",
    "quoted-integer": 'replicas: "3"',
    "quoted-truth": "volumes: [{name: data, path: /data, size: 1Gi, shared: yes}]",
    "metrics-number": "autoscale: {max: 5, metrics: {queue_depth: 30}}",
    "null": "command:",
}
REFUSED = {
    "misspelt": "replcas: 3",
    "misspelt-inside": "stop: {second: 30}",
    "misspelt-in-a-list": "ports: [{name: admin, prt: 9090}]",
    "misspelt-in-a-union": "env: {A: {secrt: db, key: password}}",
    "misspelt-in-an-environment": "environments: {production: {replcas: 3}}",
    "bad-name-of-a-variable": "env: {1A: x}",
    "relative-path": "scratch: {cache: 1Gi}",
    "out-of-range": "replicas: 1000",
    "no-digits": "replicas: many",
    "no-truth": "volumes: [{name: data, path: /data, size: 1Gi, shared: perhaps}]",
    "not-of-this-workload": 'cron: {schedule: "0 * * * *"}',
    "not-of-this-workload-there": 'environments: {production: {cron: {schedule: "0 * * * *"}}}',
    "manifests-beside-a-workload": "manifests: k8s/",
}


@pytest.mark.parametrize("name", ALIKE)
def test_it_accepts_a_text_or_number_however_yaml_spells_it(name: str) -> None:
    text = f"{WEB}{ALIKE[name]}\n"
    assert (_reader_accepts(text), _accepts(text)) == (True, True)


@pytest.mark.parametrize("name", REFUSED)
def test_it_refuses_what_the_reader_refuses(name: str) -> None:
    text = f"{WEB}{REFUSED[name]}\n"
    assert (_reader_accepts(text), _accepts(text)) == (False, False)


@pytest.mark.parametrize("key", ["image: ", "resources: ", "port: ", "health: ", "workload: "])
def test_it_misses_what_a_workload_needs(key: str) -> None:
    text = "".join(line for line in WEB.splitlines(keepends=True) if not line.startswith(key))
    assert (_reader_accepts(text), _accepts(text)) == (False, False)


def test_manifests_stand_alone() -> None:
    text = f"{HEAD}manifests: k8s/\n"
    assert (_reader_accepts(text), _accepts(text)) == (True, True)
