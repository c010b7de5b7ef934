"""A gateway.yaml with all there has to be, one with all there is, and what is wrong with a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from configuration.file import load
from pipelines.errors import InvalidConfiguration

SHA = "a" * 64

MINIMAL = """\
apiVersion: deploy-gateway/v1
public_url: http://127.0.0.1:8080
store: {url: "sqlite:///state/gateway.db"}
queue: {url: "redis://127.0.0.1:6379/0"}
clusters: {local: {}}
environments:
  staging: {cluster: local, namespace: "{app}-staging"}
"""

FULL = (
    MINIMAL
    + f"""\
  production: {{cluster: local, mode: warn, rules: {{image-tag: enforce}}, rollout_timeout_seconds: 60}}
teams: {{shop: {{}}}}
apps:
  checkout: {{team: shop, repository: "http://127.0.0.1:1234/shop/checkout.git", deploy_file: ops/deploy.yaml}}
tokens:
  - {{name: shop-ci, team: shop, role: developer, sha256: "{SHA}"}}
  - {{name: root, role: platform-admin, sha256: "{"b" * 64}"}}
images: {{registries: [{{prefix: "127.0.0.1:5000/", plain_http: true}}]}}
git: {{allowed_hosts: ["127.0.0.1:1234"]}}
work_dir: scratch
limits: {{checkout_timeout_seconds: 5}}
"""
)


def faults(path: Path, **more: object) -> list[str]:
    with pytest.raises(InvalidConfiguration) as caught:
        load(path, **more)
    return [str(fault) for fault in caught.value.errors]


def changed(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)
