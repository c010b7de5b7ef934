"""From a proven delivery to what is stored of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping

from configuration.settings import Settings
from configuration.webhooks import Cause, Forge, Webhook
from gateway.webhooks import bitbucket, gitea, github, gitlab
from gateway.webhooks.announcement import Announcement, Update
from gateway.webhooks.payload import Payload
from gateway.webhooks.routing import Target, identity, targets
from gateway.webhooks.signatures import Proof
from pipelines.apps import App, parse_ref
from pipelines.errors import InvalidInput, InvalidRef
from pipelines.states import ReleaseKind
from store import Delivery, NewDelivery, NewRelease, Push

_LONGEST_ID = 128
_SHOWN = 60
_EVENT_HEADERS = {
    Forge.GITHUB: "X-GitHub-Event",
    Forge.GITLAB: "X-Gitlab-Event",
    Forge.GITEA: "X-Gitea-Event",
    Forge.BITBUCKET: "X-Event-Key",
}
_ID_HEADERS = {
    Forge.GITHUB: ("X-GitHub-Delivery",),
    # Not X-Gitlab-Event-UUID: what one event sets off in turn has the same.
    Forge.GITLAB: ("webhook-id", "Idempotency-Key"),
    Forge.GITEA: ("X-Gitea-Delivery",),
    Forge.BITBUCKET: ("X-Request-UUID", "X-Request-Id"),
}
_READERS: Mapping[Forge, Callable[[str, Payload], Announcement]] = {
    Forge.GITHUB: github.announced,
    Forge.GITLAB: gitlab.announced,
    Forge.GITEA: gitea.announced,
    Forge.BITBUCKET: bitbucket.announced,
}


def event_of(forge: Forge, proof: Proof) -> str:
    """What the forge calls this kind of event."""
    return proof.header(_EVENT_HEADERS[forge])


def announced(forge: Forge, event: str, payload: Payload) -> Announcement:
    """What an event says, without what can't be the name of a branch or tag here. Raises `InvalidInput`."""
    return _READERS[forge](event, payload)


def new_delivery(webhook: Webhook, proof: Proof, app: App, updates: Iterable[Update]) -> NewDelivery:
    """How the delivery is known again. Raises `InvalidInput` for an id that none of the forges would give."""
    id = delivery_id(webhook.forge, proof)
    # GitLab's id is signed too, or nothing is; elsewhere it is not, and must not make a replay look new.
    signed = f"{id}." if webhook.forge is Forge.GITLAB else ""
    digest = hashlib.sha256(f"{webhook.name}\n{signed}".encode() + proof.body).hexdigest()
    pushes = tuple(push for update in updates if (push := push_of(app, update)) is not None)
    return NewDelivery(webhook.name, digest, id, pushes)


def delivery_id(forge: Forge, proof: Proof) -> str | None:
    """What the forge calls this delivery; None where it gives it no name. Raises `InvalidInput`."""
    for header in _ID_HEADERS[forge]:
        text = proof.header(header)
        if text and not re.fullmatch(rf"[!-~]{{1,{_LONGEST_ID}}}", text):
            raise InvalidInput(
                f"{header} is not an id", f"It takes up to {_LONGEST_ID} printable characters", where=header
            )
        if text:
            return text
    return None


def push_of(app: App, update: Update) -> Push | None:
    """What is remembered of an update; None for a merge, which says nothing of what was there before."""
    if update.cause is Cause.MERGED_INTO:
        return None
    return Push(identity(app.repository)[:512], update.ref, update.before, update.after)


def possible(updates: Iterable[Update]) -> tuple[Update, ...]:
    """Those whose branch or tag has a name that a Release may have."""
    return tuple(update for update in updates if _is_ref(update.name))


def _is_ref(name: str) -> bool:
    try:
        parse_ref(name)
    except InvalidRef:
        return False
    return True


def wanted(
    settings: Settings, webhook: Webhook, apps: list[App], announcement: Announcement, id: str | None
) -> dict[Push | None, list[NewRelease]]:
    """The Releases to make, by the push that each is for."""
    found: dict[Push | None, list[NewRelease]] = {}
    for target in targets(settings, webhook, apps, announcement):
        release = _release(target, webhook, announcement.sender, id)
        found.setdefault(push_of(target.app, target.update), []).append(release)
    return found


def _release(target: Target, webhook: Webhook, sender: str, id: str | None) -> NewRelease:
    app, environment, update = target.app, target.environment, target.update
    what = {Cause.BRANCH: "a push to", Cause.TAG: "the tag", Cause.MERGED_INTO: "a merge into"}[update.cause]
    return NewRelease(
        kind=ReleaseKind.RELEASE,
        app=app.name,
        environment=environment.name,
        team=app.team,
        cluster=environment.cluster,
        namespace=environment.namespace_of(app),
        ref=update.name,
        commit=update.commit,
        dry_run=False,
        requested_by=f"webhook:{webhook.name}{_said(sender)}",
        reason=f"{what} {update.name}, delivery {id or 'without an id'}",
    )


def _said(sender: str) -> str:
    """Who the payload says it was: a forge's word, and no proof."""
    shown = re.sub(r"[^\w.@ -]", "", sender)[:_SHOWN].strip()
    return f" ({shown}, unverified)" if shown else ""


def words(delivery: Delivery, announcement: Announcement, webhook: Webhook) -> str:
    """What came of it, for whoever looks into the forge's list of deliveries."""
    if delivery.releases:
        again = "" if delivery.is_new else "this delivery came before, and made "
        count = len(delivery.releases)
        return f"{again}{count} {'Release' if count == 1 else 'Releases'}"
    if delivery.outdated:
        return f"nothing is done: a later push of {', '.join(delivery.outdated)} came before this one"
    return _why_nothing(announcement, webhook)


def _why_nothing(announcement: Announcement, webhook: Webhook) -> str:
    live = [update for update in announcement.updates if update.commit is not None]
    if not live:
        return "nothing is done: the branch or tag is gone"
    names = ", ".join(f"{update.cause.value} {update.name}" for update in live[:5])
    return f"nothing is done for {names}: no rule of the webhook {webhook.name!r} fits, or no App's paths changed"
