"""Apps in folders, and the programs that check them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from deployctl.local import Programs
from pipelines.adapters.programs import cache_dir
from tools.toolbox import ensure

PROGRAM = str(Path(sys.executable).with_name("deployctl"))
GOOD = """\
apiVersion: deploy-gateway/v1
app: checkout
workload: web
image: registry.example.com/shop/checkout:1.4.2
port: 8080
health: {readiness: /ready, liveness: /live}
resources: {cpu: 250m, memory: 256Mi}
allow:
  from: [{app: storefront}, {app: orders, namespace: elsewhere}]
  to: [{app: payments}]
"""
LATEST = GOOD.replace(":1.4.2", ":latest")
MISSPELT = GOOD.replace("port:", "prot:")
CONFIG = """\
apiVersion: deploy-gateway/v1
public_url: https://deploy.example.com
store: {url: "env:NOBODY_HAS_SET_THIS"}
queue: {url: "file:not-there"}
clusters: {far-away: {}}   # nobody keeps facts of it on this machine
environments:
  staging: {cluster: far-away, namespace: "{app}-staging", mode: warn}
  production: {cluster: far-away, namespace: "{app}"}
teams: {shop: {}}
apps:
  checkout: {team: shop, repository: "https://git.example.com/shop/checkout.git"}
  storefront: {team: shop, repository: "https://git.example.com/shop/storefront.git"}
  payments: {team: shop, repository: "https://git.example.com/shop/payments.git"}
images: {registries: [{prefix: "registry.example.com/shop/"}]}
"""


def programs() -> Programs:
    """Real ones, built where they are missing."""
    found = ensure(["helm", "kube-score"])
    return Programs(found["helm"], found["kube-score"])


def folder(at: Path, text: str = GOOD, **files: str) -> Path:
    """An App's folder `at`, with its deploy.yaml and `files` (`__` for `/`, `_` for `.` at the end)."""
    at.mkdir(parents=True, exist_ok=True)
    (at / "deploy.yaml").write_text(text)
    for name, content in files.items():
        path = at / (name.replace("__", "/") + ".yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return at


def run(
    *arguments: str | Path, at: Path, environment: Mapping[str, str] | None = None, stdin: int = subprocess.DEVNULL
) -> subprocess.CompletedProcess[str]:
    """`deployctl` in the folder `at`, as somebody with a home of their own, and the programs in the cache."""
    ensure(["helm", "kube-score"])
    coverage = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_PROCESS")}
    home = {"PATH": os.environ["PATH"], "HOME": str(at), "LANG": "C.UTF-8", "DEPLOY_GATEWAY_CACHE": str(cache_dir())}
    return subprocess.run(
        [PROGRAM, *map(str, arguments)],
        cwd=at,
        env=home | coverage | dict(environment or {}),
        stdin=stdin,
        capture_output=True,
        text=True,
        timeout=60,
    )
