"""The chart that measures nodes: what only kube-bench may, and only in its namespace."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.benchmark import PRIVILEGES
from tools.toolbox import ensure

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "deploy-gateway"
IMAGE = f"registry.example.com/aquasec/kube-bench@sha256:{'a' * 64}"


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(ensure(["helm"])["helm"]), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def render(*options: str) -> list[dict[str, Any]]:
    done = helm(
        "template", "dg", str(CHART), "--kube-version", "v1.36.3", "--set", f"kubeBench.image={IMAGE}", *options
    )
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


@pytest.fixture(scope="module")
def rendered() -> list[dict[str, Any]]:
    return render()


def pods(rendered: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The pods of its CronJobs, by the class of nodes that they measure."""
    jobs = [one for one in rendered if one["kind"] == "CronJob"]
    label = "deploy-gateway.dev/node-class"
    return {one["metadata"]["labels"][label]: one["spec"]["jobTemplate"]["spec"]["template"]["spec"] for one in jobs}


def test_helm_has_nothing_to_say_against_it() -> None:
    done = helm("lint", "--strict", str(CHART), "--set", f"kubeBench.image={IMAGE}")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("image", "said"),
    [("", "kubeBench.image is missing"), ("r.example.com/kube-bench:latest", "does not match pattern")],
)
def test_an_image_without_its_digest_is_refused(image: str, said: str) -> None:
    done = helm("template", "dg", str(CHART), "--set", f"kubeBench.image={image}")
    assert done.returncode != 0
    assert said in done.stderr


def test_each_class_of_nodes_is_measured_on_its_own_nodes_with_its_own_sections(rendered: list[dict[str, Any]]) -> None:
    control_plane, worker = pods(rendered)["control-plane"], pods(rendered)["worker"]
    assert control_plane["nodeSelector"] == {"node-role.kubernetes.io/control-plane": ""}
    assert control_plane["tolerations"][0]["key"] == "node-role.kubernetes.io/control-plane"
    (terms,) = worker["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert terms["matchExpressions"] == [{"key": "node-role.kubernetes.io/control-plane", "operator": "DoesNotExist"}]
    assert control_plane["containers"][0]["args"][:3] == ["run", "--targets", "master,etcd,controlplane,node,policies"]
    assert worker["containers"][0]["args"] == ["run", "--targets", "node", "--version", "1.36", "--json"]


def test_a_class_and_the_whole_of_it_can_be_left_out() -> None:
    assert list(pods(render("--set", "kubeBench.nodeClasses.control-plane=null"))) == ["worker"]
    assert render("--set", "kubeBench.enabled=false") == []


def test_it_reads_the_node_and_changes_nothing(rendered: list[dict[str, Any]]) -> None:
    for pod in pods(rendered).values():
        (container,) = pod["containers"]
        assert pod["hostPID"] is True
        assert not {"hostNetwork", "hostIPC"} & pod.keys()
        assert pod["automountServiceAccountToken"] is False
        assert all(mount["readOnly"] for mount in container["volumeMounts"])
        assert container["image"] == IMAGE
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["DAC_READ_SEARCH"]}


def _privileges(pod: dict[str, Any]) -> list[str]:
    """All that the pod runs with and no App may."""
    (container,) = pod["containers"]
    context = container["securityContext"]
    mounts = [mount.get("readOnly", False) for mount in container["volumeMounts"]]
    return [
        *(["root"] if context["runAsUser"] == 0 else []),
        *context["capabilities"]["add"],
        *(name for name in ("hostPID", "hostIPC", "hostNetwork") if pod.get(name)),
        *(["read-only hostPath" if all(mounts) else "hostPath"] if mounts else []),
    ]


def test_what_is_reviewed_is_what_it_runs_with(rendered: list[dict[str, Any]]) -> None:
    for pod in pods(rendered).values():
        assert _privileges(pod) == list(PRIVILEGES)


@pytest.mark.parametrize(
    "text", ["charts/deploy-gateway/templates/NOTES.txt", "docs/how-to/measure-a-cluster.md"], ids=["notes", "how-to"]
)
def test_it_is_told_in_full(text: str) -> None:
    told = (ROOT / text).read_text("utf-8").replace("`", "")
    assert [one for one in PRIVILEGES if one not in told] == []


def test_it_brings_no_right_to_anything(rendered: list[dict[str, Any]]) -> None:
    kinds = {one["kind"] for one in rendered}
    assert not {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "Secret"} & kinds
    assert {"Namespace", "ServiceAccount", "NetworkPolicy", "CronJob", "ValidatingAdmissionPolicy"} <= kinds
