"""`deployctl render`: the manifests, and honest words on what was assumed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.deployctl.offline import CONFIG, GOOD, MISSPELT, folder, run


def test_the_manifests_are_printed_and_what_is_assumed_is_said_beside_them(tmp_path: Path) -> None:
    folder(tmp_path / "a")
    done = run("render", "a", at=tmp_path)
    objects = [one for one in yaml.safe_load_all(done.stdout) if one]
    assert {"Deployment", "Service", "NetworkPolicy"} <= {one["kind"] for one in objects}
    assert {one["metadata"]["namespace"] for one in objects if one["kind"] == "Deployment"} == {"checkout"}
    for words in ("Environment local", "team local", "namespaces {app}", "image tags in place of digests", "no Git"):
        assert words in done.stderr


def test_what_is_said_is_not_assumed(tmp_path: Path) -> None:
    folder(tmp_path / "a", GOOD + "environments: {staging: {replicas: 7}}\n")
    options = ("--env", "staging", "--team", "shop", "--namespace", "{app}-staging", "--kube-version", "v1.35.0")
    done = run("render", "a", "-o", "json", *options, at=tmp_path)
    (deployment,) = (one for one in json.loads(done.stdout)["items"] if one["kind"] == "Deployment")
    assert deployment["spec"]["replicas"] == 7
    assert deployment["metadata"]["namespace"] == "checkout-staging"
    assert deployment["metadata"]["labels"]["deploy-gateway.dev/team"] == "shop"
    assert not any(words in done.stderr for words in ("Environment", "team", "namespaces", "Kubernetes"))


def test_named_callers_are_in_the_namespaces_of_the_pattern(tmp_path: Path) -> None:
    folder(tmp_path / "a")
    out = run("render", "a", "--namespace", "{app}-staging", at=tmp_path).stdout
    assert "storefront-staging" in out
    assert "payments-staging" in out
    assert "orders-staging" not in out


@pytest.mark.parametrize("way", ["option", "variable", "file"])
def test_the_platforms_file_is_found(tmp_path: Path, way: str) -> None:
    folder(tmp_path / "a")
    config = tmp_path / "gateway.yaml"
    config.write_text(CONFIG)
    stored = tmp_path / ".config" / "deployctl" / "config.toml"
    stored.parent.mkdir(parents=True)
    stored.write_text(f'platform = "{config}"\n' if way == "file" else "")
    done = run(
        *("render", "a", "--env", "staging"),
        *(("--config", config) if way == "option" else ()),
        at=tmp_path,
        environment={"DEPLOYCTL_PLATFORM": str(config)} if way == "variable" else {},
    )
    assert 'namespace: "checkout-staging"' in done.stdout, done.stderr
    assert 'deploy-gateway.dev/team: "shop"' in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--config", "gateway.yaml"), "which Environment is not said"),
        (("--config", "gateway.yaml", "--env", "stagin"), "Did you mean 'staging'?"),
        (("--config", "absent.yaml"), "can't be read"),
        (("--facts", "absent.json"), "can't be read"),
        (("--facts", "gateway.yaml"), "no facts of a cluster"),
        (("--kube-version", "1.36"), "Write it as v1.36.3"),
        (("--namespace", "{nobody}"), "no pattern of namespaces"),
        (("--chart-version", "99"), "there is no standard chart '99'"),
    ],
)
def test_wrong_usage_is_told_with_what_to_write(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    folder(tmp_path)
    (tmp_path / "gateway.yaml").write_text(CONFIG)
    done = run("render", *arguments, at=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_bad_input_is_told_with_file_and_line(tmp_path: Path) -> None:
    folder(tmp_path, MISSPELT)
    done = run("render", at=tmp_path)
    assert done.returncode == 2
    assert "deploy.yaml:5" in done.stderr
    assert done.stdout == ""
