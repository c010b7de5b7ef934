"""Bitbucket's events. Fields: support.atlassian.com, "Event payloads", push and pull request merged.

Those of Data Center: confluence.atlassian.com, "Event payload", push; `links`, not in its example, is in what 6.6 sent.
"""

from __future__ import annotations

from configuration.webhooks import Cause
from gateway.webhooks.announcement import Announcement, Update, nothing
from gateway.webhooks.payload import NO_COMMIT, Payload, or_none, ref_of
from pipelines.apps import CommitSha

_CAUSES = {"branch": Cause.BRANCH, "tag": Cause.TAG}
_KINDS = {"heads": Cause.BRANCH, "tags": Cause.TAG}


def announced(event: str, payload: Payload) -> Announcement:
    """What the event called `event` says. Raises `InvalidInput`."""
    if event == "diagnostics:ping":
        return nothing("pong: the secret is right")
    if event == "repo:push":
        return _push(payload)
    if event == "repo:refs_changed":
        return _refs_changed(payload)
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


def _refs_changed(payload: Payload) -> Announcement:
    """A push to Bitbucket Data Center, which knows neither files nor what an annotated tag is put on."""
    moved = [_moved(change) for change in payload.parts("changes")]
    known = tuple(update for update in moved if update is not None)
    if not known:
        return nothing("nothing is done: no branch or tag has changed")
    clones = payload.part("repository", "links").parts("clone")
    sender = payload.part("actor").text("name", "") if payload.has("actor") else ""
    return Announcement(tuple(clone.text("href") for clone in clones), sender, known)


def _moved(change: Payload) -> Update | None:
    kind, name = ref_of(change.part("ref").text("id"))
    before, after = or_none(change.commit("fromHash")), or_none(change.commit("toHash"))
    cause = _KINDS.get(kind)
    return None if cause is None else Update(cause, name, before, after, CommitSha(after) if after else None)


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
