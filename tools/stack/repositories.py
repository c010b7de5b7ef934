"""Bare repositories on disk, written without a work tree: what a team would push."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

_WHO = {
    "GIT_AUTHOR_NAME": "Team",
    "GIT_AUTHOR_EMAIL": "team@example.com",
    "GIT_COMMITTER_NAME": "Team",
    "GIT_COMMITTER_EMAIL": "team@example.com",
}


def push_commit(bare: Path, files: Mapping[str, str | bytes], message: str, *, branch: str = "main") -> str:
    """Makes a commit on `branch` of the repository `bare` (made when it isn't there) that has exactly `files`.

    Returns the commit's full SHA.
    """
    if not (bare / "HEAD").exists():
        bare.mkdir(parents=True, exist_ok=True)
        _git(bare, "init", "--quiet", "--bare", f"--initial-branch={branch}")
    parts = [_commit_header(bare, message, branch), "deleteall"]
    stream = "\n".join(parts).encode() + b"\n"
    for path, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        stream += f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data + b"\n"
    _git(bare, "fast-import", "--quiet", "--force", stdin=stream)
    return _git(bare, "rev-parse", f"refs/heads/{branch}").strip()


def _commit_header(bare: Path, message: str, branch: str) -> str:
    existing = subprocess.run(
        ["git", "rev-parse", "--quiet", "--verify", f"refs/heads/{branch}"],
        cwd=bare,
        capture_output=True,
        text=True,
        check=False,
    )
    header = (
        f"commit refs/heads/{branch}\ncommitter Team <team@example.com> now\ndata {len(message.encode())}\n{message}"
    )
    return f"{header}\nfrom {existing.stdout.strip()}" if existing.returncode == 0 else header


def _git(bare: Path, *arguments: str, stdin: bytes = b"") -> str:
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        **_WHO,
    }
    if arguments[0] == "fast-import":
        arguments = (arguments[0], "--date-format=now", *arguments[1:])
    done = subprocess.run(["git", *arguments], cwd=bare, input=stdin, env=environment, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"git {arguments[0]} in {bare}: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode()
