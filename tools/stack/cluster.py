"""Prepares a cluster for the gateway: its identity, the admission policies, and for the embedded one its nodes."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.backstop import Exceptions, foundation
from pipelines.cluster import MANAGED_LABEL, SERVICE_ACCOUNT, SERVICE_ACCOUNT_NAMESPACE
from pipelines.errors import ClusterUnavailable
from pipelines.rules import as_json
from tools.stack.control_plane import NODES
from tools.stack.kinds import ADD_ONS, MESH, Kinds, essentials, groups
from tools.toolbox import ensure

_EMBEDDED = Path(__file__).with_name("cluster.yaml")
_TOKEN_HOURS = 24
_CONDITION_SECONDS = 30.0
_POLICY_SECONDS = 30.0
_KUBECTL_SECONDS = 120
_PROBE = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": "deploy-gateway-probe", "labels": {MANAGED_LABEL: "true"}},
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A cluster that the gateway can deploy to. `deploy` is the deploy zone's kubeconfig."""

    deploy: Path
    kubernetes_version: str


def prepare_cluster(admin: Path, state: Path, *, embedded: bool, progress: Callable[[str], None]) -> Prepared:
    """Installs what the gateway needs, as the holder of the kubeconfig `admin`; can be repeated.

    The kubeconfig of the zone `deploy` holds a bound token of the service account, which ends after a day.
    When this returns, the admission policies are in force. Raises `ClusterUnavailable` with kubectl's words.
    """
    with ThreadPoolExecutor() as pool:
        crds = pool.submit(_install_kinds, admin, embedded=embedded, progress=progress)
        _must(admin, *_apply(Path("-")), stdin=as_json(foundation(Exceptions())))
        if embedded:
            _must(admin, *_apply(_EMBEDDED))
        version = json.loads(_must(admin, "get", "--raw=/version"))["gitVersion"]
        deploy = _deploy_kubeconfig(admin, state / "zones" / "deploy" / "kubeconfig")
        _await_policies(admin)
        if embedded:
            _await_condition(admin, "Ready", "nodes", NODES)
        crds.result()
    return Prepared(deploy, version)


def kubectl(kubeconfig: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Runs kubectl with that kubeconfig and returns what it said, whatever its exit code."""
    cache = kubeconfig.parent / ".kubectl-cache" if kubeconfig.name == "kubeconfig" else None
    return subprocess.run(
        [
            ensure(["kubectl"])["kubectl"],
            f"--kubeconfig={kubeconfig}",
            # Not in the user's own, which every start would leave a few hundred files in.
            *([f"--cache-dir={cache}"] if cache else []),
            *arguments,
        ],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=_KUBECTL_SECONDS,
        check=False,
    )


def _must(kubeconfig: Path, *arguments: str, stdin: str = "") -> str:
    done = kubectl(kubeconfig, *arguments, stdin=stdin)
    if done.returncode != 0:
        raise ClusterUnavailable(
            f"kubectl {arguments[0]}: {done.stderr.strip() or done.stdout.strip()}",
            "Check that the kubeconfig is an administrator's and that the cluster answers",
            where=str(kubeconfig),
        )
    return done.stdout


def _apply(*files: Path) -> tuple[str, ...]:
    # Validation is left to the API server: on this side it costs a second, for the download of all schemas.
    names = [f"--filename={file}" for file in files]
    return ("apply", "--server-side", "--force-conflicts", "--validate=false", *names)


def _install_kinds(admin: Path, *, embedded: bool, progress: Callable[[str], None]) -> None:
    """Those of the mesh and of the add-ons. In a cluster of the user's only the mesh's, where it lacks them."""
    if embedded:
        wanted: tuple[Kinds, ...] = (MESH, *ADD_ONS)
        files = [essentials(wanted)]
    else:
        if kubectl(admin, "get", "crd", MESH.names[0], "--output=name").returncode == 0:
            return
        progress("the cluster has no Istio: installing its CustomResourceDefinitions, and nothing else of it")
        wanted = (MESH,)
        files = MESH.paths
    _must(admin, *_apply(*files))
    _await_condition(
        admin, "Established", "customresourcedefinitions", [name for kinds in wanted for name in kinds.names]
    )
    _await_schemas(admin, groups(wanted))


def _await_schemas(admin: Path, groups: Collection[str]) -> None:
    """Returns when the server publishes the schemas of `groups`: a moment after it has their kinds."""
    deadline = time.monotonic() + _CONDITION_SECONDS
    while time.monotonic() < deadline:
        paths = json.loads(_must(admin, "get", "--raw=/openapi/v3"))["paths"]
        lacking = {group for group in groups if f"apis/{group}/v1" not in paths}
        if not lacking:
            return
        time.sleep(0.1)
    raise ClusterUnavailable(
        f"the API server has no schemas of {', '.join(sorted(lacking))} after {_CONDITION_SECONDS:.0f} s",
        "See its log",
        where=str(admin),
    )


def _await_condition(admin: Path, condition: str, kind: str, names: Collection[str]) -> None:
    """Returns when the objects `names` of `kind` have `condition`.

    By one request for all of that kind: `kubectl wait`, and `kubectl get` with names, ask for one after the other.
    """
    deadline = time.monotonic() + _CONDITION_SECONDS
    while time.monotonic() < deadline:
        items = json.loads(_must(admin, "get", kind, "--output=json"))["items"]
        lacking = set(names) - {one["metadata"]["name"] for one in items if _has(one, condition)}
        if not lacking:
            return
        time.sleep(0.1)
    raise ClusterUnavailable(
        f"{kind} are not {condition} after {_CONDITION_SECONDS:.0f} s: {', '.join(sorted(lacking))}",
        f"See why: `kubectl describe {kind}`",
        where=str(admin),
    )


def _has(resource: dict[str, Any], condition: str) -> bool:
    # Both are null for a moment after the object was made.
    conditions = (resource.get("status") or {}).get("conditions") or []
    return any(one["type"] == condition and one["status"] == "True" for one in conditions)


def _await_policies(admin: Path) -> None:
    """Returns when the API server refuses what it has to; it takes up new policies about once a second."""
    deadline = time.monotonic() + _POLICY_SECONDS
    while time.monotonic() < deadline:
        done = kubectl(admin, "create", "--dry-run=server", "--filename=-", stdin=json.dumps(_PROBE))
        if done.returncode != 0 and "deploy-gateway-namespaces" in done.stderr:
            return
        time.sleep(0.1)
    raise ClusterUnavailable(
        f"the admission policies were not in force after {_POLICY_SECONDS:.0f} s; last seen: "
        f"{(done.stderr or done.stdout).strip()}",
        "Check that the cluster runs Kubernetes 1.30 or newer: ValidatingAdmissionPolicy is part of it",
        where=str(admin),
    )


def _deploy_kubeconfig(admin: Path, path: Path) -> Path:
    """The cluster of the current context of `admin`, with a token of the service account instead of its user.

    Nothing else is taken over, so that what runs programs (`exec`, `auth-provider`) can't come along.
    """
    token = _must(
        admin,
        "create",
        "token",
        SERVICE_ACCOUNT,
        f"--namespace={SERVICE_ACCOUNT_NAMESPACE}",
        f"--duration={_TOKEN_HOURS}h",
    ).strip()
    config: dict[str, Any] = json.loads(
        _must(admin, "config", "view", "--raw", "--minify", "--flatten", "--output=json")
    )
    config["users"] = [{"name": SERVICE_ACCOUNT, "user": {"token": token}}]
    config["contexts"][0]["context"]["user"] = SERVICE_ACCOUNT
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    path.write_text(json.dumps(config, indent=1))
    return path
