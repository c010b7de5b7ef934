"""Who has sent a webhook: proven over the raw bytes, in constant time, before anything of them is read."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import structlog
from werkzeug.datastructures import Headers

from configuration.webhooks import Forge, Webhook
from pipelines.errors import InvalidConfiguration, Unauthenticated

LEAST_SECRET_CHARACTERS = 16
SIGNING_TOKEN = b"whsec_"
_NOBODYS_SECRET = b"compared with where there is no webhook of the forge"
_TOLERANCE_SECONDS = 300
_log = structlog.get_logger("gateway.webhooks")


class NotSigned(Unauthenticated):
    """The webhook is not signed, or not with a secret of any webhook in gateway.yaml."""

    code = "not-signed"
    title = "The signature does not hold"
    challenge = 'Signature realm="deploy-gateway"'


class Stale(NotSigned):
    """The signature holds, and was made too long ago, or in the future."""

    code = "stale-delivery"
    title = "The delivery is too old"


@dataclass(frozen=True, slots=True)
class Proof:
    """What a delivery says for itself: its headers, and its body as it came."""

    headers: Headers
    body: bytes

    def header(self, name: str) -> str:
        """The header; empty where it is missing."""
        return self.headers.get(name, "")


def sender(forge: Forge, proof: Proof, webhooks: Iterable[Webhook]) -> Webhook:
    """The webhook whose secret the delivery was signed with.

    Compares with every secret of the forge, whichever fits, so that time tells nothing. Raises `NotSigned`, in the
    same words whatever is wrong, and `Stale`.
    """
    holds = _FORMS[forge]
    held = [
        (webhook, secret)
        for webhook in webhooks
        if webhook.forge is forge
        for secret in _secrets(webhook)
        if holds(proof, secret)
    ]
    if not held:
        holds(proof, _NOBODYS_SECRET)
        raise NotSigned(
            "the delivery carries no signature that holds",
            f"Give the webhook at {forge.value} the secret that gateway.yaml refers to under `webhooks`",
        )
    found, by = held[0]
    if by.startswith(SIGNING_TOKEN):
        _insist_on_fresh(proof.header(_TIMESTAMP))
    return found


def insist_on_secrets(webhooks: Iterable[Webhook]) -> None:
    """Raises `InvalidConfiguration` for a secret that can't be read or is too short, or that two webhooks share."""
    known: dict[tuple[Forge, str], str] = {}
    for webhook in webhooks:
        for reference in webhook.secrets:
            secret = reference.read()
            if len(secret) < LEAST_SECRET_CHARACTERS:
                raise InvalidConfiguration(
                    f"the secret of the webhook {webhook.name!r} has fewer than {LEAST_SECRET_CHARACTERS} characters",
                    "Make one with `openssl rand -hex 32`, and give it to the forge too",
                    where=reference.where,
                )
            other = known.setdefault((webhook.forge, secret), webhook.name)
            if other != webhook.name:
                raise InvalidConfiguration(
                    f"the webhooks {other!r} and {webhook.name!r} have the same secret: nothing tells them apart",
                    "Give each a secret of its own",
                    where=reference.where,
                )


def _secrets(webhook: Webhook) -> list[bytes]:
    """Those that can be read now: one that can't be does not take the other with it."""
    found = []
    for reference in webhook.secrets:
        try:
            secret = reference.read().encode()
        except InvalidConfiguration as error:
            _log.error("a webhook's secret can't be read", webhook=webhook.name, where=error.where, reason=error.reason)
            continue
        if len(secret) >= LEAST_SECRET_CHARACTERS:
            found.append(secret)
        else:
            _log.error("a webhook's secret is too short to count", webhook=webhook.name, where=reference.where)
    return found


def _hmac_hex(secret: bytes, body: bytes) -> bytes:
    return hmac.new(secret, body, hashlib.sha256).hexdigest().encode()


def _equal(sent: str, wanted: bytes) -> bool:
    # WSGI has the bytes of a header as Latin-1.
    return hmac.compare_digest(sent.encode("latin-1", "replace"), wanted)


def _github(proof: Proof, secret: bytes) -> bool:
    """docs.github.com, "Validating webhook deliveries": the HMAC of the body, in hex, after `sha256=`."""
    return _equal(proof.header("X-Hub-Signature-256"), b"sha256=" + _hmac_hex(secret, proof.body))


def _bitbucket(proof: Proof, secret: bytes) -> bool:
    """support.atlassian.com, "Manage webhooks": the same as GitHub's in a header without the 256."""
    return _equal(proof.header("X-Hub-Signature"), b"sha256=" + _hmac_hex(secret, proof.body))


def _gitea(proof: Proof, secret: bytes) -> bool:
    """docs.gitea.com, "Webhooks": the HMAC of the body, in hex."""
    return _equal(proof.header("X-Gitea-Signature"), _hmac_hex(secret, proof.body))


_ID, _TIMESTAMP, _SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


def _gitlab(proof: Proof, secret: bytes) -> bool:
    """GitLab's signing token, a Standard Webhook; or its secret token, which it sends as it is.

    A signing token never counts as a secret one: who sees a delivery would have it.
    """
    if not secret.startswith(SIGNING_TOKEN):
        return _equal(proof.header("X-Gitlab-Token"), secret)
    try:
        key = base64.b64decode(secret.removeprefix(SIGNING_TOKEN), validate=True)
    except binascii.Error:
        return False
    head = f"{proof.header(_ID)}.{proof.header(_TIMESTAMP)}.".encode("latin-1", "replace")
    wanted = b"v1," + base64.b64encode(hmac.new(key, head + proof.body, hashlib.sha256).digest())
    # All are compared: a sender that changes its key signs with both.
    held = [_equal(one, wanted) for one in proof.header(_SIGNATURE).split(" ")[:8]]
    return any(held)


_FORMS: Mapping[Forge, Callable[[Proof, bytes], bool]] = {
    Forge.GITHUB: _github,
    Forge.GITLAB: _gitlab,
    Forge.GITEA: _gitea,
    Forge.BITBUCKET: _bitbucket,
}


def _insist_on_fresh(timestamp: str) -> None:
    age = abs(time.time() - int(timestamp)) if re.fullmatch(r"[0-9]{1,12}", timestamp) else None
    if age is None or age > _TOLERANCE_SECONDS:
        raise Stale(
            f"the delivery was signed more than {_TOLERANCE_SECONDS} seconds away from now",
            "Have the forge deliver it again, and see that both clocks are right",
        )
