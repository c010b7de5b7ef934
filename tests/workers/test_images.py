"""From gateway.yaml and a real registry to findings about bases, at the line where the image stands."""

from __future__ import annotations

from pathlib import Path

from configuration.file import load
from pipelines.adapters.registry import Registries
from pipelines.ports import CheckSubject
from pipelines.sources import located
from tests.images import push
from tests.pipelines.conftest import FACTS, source
from tests.pipelines.test_signatures import KEY, pem
from workers.images import image_checks, image_exemptions, open_registries

GATEWAY = """\
apiVersion: deploy-gateway/v1
public_url: http://127.0.0.1:8080
store: {{url: "sqlite:///gateway.db"}}
queue: {{url: "redis://127.0.0.1:6379/0"}}
clusters: {{local: {{}}}}
environments: {{staging: {{cluster: local}}}}
images: {{registries: [{{prefix: "{registry}/bases/", plain_http: true}}]}}
"""
BASES = """\
base_images:
  approved:
    - {{name: python, repository: "{registry}/bases/python", versions: "3.13"}}
"""


def _subject(image: str) -> CheckSubject:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"containers": [{"image": image}]}}
    return CheckSubject(b"", (pod,), "checkout", "shop", "checkout-staging", FACTS, {})


def _write(folder: Path, registry: str, *, bases: bool = True) -> Path:
    path = folder / "gateway.yaml"
    path.write_text((GATEWAY + BASES * bases).format(registry=registry))
    return path


def test_an_image_on_another_base_is_told_at_its_line(registry: str, tmp_path: Path) -> None:
    push(registry, "bases/python:3.13.1", "os", "python")
    good, bad = push(registry, "bases/app:1", "os", "python", "app"), push(registry, "bases/app:2", "alpine", "app")
    settings = load(_write(tmp_path, registry), environ={})
    (check,) = image_checks(settings, open_registries(settings))
    assert check.findings(_subject(f"{registry}/bases/app:1@{good}")) == ()
    findings = check.findings(_subject(f"{registry}/bases/app:2@{bad}"))
    (finding,) = located(findings, source().declaration, {})
    assert (finding.rule, finding.source) == ("base-image-approved", "deploy.yaml:4")


def test_without_a_list_of_bases_no_image_is_looked_into(registry: str, tmp_path: Path) -> None:
    settings = load(_write(tmp_path, registry, bases=False), environ={})
    assert image_checks(settings, open_registries(settings)) == ()
    assert image_exemptions(settings) == ()


def test_what_is_exempt_is_told_by_the_key_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "cosign.pub").write_text(pem(KEY))
    path = _write(tmp_path, "registry.example.com")
    signatures = "signatures: {public_keys: [file:cosign.pub], exempt: [registry.example.com/b/]}\n"
    path.write_text(f"{path.read_text()}  exempt: [registry.example.com/a/]\n{signatures}")
    exempt = {one.key: one.prefixes for one in image_exemptions(load(path, environ={}))}
    assert exempt == {
        "base_images.exempt": ("registry.example.com/a/",),
        "signatures.exempt": ("registry.example.com/b/",),
    }


def test_who_signs_is_looked_at_too(registry: str, tmp_path: Path) -> None:
    (tmp_path / "cosign.pub").write_text(pem(KEY))
    image = f"{registry}/bases/app:4@{push(registry, 'bases/app:4', 'os', 'app')}"
    path = _write(tmp_path, registry, bases=False)
    path.write_text(f"{path.read_text()}signatures: {{public_keys: [file:cosign.pub]}}\n")
    settings = load(path, environ={})
    (check,) = image_checks(settings, open_registries(settings))
    assert [one.rule for one in check.findings(_subject(image))] == ["image-signed"]


def test_what_was_looked_at_before_is_not_asked_for_again(registry: str, tmp_path: Path) -> None:
    push(registry, "bases/python:3.13.2", "os", "python2")
    image = f"{registry}/bases/app:3@{push(registry, 'bases/app:3', 'os', 'python2', 'app')}"
    settings = load(_write(tmp_path, registry), environ={})
    (check,) = image_checks(settings, open_registries(settings))
    assert check.findings(_subject(image)) == ()
    (without_registry,) = image_checks(settings, Registries())
    assert without_registry.findings(_subject(image)) == ()
