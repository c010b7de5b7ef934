from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path

import pytest
from werkzeug.datastructures import Headers

from configuration.references import Reference
from configuration.webhooks import Forge, Webhook
from gateway.webhooks.signatures import NotSigned, Proof, Stale, sender

SECRET = "It's a Secret to Everybody"
BODY = b"Hello, World!"
HEX = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
"""What docs.github.com gives for that secret and body."""

KEY = bytes(range(24))
TOKEN = "whsec_" + base64.b64encode(KEY).decode()
NOW = 1_795_593_600


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.webhooks.signatures.time.time", lambda: float(NOW))


@pytest.fixture
def webhook(tmp_path: Path):
    def webhook(forge: Forge, *secrets: str, name: str = "shop") -> Webhook:
        references = []
        for number, secret in enumerate(secrets):
            (tmp_path / f"{name}-{number}").write_text(secret)
            references.append(Reference(f"file:{name}-{number}", tmp_path, "gateway.yaml:1"))
        return Webhook(name, forge, tuple(references), frozenset(), frozenset(), 1, ())

    return webhook


def proof(body: bytes = BODY, **headers: str) -> Proof:
    return Proof(Headers({name.replace("_", "-"): value for name, value in headers.items()}), body)


def signed(
    key: bytes = KEY, body: bytes = BODY, id: str = "msg_1", at: str = str(NOW), before: str = "", after: str = ""
) -> Proof:
    signature = base64.b64encode(hmac.new(key, f"{id}.{at}.".encode() + BODY, hashlib.sha256).digest()).decode()
    return proof(body, webhook_id=id, webhook_timestamp=at, webhook_signature=f"{before}v1,{signature}{after}")


@pytest.mark.parametrize(
    ("forge", "headers"),
    [
        (Forge.GITHUB, {"X_Hub_Signature_256": f"sha256={HEX}"}),
        (Forge.BITBUCKET, {"X_Hub_Signature": f"sha256={HEX}"}),
        (Forge.GITEA, {"X_Gitea_Signature": HEX}),
        (Forge.GITLAB, {"X_Gitlab_Token": SECRET}),
    ],
)
def test_each_forge_is_known_by_its_own_form_and_by_no_other(webhook, forge: Forge, headers: dict[str, str]) -> None:
    known = webhook(forge, SECRET)
    assert sender(forge, proof(**headers), [known]) == known
    for other in set(Forge) - {forge}:
        with pytest.raises(NotSigned):
            sender(other, proof(**headers), [webhook(other, SECRET)])
        with pytest.raises(NotSigned):
            sender(other, proof(**headers), [known])


@pytest.mark.parametrize(
    ("forge", "header"),
    [
        (Forge.GITHUB, "X_Hub_Signature_256"),
        (Forge.BITBUCKET, "X_Hub_Signature"),
        (Forge.GITEA, "X_Gitea_Signature"),
        (Forge.GITLAB, "X_Gitlab_Token"),
    ],
)
@pytest.mark.parametrize(
    "value", ["", " ", "sha256=", HEX, f"sha256={HEX}0", f"sha1={HEX}", SECRET + " ", "é", "\udcff"]
)
def test_anything_near_it_is_refused_in_the_same_words(webhook, forge: Forge, header: str, value: str) -> None:
    sent = proof(BODY + b"!", **{header: value})
    with pytest.raises(NotSigned, match="carries no signature that holds"):
        sender(forge, sent, [webhook(forge, SECRET)])


def test_the_webhook_is_the_one_whose_secret_it_is(webhook) -> None:
    one, other = webhook(Forge.GITHUB, "x" * 20, SECRET, name="one"), webhook(Forge.GITHUB, "y" * 20, name="other")
    assert sender(Forge.GITHUB, proof(X_Hub_Signature_256=f"sha256={HEX}"), [other, one]) == one


def test_a_signed_delivery_of_gitlab_holds(webhook) -> None:
    known = webhook(Forge.GITLAB, TOKEN)
    assert sender(Forge.GITLAB, signed(), [known]) == known


def test_one_of_several_signatures_is_enough(webhook) -> None:
    known = webhook(Forge.GITLAB, TOKEN)
    assert sender(Forge.GITLAB, signed(before="v1,AAAA v1a,BBBB ", after=" v1,CCCC"), [known]) == known


@pytest.mark.parametrize(
    "sent",
    [
        signed(key=b"another key of twenty-four"),
        signed(body=BODY + b" "),
        signed(before="v1,AAAA v1,BBBB v1,CCCC v1,DDDD v1,EEEE v1,FFFF v1,GGGG v1,HHHH "),
        proof(webhook_id="msg_1", webhook_timestamp=str(NOW)),
        proof(webhook_id="msg_1", webhook_timestamp=str(NOW), webhook_signature="v1,"),
        proof(X_Gitlab_Token=TOKEN),
        proof(X_Gitlab_Token=base64.b64encode(KEY).decode()),
    ],
    ids=range(7),
)
def test_what_a_signing_token_did_not_sign_is_refused(webhook, sent: Proof) -> None:
    with pytest.raises(NotSigned, match="carries no signature that holds"):
        sender(Forge.GITLAB, sent, [webhook(Forge.GITLAB, TOKEN)])


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_id_and_time_are_signed_too(webhook, name: str) -> None:
    sent = signed()
    sent.headers[name] = str(NOW + 1)
    with pytest.raises(NotSigned, match="carries no signature that holds"):
        sender(Forge.GITLAB, sent, [webhook(Forge.GITLAB, TOKEN)])


@pytest.mark.parametrize("at", [str(NOW - 301), str(NOW + 301), "", "now", "-1", "1e9", "9" * 400])
def test_what_was_signed_at_another_time_is_too_old(webhook, at: str) -> None:
    with pytest.raises(Stale):
        sender(Forge.GITLAB, signed(at=at), [webhook(Forge.GITLAB, TOKEN)])


@pytest.mark.parametrize("at", [NOW - 299, NOW + 299])
def test_clocks_may_differ_a_little(webhook, at: int) -> None:
    assert sender(Forge.GITLAB, signed(at=str(at)), [webhook(Forge.GITLAB, TOKEN)])


def test_a_signing_token_that_is_none_opens_nothing(webhook) -> None:
    with pytest.raises(NotSigned):
        sender(Forge.GITLAB, signed(), [webhook(Forge.GITLAB, "whsec_not base64 at all")])


def test_a_secret_may_hold_any_character(webhook) -> None:
    secret = "ein gutes Geheimnis für zwei"
    known = webhook(Forge.GITLAB, secret)
    assert sender(Forge.GITLAB, proof(X_Gitlab_Token=secret.encode().decode("latin-1")), [known]) == known


def test_while_a_secret_token_gives_way_to_a_signing_one_both_are_good(webhook) -> None:
    known = webhook(Forge.GITLAB, SECRET, TOKEN)
    assert sender(Forge.GITLAB, proof(X_Gitlab_Token=SECRET), [known]) == known
    assert sender(Forge.GITLAB, signed(), [known]) == known
