"""What stands in for the kubelets: kwok, which moves Pods on, and a server of their logs. No container runs."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tools.stack.component import Component, ComponentFailed
from tools.stack.pki import Pki
from tools.stack.readiness import http_ready, port_ready
from tools.stack.supervisor import PROJECT
from tools.stack.zones import coverage_environment
from tools.toolbox import module_dir

_STAGES = Path(__file__).with_name("stages.yaml")
# What a Pod does: the first SIMULATE=VALUE in the environment, the command or the arguments of its containers.
# Some values are about serving and some about running to an end; to a Pod of the other sort they mean nothing,
# so that the Job and the Deployment of an App can share one environment.
_BEHAVIOUR = """
  ([.spec.containers[] | (.env // [])[] | select(.name == "SIMULATE") | .value // empty]
   + [.spec.containers[] | ((.command // []) + (.args // []))[] | capture("SIMULATE=(?<it>[a-z-]+)") | .it])[0]
  // "ready" | . as $it
  | if ((if $pod.spec.restartPolicy == "Always" then ["fail", "hang"] else ["never-ready", "crash"] end) | index($it))
    then "ready" else $it end
"""


def make_kubelet(
    state: Path, program: Path, pki: Pki, kubeconfig: Path, reader: Path, ports: list[int]
) -> list[Component]:
    """kwok, as the identity of `kubeconfig`, and the log server, which as `reader` may read Pods."""
    port, log_port = ports
    return [_kwok(state, program, kubeconfig, port, log_port), _log_server(pki, reader, log_port)]


def _kwok(state: Path, program: Path, kubeconfig: Path, port: int, log_port: int) -> Component:
    stages = module_dir("kwok") / "kustomize" / "stage"
    config = state / "kwok.yaml"
    behaviour = json.dumps(". as $pod | " + " ".join(_BEHAVIOUR.split()))
    config.write_text(
        "---\n".join(
            [
                (stages / "node" / "fast" / "node-initialize.yaml").read_text(),
                (stages / "pod" / "fast" / "pod-delete.yaml").read_text(),
                _only_ready((stages / "pod" / "fast" / "pod-ready.yaml").read_text()),
                _STAGES.read_text(),
            ]
        ).replace("key: BEHAVIOUR", f"key: {behaviour}")
    )
    return Component(
        name="kwok",
        grace_seconds=0.0,
        argv=(
            program,
            f"--kubeconfig={kubeconfig}",
            f"--config={config}",
            "--manage-all-nodes=true",
            f"--server-address=127.0.0.1:{port}",
            # Where the API server finds the kubelet of every node.
            "--node-ip=127.0.0.1",
            f"--node-port={log_port}",
            "--node-lease-duration-seconds=0",
        ),
        ready=http_ready(port, "/healthz"),
        needs=("kube-apiserver",),
    )


def _log_server(pki: Pki, kubeconfig: Path, port: int) -> Component:
    return Component(
        name="log-server",
        grace_seconds=0.0,
        argv=(
            *(sys.executable, "-P", "-m", "tools.stack.log_server"),
            f"--port={port}",
            f"--kubeconfig={kubeconfig}",
            f"--authority={pki.authority}",
            f"--certificate={pki.certificate}",
            f"--key={pki.key}",
        ),
        ready=port_ready(port),
        environment={"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT), **coverage_environment()},
    )


def _only_ready(stage: str) -> str:
    """kwok's own way to make a Pod ready, left to Pods that are to get ready, whatever they do then."""
    before, selector, after = stage.partition("    matchExpressions:\n")
    if not selector:
        raise ComponentFailed(
            "kwok's stage pod-ready has another form in this version", "Use the pinned kwok", where="kwok"
        )
    return f"{before}{selector}    - {{key: BEHAVIOUR, operator: In, values: [ready, fail, hang]}}\n{after}"
