"""Three zones that trust each other little: what each process holds, and what it refuses."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipelines.errors import InvalidConfiguration
from tests.waiting import eventually
from tools.installation import Installation
from tools.stack.repositories import Content
from workers.main import insist_on_no_cluster_credential

Files = Callable[..., dict[str, Content]]
Post = Callable[..., dict[str, Any]]


def _credentials(installation: Installation) -> list[str]:
    """Every token that opens the cluster, as it stands in some kubeconfig."""
    found = []
    for kubeconfig in installation.stack.kubeconfigs.values():
        users = json.loads(kubeconfig.read_text())["users"]
        found += [user["user"]["token"] for user in users]
    assert len(found) >= 3
    return found


def _readable_files(folder: Path) -> Iterator[Path]:
    yield from (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


@pytest.mark.parametrize("process", ["check-worker", "gateway", "reconciler"])
def test_no_process_but_the_deploy_worker_is_given_a_cluster_credential(
    installation: Installation, process: str
) -> None:
    pid = installation.stack.processes[process].pid
    environment = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    home = next(word for word in environment.split("\0") if word.startswith("HOME=")).removeprefix("HOME=")
    folders = [Path(home).parent, installation.config.parent]
    texts = [
        environment,
        command,
        *(path.read_bytes().decode(errors="replace") for f in folders for path in _readable_files(f)),
    ]
    for credential in _credentials(installation):
        assert not any(credential in text for text in texts)
    assert "kubeconfig" not in environment + command


def test_the_deploy_worker_is_given_one_and_that_is_not_the_administrators(installation: Installation) -> None:
    pid = installation.stack.processes["deploy-worker"].pid
    command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    assert f"--kubeconfig={installation.stack.gateway_kubeconfig}" in command
    assert installation.stack.gateway_kubeconfig != installation.stack.kubeconfig


@pytest.mark.parametrize("name", ["KUBECONFIG", "HELM_KUBETOKEN"])
def test_a_check_worker_does_not_start_with_a_cluster_credential(name: str) -> None:
    with pytest.raises(InvalidConfiguration, match=name):
        insist_on_no_cluster_credential({name: "x", "HOME": "/nonexistent"})


def test_a_check_worker_does_not_start_beside_a_kubeconfig(tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").touch()
    with pytest.raises(InvalidConfiguration, match="must not hold a cluster credential"):
        insist_on_no_cluster_credential({"HOME": str(tmp_path)})


def test_a_changed_byte_in_a_bundle_is_refused(installation: Installation, release: Post, deploy_yaml: Files) -> None:
    installation.push("shop/byte", deploy_yaml("byte"), "First")
    good = release("byte")
    assert good["state"] == "deployed"
    installation.push("shop/byte", deploy_yaml("byte", 'env: {N: "2"}\n'), "Second")
    assert release("byte")["state"] == "deployed"
    database = sqlite3.connect(installation.config.parent / "gateway.db", timeout=60)
    (content,) = database.execute("SELECT content FROM bundles WHERE digest = ?", (good["bundle"],)).fetchone()
    changed = content.replace(b'"replicas":3', b'"replicas":4')
    assert changed != content
    with database:
        database.execute("UPDATE bundles SET content = ? WHERE digest = ?", (changed, good["bundle"]))
    database.close()
    headers = {"Authorization": f"Bearer {installation.tokens['on-call']}"}
    url = f"{installation.url}/api/v1/apps/byte/environments/staging/rollback"
    accepted = httpx.post(url, json={"reason": "to see"}, headers=headers, timeout=60).json()
    done = _ended(installation, accepted["id"])
    assert (done["state"], done["code"]) == ("failed", "bundle-mismatch")
    assert [stage["name"] for stage in done["stages"]] == ["preflight"]


def _ended(installation: Installation, release_id: str) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = installation.api("shop", f"/api/v1/releases/{release_id}")
        return found if found["final"] else None

    return eventually(ended, 120)
