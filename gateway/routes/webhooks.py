"""`/api/v1/webhooks/…`: what forges announce becomes Releases."""

from __future__ import annotations

from typing import cast

import structlog
from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint

from configuration.webhooks import Webhook
from gateway.bodies import StrictRequest, UnsupportedMediaType, bound, strict_object
from gateway.context import gateway
from gateway.documentation import SIGNED, WEBHOOKS, operation_id, problems
from gateway.hints import hint
from gateway.problems import InternalError
from gateway.rates import TooMany
from gateway.views import address
from gateway.webhooks.announcement import Announcement
from gateway.webhooks.payload import Payload
from gateway.webhooks.reception import announced, event_of, new_delivery, possible, wanted, words
from gateway.webhooks.routing import apps_of
from gateway.webhooks.schemas import AnnouncedRelease, DeliveryView, WebhookPath
from gateway.webhooks.signatures import NotSigned, Proof, Stale, sender
from pipelines.errors import BodyTooLarge, DiskFull, InvalidInput, NotFound
from store import Delivery, DeliveryReused
from store.sessions import StoreUnavailable

api = APIBlueprint(
    "webhooks",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[WEBHOOKS],
    abp_security=SIGNED,
    operation_id_callback=operation_id,
)
_log = structlog.get_logger("gateway.webhooks")


@api.post(
    "/webhooks/<forge>",
    summary="Announce a push",
    responses={
        200: DeliveryView,
        202: DeliveryView,
        **problems(
            InvalidInput,
            NotSigned,
            Stale,
            NotFound,
            DeliveryReused,
            BodyTooLarge,
            UnsupportedMediaType,
            TooMany,
            InternalError,
            StoreUnavailable,
            DiskFull,
        ),
    },
)
def receive(path: WebhookPath) -> Response:
    """The forge's own event, signed. 202 where it made Releases; 200 where nothing was to do, or it came before."""
    # Only registered repositories are ever fetched, whatever the event says; nor is it read before it is proven.
    parts, proof = gateway(), Proof(request.headers, _body())
    webhook = sender(path.forge, proof, parts.settings.webhooks.values())
    parts.rates.count(f"webhook:{webhook.name}", webhook.per_minute)
    cast(StrictRequest, request).insist_on_json()
    event = event_of(path.forge, proof)
    announcement = announced(path.forge, event, Payload(strict_object(proof.body)))
    done, message = _done(webhook, proof, announcement)
    _log.info("webhook", webhook=webhook.name, event_name=event[:60], releases=[one.id for one in done.releases])
    return _answer(done, message)


def _body() -> bytes:
    request.max_content_length = bound(gateway().settings.limits.webhook_body_bytes)
    return cast(StrictRequest, request).whole_body()


def _done(webhook: Webhook, proof: Proof, announcement: Announcement) -> tuple[Delivery, str]:
    """What came of it, and in words."""
    parts, nothing = gateway(), Delivery((), (), is_new=True)
    if not announcement.updates:
        return nothing, announcement.words
    updates = possible(announcement.updates)
    if not updates:
        return nothing, "nothing is done for a branch or tag whose name can't be released"
    apps = apps_of(parts.settings, webhook, announcement.repositories)
    if not apps:
        return nothing, f"nothing is done: no App of the webhook {webhook.name!r} is registered with this repository"
    delivery = new_delivery(webhook, proof, apps[0], updates)
    kept = Announcement(announcement.repositories, announcement.sender, updates)
    done = parts.store.deliveries.accept(delivery, wanted(parts.settings, webhook, apps, kept, delivery.id))
    if done.is_new:
        for release in done.releases:
            hint(release)
    return done, words(done, kept, webhook)


def _answer(done: Delivery, message: str) -> Response:
    releases = [
        AnnouncedRelease(id=one.id, app=one.app, environment=one.environment, link=address(one))
        for one in done.releases
    ]
    view = DeliveryView(message=message, releases=releases)
    status = 202 if done.is_new and releases else 200
    return Response(view.model_dump_json(), status=status, content_type="application/json")
