"""GitLab's events. Fields: docs.gitlab.com, "Webhook events", push, tag and merge request events."""

from __future__ import annotations

from configuration.webhooks import Cause
from gateway.webhooks.announcement import Announcement, Update, nothing
from gateway.webhooks.payload import Payload, changed_files, or_none, ref_of
from pipelines.apps import CommitSha

_ADDRESSES = ("git_http_url", "http_url", "web_url")


def announced(event: str, payload: Payload) -> Announcement:
    """What the event says by its `object_kind`, which is in the body; `event`, its header, is not. `InvalidInput`."""
    kind = payload.text("object_kind", "")
    if kind in ("push", "tag_push"):
        return _push(payload)
    if kind == "merge_request":
        return _merged(payload)
    return nothing(f"nothing is done for the event {(kind or event)[:60]!r}")


def _push(payload: Payload) -> Announcement:
    kind, name = ref_of(payload.text("ref"))
    if not kind:
        return nothing(f"nothing is done for {name[:100]!r}, which is neither branch nor tag")
    before, after = or_none(payload.commit("before")), or_none(payload.commit("after"))
    commits = payload.parts("commits") if payload.has("commits") else []
    # It lists 20 commits at most, and says how many there are.
    is_whole = bool(before) and payload.number("total_commits_count", -1) == len(commits)
    cause = Cause.TAG if kind == "tags" else Cause.BRANCH
    update = Update(cause, name, before, after, _commit(payload, after), changed_files(commits, is_whole))
    return Announcement(_addresses(payload), payload.text("user_username", ""), (update,))


def _commit(payload: Payload, after: str) -> CommitSha | None:
    """What to release: where `after` is an annotated tag, the commit that it means."""
    if not after:
        return None
    return payload.commit("checkout_sha") if payload.has("checkout_sha") else CommitSha(after)


def _merged(payload: Payload) -> Announcement:
    request = payload.part("object_attributes")
    if request.text("action", "") != "merge":
        return nothing("nothing is done for a merge request that is not merged")
    # A fast-forward makes no commit of its own: the last one of the request is what the branch means then.
    for key in ("merge_commit_sha", "squash_commit_sha"):
        if request.has(key):
            commit = request.commit(key)
            break
    else:
        commit = request.part("last_commit").commit("id")
    sender = payload.part("user").text("username", "") if payload.has("user") else ""
    update = Update(Cause.MERGED_INTO, request.text("target_branch"), "", commit, commit)
    return Announcement(_addresses(payload), sender, (update,))


def _addresses(payload: Payload) -> tuple[str, ...]:
    project = payload.part("project")
    return tuple(project.text(key) for key in _ADDRESSES if project.has(key))
