"""A forge's part of a push, run by Git as a post-receive hook: says in GitHub's form what moved, and signs it.

forge.py WEBHOOK_ADDRESS SECRET_FILE REPOSITORY_ADDRESS < "BEFORE AFTER REF" lines
"""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys
import urllib.request
import uuid
from pathlib import Path
from typing import Any

ZEROS = "0" * 40


def git(*arguments: str) -> list[str]:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True, timeout=30)
    return done.stdout.split("\n")[:-1]


def commit(sha: str) -> dict[str, Any]:
    lines = git("diff-tree", "--root", "--no-commit-id", "--name-status", "--no-renames", "-r", sha)
    files = [line.split("\t", 1) for line in lines]
    kinds = {"added": "A", "modified": "M", "removed": "D"}
    return {"id": sha, **{key: [path for kind, path in files if kind == letter] for key, letter in kinds.items()}}


def event(before: str, after: str, ref: str, address: str) -> dict[str, Any]:
    is_new = before == ZEROS
    shas = [] if after == ZEROS else git("rev-list", "--reverse", after if is_new else f"{before}..{after}")
    return {
        "ref": ref,
        "before": before,
        "after": after,
        "created": is_new,
        "deleted": after == ZEROS,
        "forced": False,
        "commits": [commit(sha) for sha in shas],
        "head_commit": commit(after) if after != ZEROS else None,
        "repository": {"clone_url": address, "html_url": address.removesuffix(".git")},
        "sender": {"login": "ada"},
    }


def deliver(webhook: str, secret: str, said: dict[str, Any], name: str = "push") -> dict[str, Any]:
    """What the gateway answers. Raises urllib.error.HTTPError."""
    body = json.dumps(said).encode()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": name,
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
    }
    request = urllib.request.Request(webhook, data=body, headers=headers, method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def main() -> None:
    webhook, secret_file, address = sys.argv[1:]
    secret = Path(secret_file).read_text().strip()
    for line in sys.stdin:
        before, after, ref = line.split()
        sys.stdout.write(deliver(webhook, secret, event(before, after, ref, address))["message"] + "\n")


if __name__ == "__main__":
    main()
