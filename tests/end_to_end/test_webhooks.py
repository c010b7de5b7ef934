"""From `git push` to what runs: the Git server announces it, and nobody asks for a Release."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end import forge
from tests.end_to_end.conftest import WEBHOOK_SECRET
from tests.waiting import eventually
from tools.installation import Installation
from tools.stack.repositories import Content

Files = Callable[..., dict[str, Content]]


@pytest.fixture(scope="module")
def webhook(installation: Installation) -> str:
    return f"{installation.url}/api/v1/webhooks/github"


def _address(installation: Installation, app: str) -> str:
    return f"{installation.stack.git_url}/shop/{app}.git"


def _git(folder: Path, *arguments: str) -> str:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        **{f"GIT_{who}_{what}": f"ada@{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def _ended(installation: Installation, app: str) -> list[dict[str, Any]]:
    """The Releases of `app`, newest first, once there are any and all have ended."""

    def ended() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = installation.api("shop", f"/api/v1/releases?app={app}")["items"]
        return found if all(one["final"] for one in found) else []

    return eventually(ended)


def test_a_git_push_is_live_and_nobody_asked_for_a_release(
    installation: Installation, webhook: str, deploy_yaml: Files, tmp_path: Path
) -> None:
    bare = installation.stack.git_root / "shop" / "pushed.git"
    _git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    secret = tmp_path / "secret"
    secret.write_text(WEBHOOK_SECRET)
    hook = bare / "hooks" / "post-receive"
    hook.parent.mkdir(exist_ok=True)
    command = [sys.executable, forge.__file__, webhook, secret, _address(installation, "pushed")]
    hook.write_text(f"#!/bin/sh\nexec {' '.join(map(str, command))}\n")
    hook.chmod(0o755)
    work = tmp_path / "work"
    _git(tmp_path, "clone", "--quiet", str(bare), str(work))
    for name, content in deploy_yaml("pushed").items():
        (work / name).write_text(str(content))
    _git(work, "add", ".")
    _git(work, "commit", "--quiet", "--message=First")
    assert "1 Release" in _git(work, "push", "origin", "HEAD:main")
    (release,) = _ended(installation, "pushed")
    commit = _git(work, "rev-parse", "HEAD").strip()
    assert (release["state"], release["commit"], release["ref"]) == ("deployed", commit, "main")
    assert release["requested_by"] == "webhook:shop-github (ada, unverified)"


def test_what_was_announced_is_released_wherever_the_branch_has_gone_since(
    installation: Installation, webhook: str, deploy_yaml: Files
) -> None:
    first = installation.push("shop/announced", deploy_yaml("announced"), "First")
    installation.push("shop/announced", deploy_yaml("announced", 'env: {VERSION: "2"}\n'), "Second")
    said = {
        "ref": "refs/heads/main",
        "before": forge.ZEROS,
        "after": first,
        "commits": [],
        "head_commit": {"id": first},
        "repository": {"clone_url": _address(installation, "announced")},
    }
    assert forge.deliver(webhook, WEBHOOK_SECRET, said)["message"] == "1 Release"
    (release,) = _ended(installation, "announced")
    assert (release["state"], release["commit"]) == ("deployed", first)


def test_an_announcement_that_is_not_signed_is_refused(installation: Installation, webhook: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        forge.deliver(webhook, "another secret than theirs", {}, "ping")
    assert caught.value.code == 401
