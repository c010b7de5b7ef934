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


def gitea_push(before: str = A, after: str = B, **more: Any) -> dict[str, Any]:
    files = more.pop("files", ("deploy.yaml",))
    last = commit(after, modified=files)
    return {
        "ref": "refs/heads/main",
        "before": before,
        "after": after,
        "compare_url": f"{CHECKOUT}/compare/{before}...{after}",
        "commits": [last],
        "total_commits": 1,
        "head_commit": last,
        "repository": {
            "id": 140,
            "full_name": "shop/checkout",
            "html_url": CHECKOUT,
            "ssh_url": "ssh://git@127.0.0.1/shop/checkout.git",
            "clone_url": f"{CHECKOUT}.git",
            "updated_at": "2026-11-25T08:00:00Z",
        },
        "pusher": {"id": 1, "login": "ada", "username": "ada"},
        "sender": {"id": 1, "login": "ada", "username": "ada"},
        **more,
    }


def gitea_merge(after: str = B, **more: Any) -> dict[str, Any]:
    request = {
        "number": 7,
        "state": "closed",
        "merged": True,
        "merge_commit_sha": after,
        "head": {"ref": "feature", "sha": A},
        "base": {"ref": "release", "sha": A},
        **more,
    }
    repository = gitea_push()["repository"]
    return {"action": "closed", "pull_request": request, "repository": repository, "sender": {"login": "ada"}}


def gitlab_push(before: str = A, after: str = B, **more: Any) -> dict[str, Any]:
    files = more.pop("files", ("deploy.yaml",))
    gone = after == ZEROS
    return {
        "object_kind": "push",
        "event_name": "push",
        "before": before,
        "after": after,
        "ref": "refs/heads/main",
        "ref_protected": True,
        "checkout_sha": None if gone else after,
        "message": None,
        "user_id": 4,
        "user_name": "Ada",
        "user_username": "ada",
        "project_id": 15,
        "project": gitlab_project(),
        "commits": [] if gone else [commit(after, modified=files)],
        "total_commits_count": 0 if gone else 1,
        **more,
    }


def gitlab_project() -> dict[str, Any]:
    return {
        "id": 15,
        "name": "Checkout",
        "web_url": CHECKOUT,
        "git_ssh_url": "git@127.0.0.1:shop/checkout.git",
        "git_http_url": f"{CHECKOUT}.git",
        "path_with_namespace": "shop/checkout",
        "default_branch": "main",
    }


def gitlab_merge(**more: Any) -> dict[str, Any]:
    request = {
        "id": 99,
        "iid": 1,
        "target_branch": "release",
        "source_branch": "feature",
        "state": "merged",
        "action": "merge",
        "merge_commit_sha": B,
        "squash_commit_sha": None,
        "last_commit": {"id": C, "message": "A change"},
        **more,
    }
    return {
        "object_kind": "merge_request",
        "event_type": "merge_request",
        "user": {"id": 1, "username": "ada"},
        "project": gitlab_project(),
        "object_attributes": request,
    }


def bitbucket_end(name: str, sha: str, kind: str = "branch") -> dict[str, Any]:
    return {"type": kind, "name": name, "target": {"type": "commit", "hash": sha, "date": "2026-11-25T08:00:00+00:00"}}


def bitbucket_change(before: str | None = A, after: str | None = B, **more: Any) -> dict[str, Any]:
    name, kind = more.pop("name", "main"), more.pop("kind", "branch")
    return {
        "old": None if before is None else bitbucket_end(name, before, kind),
        "new": None if after is None else bitbucket_end(name, after, kind),
        "created": before is None,
        "closed": after is None,
        "forced": False,
        "truncated": False,
        "commits": [],
        **more,
    }


def bitbucket_push(*changes: dict[str, Any]) -> dict[str, Any]:
    return {
        "actor": {"type": "user", "nickname": "ada", "display_name": "Ada L."},
        "repository": bitbucket_repository(),
        "push": {"changes": list(changes or [bitbucket_change()])},
    }


def bitbucket_repository() -> dict[str, Any]:
    return {"type": "repository", "full_name": "shop/checkout", "links": {"html": {"href": CHECKOUT}}}


def bitbucket_merge(after: str | None = B) -> dict[str, Any]:
    request = {
        "id": 7,
        "state": "MERGED",
        "merge_commit": None if after is None else {"hash": after},
        "source": {"branch": {"name": "feature"}},
        "destination": {"branch": {"name": "release"}},
    }
    return {"actor": {"display_name": "Ada L."}, "pullrequest": request, "repository": bitbucket_repository()}


def bitbucket_server_push(before: str = A, after: str = B, ref: str = "refs/heads/main") -> dict[str, Any]:
    kind, name = ("TAG" if "/tags/" in ref else "BRANCH"), ref.split("/", 2)[2]
    http, ssh = {"name": "http", "href": CHECKOUT}, "ssh://git@git.example.com:7999/shop/checkout.git"
    clones = [{"name": "ssh", "href": ssh}, http]
    change = {"ref": {"id": ref, "displayId": name, "type": kind}, "refId": ref, "fromHash": before, "toHash": after}
    return {
        "eventKey": "repo:refs_changed",
        "date": "2026-11-25T08:00:00+0000",
        "actor": {"name": "ada", "displayName": "Ada L.", "id": 1, "type": "NORMAL"},
        "repository": {"slug": "checkout", "scmId": "git", "links": {"clone": clones}},
        "changes": [change | {"type": "UPDATE"}],
    }
