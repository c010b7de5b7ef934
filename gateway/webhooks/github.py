"""GitHub's events. Fields: docs.github.com, "Webhook events and payloads", `ping`, `push` and `pull_request`."""

from __future__ import annotations

from configuration.webhooks import Cause
from gateway.webhooks.announcement import Announcement, Update, nothing
from gateway.webhooks.payload import Payload, changed_files, or_none, ref_of
from pipelines.apps import CommitSha

_MOST_COMMITS = 2048
_ADDRESSES = ("clone_url", "html_url")


def announced(event: str, payload: Payload) -> Announcement:
    """What the event called `event` says. Raises `InvalidInput`."""
    if event == "ping":
        return nothing("pong: the secret is right")
    if event == "push":
        return _push(payload)
    if event == "pull_request":
        return merged(payload)
    return nothing(f"nothing is done for the event {event[:60]!r}")


def _push(payload: Payload) -> Announcement:
    kind, name = ref_of(payload.text("ref"))
    if not kind:
        return nothing(f"nothing is done for {name[:100]!r}, which is neither branch nor tag")
    before, after = or_none(payload.commit("before")), or_none(payload.commit("after"))
    cause = Cause.TAG if kind == "tags" else Cause.BRANCH
    commits = payload.parts("commits")
    is_whole = bool(before) and not payload.flag("forced") and len(commits) < _MOST_COMMITS
    files = changed_files(commits, is_whole)
    update = Update(cause, name, before, after, tip(payload, after), files)
    return Announcement(addresses(payload), sender_of(payload), (update,))


def tip(payload: Payload, after: str) -> CommitSha | None:
    """What to release: where `after` is an annotated tag, the commit that it means."""
    if not after:
        return None
    return payload.part("head_commit").commit("id") if payload.has("head_commit") else CommitSha(after)


def merged(payload: Payload) -> Announcement:
    """What the end of a pull request says; Gitea sends the same fields."""
    request = payload.part("pull_request")
    if payload.text("action") != "closed" or not request.flag("merged"):
        return nothing("nothing is done for a pull request that is not merged")
    branch = request.part("base").text("ref")
    if not request.has("merge_commit_sha"):
        return nothing("the forge does not say which commit the merge made")
    commit = request.commit("merge_commit_sha")
    update = Update(Cause.MERGED_INTO, branch, "", commit, commit)
    return Announcement(addresses(payload), sender_of(payload), (update,))


def addresses(payload: Payload) -> tuple[str, ...]:
    """Where the repository says that it is."""
    repository = payload.part("repository")
    return tuple(repository.text(key) for key in _ADDRESSES if repository.has(key))


def sender_of(payload: Payload) -> str:
    """Who the forge says has done it."""
    return payload.part("sender").text("login", "") if payload.has("sender") else ""
