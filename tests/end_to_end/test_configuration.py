"""What an App is configured with: changed data rolls its pods, and what is secret is nowhere but in its Secret."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Callable
from typing import Any

from tools.installation import Installation

Push = Callable[..., str]
Post = Callable[..., dict[str, Any]]
Live = Callable[..., Any]
Told = Callable[[dict[str, Any]], str]
WEB = "workload: web\nport: 8080\nhealth: {readiness: /ready, liveness: /live}\n"
SECRET = "correct-horse-battery-7f3a"


def _generation(live: Live) -> int:
    """Of the pods' template alone: each ReplicaSet is one."""
    return len(live("files", "replicaset", every=True))


def test_other_text_in_a_file_rolls_the_pods_and_another_commit_alone_does_not(
    push: Push, release: Post, live: Live
) -> None:
    push("files", WEB + "files: {/etc/shop/app.conf: colour = red}\n")
    assert release("files")["state"] == "deployed"
    first = live("files", "deployment")
    push("files", WEB + "# another commit\nfiles: {/etc/shop/app.conf: colour = red}\n")
    assert release("files")["state"] == "deployed"
    second = live("files", "deployment")
    assert second["metadata"]["labels"] != first["metadata"]["labels"]
    assert (second["spec"]["template"], _generation(live)) == (first["spec"]["template"], 1)
    push("files", WEB + "files: {/etc/shop/app.conf: colour = blue}\n")
    assert release("files")["state"] == "deployed"
    assert _generation(live) == 2
    assert "colour = blue" in live("files", "configmap", "files-files")["data"].values()


def _stored(installation: Installation) -> bytes:
    """All that the store holds, Bundles included: the database's own pages, whatever is in the log of them."""
    with sqlite3.connect(installation.config.with_name("gateway.db")) as database:
        text = "\n".join(database.iterdump())
        bundles = [bytes(row[0]) for row in database.execute("SELECT content FROM bundles")]
    database.close()
    return text.encode() + b"\n".join(bundles)


def _make_secret(installation: Installation) -> None:
    """As the platform does: where the gateway has not been yet, with the namespace."""
    metadata = {"name": "database", "namespace": "secrets-staging"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "secrets-staging"}}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"password": SECRET}}
    for one in (namespace, secret):
        made = installation.stack.kubectl("create", "--filename=-", stdin=json.dumps(one))
        assert made.returncode == 0, made.stderr


def test_a_secrets_value_is_nowhere_but_in_the_secret(
    installation: Installation, push: Push, release: Post, live: Live, told: Told
) -> None:
    lines = (
        "env: {PASSWORD: {secret: database, key: password}}\nenv_from: [{secret: database}]\n"
        "files: {/etc/shop/password: {secret: database, key: password}}\n"
    )
    _make_secret(installation)
    push("secrets", WEB + lines)
    planned, done = release("secrets", dry_run=True), release("secrets")
    assert (planned["state"], done["state"]) == ("planned", "deployed"), done["message"]
    pod = str(live("secrets", "deployment")["spec"]["template"])
    assert pod.count("'database'") == 3
    logs = b"".join(path.read_bytes() for path in installation.stack.logs.iterdir() if "etcd" not in path.name)
    everything = [json.dumps([planned, done]).encode(), told(planned).encode(), told(done).encode(), logs]
    forms = (SECRET.encode(), base64.b64encode(SECRET.encode()))
    for place in (*everything, _stored(installation)):
        assert b"secrets" in place
        assert not any(form in place for form in forms)


def test_a_secret_that_is_missing_is_told_at_once_in_a_namespace_where_it_can_be_made(
    installation: Installation, push: Callable[..., str], release: Callable[..., dict[str, Any]]
) -> None:
    push("needy", WEB + "env: {PASSWORD: {secret: database, key: password}}\n")
    first = release("needy")
    assert (first["state"], first["code"]) == ("blocked", "preflight-refused"), first["message"]
    assert "Secret/database is neither in this Release nor in the namespace needy-staging" in first["message"]
    create = (
        "create",
        "secret",
        "generic",
        "database",
        "--namespace=needy-staging",
        f"--from-literal=password={SECRET}",
    )
    installation.stack.kubectl(*create)
    second = release("needy")
    assert second["state"] == "deployed", second["message"]
