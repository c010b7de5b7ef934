"""Prepares a cluster for the gateway: its identity, the admission policies, and for the embedded one its nodes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from pipelines.cluster import ACCESS, GATEWAY_ONLY, SERVICE_ACCOUNT, SERVICE_ACCOUNT_NAMESPACE
from pipelines.errors import ClusterUnavailable
from tools.stack.control_plane import NODES
from tools.toolbox import ensure, module_dir

_EMBEDDED = Path(__file__).with_name("cluster.yaml")
_ISTIO_CRDS = Path("kubernetes") / "customresourcedefinitions.gen.yaml"
_TOKEN_HOURS = 24


def prepare_cluster(admin: Path, zones: Path, *, embedded: bool) -> dict[str, Path]:
    """Installs what the gateway needs, as the holder of the kubeconfig `admin`; can be repeated.

    Returns the kubeconfig of the zone `deploy`, below `zones`: a bound token of the service account that ends
    after a day. Raises `ClusterUnavailable` with kubectl's words.
    """
    files = [ACCESS, GATEWAY_ONLY]
    if embedded:
        files += [_EMBEDDED, module_dir("istio-api") / _ISTIO_CRDS]
    names = [argument for file in files for argument in ("--filename", str(file))]
    _kubectl(admin, "apply", "--server-side", "--force-conflicts", *names)
    if embedded:
        _kubectl(admin, "wait", "--for=condition=Ready", "--timeout=30s", *(f"node/{name}" for name in NODES))
    token = _kubectl(
        admin,
        "create",
        "token",
        SERVICE_ACCOUNT,
        f"--namespace={SERVICE_ACCOUNT_NAMESPACE}",
        f"--duration={_TOKEN_HOURS}h",
    ).strip()
    return {"deploy": _with_token(admin, zones / "deploy" / "kubeconfig", token)}


def _with_token(admin: Path, path: Path, token: str) -> Path:
    """The cluster of the current context of `admin`, with `token` in place of the administrator."""
    config: dict[str, Any] = json.loads(_kubectl(admin, "config", "view", "--minify", "--flatten", "--output=json"))
    config["users"] = [{"name": SERVICE_ACCOUNT, "user": {"token": token}}]
    config["contexts"][0]["context"]["user"] = SERVICE_ACCOUNT
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    path.write_text(json.dumps(config, indent=1))
    return path


def _kubectl(kubeconfig: Path, *arguments: str) -> str:
    command = [ensure(["kubectl"])["kubectl"], f"--kubeconfig={kubeconfig}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise ClusterUnavailable(
            f"kubectl {arguments[0]}: {done.stderr.strip() or done.stdout.strip()}",
            "Check that the kubeconfig is an administrator's and that the cluster answers",
            where=str(kubeconfig),
        )
    return done.stdout
