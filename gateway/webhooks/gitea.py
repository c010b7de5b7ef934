"""Gitea's and Forgejo's events: GitHub's fields, but for what a push says. Fields: docs.gitea.com, "Webhooks"."""

from __future__ import annotations

from configuration.webhooks import Cause
from gateway.webhooks.announcement import Announcement, Update, nothing
from gateway.webhooks.github import addresses, merged, sender_of, tip
from gateway.webhooks.payload import Payload, changed_files, or_none, ref_of


def announced(event: str, payload: Payload) -> Announcement:
    """What the event called `event` says. Raises `InvalidInput`."""
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
    commits = payload.parts("commits") if payload.has("commits") else []
    # A list that is cut is shorter than what it says it is; older servers say nothing.
    is_whole = bool(before) and payload.number("total_commits", -1) == len(commits)
    cause = Cause.TAG if kind == "tags" else Cause.BRANCH
    update = Update(cause, name, before, after, tip(payload, after), changed_files(commits, is_whole))
    return Announcement(addresses(payload), sender_of(payload), (update,))
