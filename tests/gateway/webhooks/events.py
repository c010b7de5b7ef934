"""Events as the forges document them, written by hand: the fields that are read, and some that are not."""

from __future__ import annotations

from typing import Any

ZEROS = "0" * 40
A, B, C = ("a" * 40, "b" * 40, "c" * 40)
CHECKOUT = "http://127.0.0.1:1234/shop/checkout"


def commit(sha: str, *, added: tuple[str, ...] = (), modified: tuple[str, ...] = ("deploy.yaml",)) -> dict[str, Any]:
    return {
        "id": sha,
        "message": "A change",
        "timestamp": "2026-11-25T08:00:00Z",
        "url": f"{CHECKOUT}/commit/{sha}",
        "author": {"name": "Ada", "email": "ada@example.com"},
        "added": list(added),
        "removed": [],
        "modified": list(modified),
    }


def github_push(before: str = A, after: str = B, **more: Any) -> dict[str, Any]:
    files = more.pop("files", ("deploy.yaml",))
    last = commit(after, modified=files)
    gone = after == ZEROS
    return {
        "ref": "refs/heads/main",
        "before": before,
        "after": after,
        "created": before == ZEROS,
        "deleted": gone,
        "forced": False,
        "base_ref": None,
        "compare": f"{CHECKOUT}/compare/{before[:12]}...{after[:12]}",
        "commits": [] if gone else [last],
        "head_commit": None if gone else last,
        "repository": github_repository(),
        "pusher": {"name": "ada", "email": "ada@example.com"},
        "sender": {"login": "ada", "id": 1, "type": "User"},
        **more,
    }


def github_repository(address: str = CHECKOUT) -> dict[str, Any]:
    return {
        "id": 1,
        "name": "checkout",
        "full_name": "shop/checkout",
        "html_url": address,
        "clone_url": f"{address}.git",
        "ssh_url": "git@127.0.0.1:shop/checkout.git",
        "pushed_at": 1795593600,
        "default_branch": "main",
    }


def github_merge(after: str = B, **more: Any) -> dict[str, Any]:
    request = {
        "number": 7,
        "state": "closed",
        "merged": True,
        "merge_commit_sha": after,
        "head": {"ref": "feature", "sha": A},
        "base": {"ref": "main", "sha": A},
        **more,
    }
    return {
        "action": "closed",
        "number": 7,
        "pull_request": request,
        "repository": github_repository(),
        "sender": {"login": "ada"},
    }
