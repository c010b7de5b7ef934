"""etcd, the API server, controller manager, scheduler and simulated kubelets, each under an identity of its own."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.stack.component import Component
from tools.stack.kubeconfig import write_kubeconfig
from tools.stack.kubelet import make_kubelet
from tools.stack.pki import Pki, make_pki
from tools.stack.ports import free_ports
from tools.stack.readiness import http_ready

_IDENTITIES = {
    "admin": ("admin", "system:masters"),
    "developer": ("developer", "developers"),
    "kube-controller-manager": ("system:kube-controller-manager", ""),
    "kube-scheduler": ("system:kube-scheduler", ""),
    "kwok": ("system:kwok", "system:masters"),
    "log-server": ("log-server", "log-servers"),
}
# Its state is thrown away with it, so there is nothing to wait for at its end.
_NO_GRACE = 0.0
NODES = ("node-a", "node-b", "node-c")


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """Its components, and the kubeconfig of each identity."""

    components: tuple[Component, ...]
    kubeconfigs: Mapping[str, Path]


def make_control_plane(state: Path, tools: Mapping[str, Path]) -> ControlPlane:
    """Everything below `state`; `tools` maps the names of the five programs to their paths. Starts nothing."""
    etcd_client, etcd_peer, api, manager, scheduler, *kubelet = free_ports(7)
    pki = make_pki(state / "pki")
    server = f"https://127.0.0.1:{api}"
    tokens = {name: secrets.token_hex(24) for name in _IDENTITIES}
    kubeconfigs = {
        name: write_kubeconfig(
            state / "zones" / name / "kubeconfig",
            server=server,
            authority_pem=pki.authority.read_bytes(),
            user=user,
            token=tokens[name],
        )
        for name, (user, _) in _IDENTITIES.items()
    }
    components = (
        _etcd(state, tools["etcd"], etcd_client, etcd_peer),
        _api_server(state, tools["kube-apiserver"], pki, tokens, api, etcd_client),
        _controller_manager(tools["kube-controller-manager"], pki, kubeconfigs, manager),
        _scheduler(tools["kube-scheduler"], pki, kubeconfigs, scheduler),
        *make_kubelet(state, tools["kwok"], pki, kubeconfigs["kwok"], kubeconfigs["log-server"], kubelet),
    )
    return ControlPlane(components, kubeconfigs)


def audit_log(state: Path) -> Path:
    """Where the API server of the stack in `state` writes who did what: one JSON object a line."""
    return state / "logs" / "kube-apiserver-audit.log"


def _etcd(state: Path, program: Path, client: int, peer: int) -> Component:
    url, peer_url = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
    shutil.rmtree(state / "etcd", ignore_errors=True)  # of a start that was given up
    return Component(
        name="etcd",
        grace_seconds=_NO_GRACE,
        argv=(
            program,
            f"--data-dir={state / 'etcd'}",
            f"--listen-client-urls={url}",
            f"--advertise-client-urls={url}",
            f"--listen-peer-urls={peer_url}",
            f"--initial-advertise-peer-urls={peer_url}",
            f"--initial-cluster=default={peer_url}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ),
        ready=http_ready(client, "/health"),
    )


def _api_server(
    state: Path,
    program: Path,
    pki: Pki,
    tokens: Mapping[str, str],
    port: int,
    etcd_port: int,
) -> Component:
    token_file = state / "pki" / "tokens.csv"
    token_file.touch(mode=0o600)
    rows = [f'{tokens[name]},{user},{name},"{group}"' for name, (user, group) in _IDENTITIES.items()]
    token_file.write_text("\n".join(rows) + "\n")
    policy = state / "pki" / "audit-policy.yaml"
    policy.write_text('{"apiVersion":"audit.k8s.io/v1","kind":"Policy","rules":[{"level":"Metadata"}]}')
    return Component(
        name="kube-apiserver",
        grace_seconds=_NO_GRACE,
        argv=(
            program,
            f"--etcd-servers=http://127.0.0.1:{etcd_port}",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            f"--tls-cert-file={pki.certificate}",
            f"--tls-private-key-file={pki.key}",
            f"--token-auth-file={token_file}",
            "--authorization-mode=RBAC",
            "--allow-privileged=true",  # as every real cluster has it: who may is what policies are for
            "--service-cluster-ip-range=10.96.0.0/16",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={pki.service_account_key}",
            f"--service-account-signing-key-file={pki.service_account_key}",
            f"--audit-policy-file={policy}",
            f"--audit-log-path={audit_log(state)}",
            "--audit-log-maxsize=100",  # MiB, and the one before it
            "--audit-log-maxbackup=1",
            "--endpoint-reconciler-type=none",
            f"--kubelet-certificate-authority={pki.authority}",
            f"--kubelet-client-certificate={pki.client_certificate}",
            f"--kubelet-client-key={pki.client_key}",
            "--kubelet-preferred-address-types=InternalIP",
            # Nodes that nothing beats for are ready from the start, and stay it.
            "--disable-admission-plugins=TaintNodesByCondition",
            "--shutdown-delay-duration=0s",
        ),
        ready=http_ready(port, "/readyz", authority=pki.authority, token=tokens["admin"]),
        needs=("etcd",),
    )


def _controller_manager(program: Path, pki: Pki, kubeconfigs: Mapping[str, Path], port: int) -> Component:
    return Component(
        name="kube-controller-manager",
        grace_seconds=_NO_GRACE,
        argv=(
            program,
            f"--kubeconfig={kubeconfigs['kube-controller-manager']}",
            "--use-service-account-credentials=true",
            "--controllers=*,-node-lifecycle-controller",
            "--horizontal-pod-autoscaler-sync-period=2s",
            f"--service-account-private-key-file={pki.service_account_key}",
            f"--root-ca-file={pki.authority}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            f"--tls-cert-file={pki.certificate}",
            f"--tls-private-key-file={pki.key}",
        ),
        ready=http_ready(port, "/healthz", authority=pki.authority),
        needs=("kube-apiserver",),
    )


def _scheduler(program: Path, pki: Pki, kubeconfigs: Mapping[str, Path], port: int) -> Component:
    return Component(
        name="kube-scheduler",
        grace_seconds=_NO_GRACE,
        argv=(
            program,
            f"--kubeconfig={kubeconfigs['kube-scheduler']}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            f"--tls-cert-file={pki.certificate}",
            f"--tls-private-key-file={pki.key}",
        ),
        ready=http_ready(port, "/healthz", authority=pki.authority),
        needs=("kube-apiserver",),
    )
