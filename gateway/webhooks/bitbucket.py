"""Bitbucket Cloud's events. Fields: support.atlassian.com, "Event payloads", push and pull request merged."""

from __future__ import annotations

from configuration.webhooks import Cause
from gateway.webhooks.announcement import Announcement, Update, nothing
from gateway.webhooks.payload import NO_COMMIT, Payload
from pipelines.apps import CommitSha

_CAUSES = {"branch": Cause.BRANCH, "tag": Cause.TAG}


def announced(event: str, payload: Payload) -> Announcement:
    """What the event called `event` says. Raises `InvalidInput`."""
    if event == "diagnostics:ping":
        return nothing("pong: the secret is right")
    if event == "repo:push":
        return _push(payload)
    if event == "pullrequest:fulfilled":
        return _merged(payload)
    return nothing(f"nothing is done for the event {event[:60]!r}")


def _push(payload: Payload) -> Announcement:
    updates = [_update(change) for change in payload.part("push").parts("changes")]
    known = tuple(update for update in updates if update is not None)
    if not known:
        return nothing("nothing is done: no branch or tag has changed")
    return Announcement(_addresses(payload), _sender(payload), known)


def _update(change: Payload) -> Update | None:
    """A change of a branch or tag; None for one of anything else. It never says which files changed."""
    now = change.part("new") if change.has("new") else None
    before = change.part("old") if change.has("old") else None
    named = now or before
    cause = _CAUSES.get(named.text("type")) if named is not None else None
    if named is None or cause is None:
        return None
    return Update(cause, named.text("name"), _target(before) or "", _target(now) or "", _target(now))


def _target(end: Payload | None) -> CommitSha | None:
    return None if end is None else end.part("target").commit("hash")


def _merged(payload: Payload) -> Announcement:
    request = payload.part("pullrequest")
    branch = request.part("destination", "branch").text("name")
    if not request.has("merge_commit"):
        return nothing("the forge does not say which commit the merge made")
    if len(request.part("merge_commit").text("hash")) < len(NO_COMMIT):
        return nothing("the forge says only the beginning of the merge's commit: write a rule for `branch` instead")
    commit = request.part("merge_commit").commit("hash")
    update = Update(Cause.MERGED_INTO, branch, "", commit, commit)
    return Announcement(_addresses(payload), _sender(payload), (update,))


def _addresses(payload: Payload) -> tuple[str, ...]:
    return (payload.part("repository", "links", "html").text("href"),)


def _sender(payload: Payload) -> str:
    if not payload.has("actor"):
        return ""
    actor = payload.part("actor")
    return actor.text("nickname", "") or actor.text("display_name", "")
