"""Tokens of a provider: one that is right, and everything that is not."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.oidc.keys import Keys, Provider
from gateway.oidc.tokens import IdentityTokenRefused, issuer_in, looks_like_one, verified

from .provider import AUDIENCE, FakeProvider, ec_key, identity_provider, jwk, rsa_key

TIMES = ("exp", "nbf", "iat")


def from_now(claims: dict[str, Any]) -> dict[str, Any]:
    """`claims` with its times as seconds from now on: tests are collected long before they run."""
    now = int(time.time())
    return {key: now + value if key in TIMES and isinstance(value, int) else value for key, value in claims.items()}


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeProvider]:
    with identity_provider() as running:
        running.publish(
            jwk("one", rsa_key("one")),
            jwk("ec", ec_key("ec")),
            jwk("p384", ec_key("p384", ec.SECP384R1())),
            jwk("other-algorithm", rsa_key("one"), alg="RS512"),
            jwk("small", rsa_key("small", 1024)),
            {"kid": "broken", "kty": "RSA", "n": "!", "e": "AQAB"},
            {"kid": "shared", "kty": "oct", "k": base64.urlsafe_b64encode(b"s" * 32).decode()},
        )
        yield running


@pytest.fixture(scope="module")
def keys(provider: FakeProvider) -> Keys:
    return Keys(Provider(provider.url))


def claims_of(text: str, provider: FakeProvider, keys: Keys, **more: Any) -> Any:
    return verified(
        text, **{"issuer": provider.url, "audience": AUDIENCE, "algorithms": ["RS256", "ES256"], "keys": keys, **more}
    )


def test_a_token_that_is_right_gives_its_claims(provider: FakeProvider, keys: Keys) -> None:
    text = provider.token()
    assert looks_like_one(text)
    assert issuer_in(text) == provider.url
    assert claims_of(text, provider, keys)["repository"] == "acme/shop"


def test_elliptic_curves_a_list_of_one_audience_and_clocks_that_differ_a_little_are_fine(
    provider: FakeProvider, keys: Keys
) -> None:
    times = from_now({"nbf": 10, "exp": -10})
    text = provider.token(key=ec_key("ec"), kid="ec", algorithm="ES256", aud=[AUDIENCE], **times)
    assert claims_of(text, provider, keys)["aud"] == [AUDIENCE]


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"exp": -60}, "it has expired"),
        ({"nbf": 120}, "it is not valid yet"),
        ({"iat": 120}, "it is not valid yet"),
        ({"aud": "https://other.example"}, f"it was not made for the audience '{AUDIENCE}'"),
        ({"aud": []}, "it has no claim 'aud'"),
        ({"aud": [AUDIENCE, "https://other.example"]}, "it was made for several audiences"),
        ({"aud": AUDIENCE + "/"}, "it was not made for the audience"),
        ({"iss": "https://evil.example"}, "it is from another issuer"),
        ({"exp": 90000}, "it is good for 25 hours"),
        ({"sub": ""}, "its subject is empty"),
        ({"sub": "x" * 181}, "its subject is empty, too long"),
        ({"sub": "a\nb"}, "or no plain text"),
        ({"exp": "soon"}, "it is not as a token has to be"),
        ({"exp": float("inf")}, "it is not as a token has to be"),
        ({"nbf": "soon"}, "it is not as a token has to be"),
        ({"sub": 7}, "it is not as a token has to be"),
        *(({name: None}, f"it has no claim '{name}'") for name in ("exp", "iat", "aud", "sub", "iss")),
    ],
)
def test_a_claim_that_is_not_right_is_told(
    provider: FakeProvider, keys: Keys, claims: dict[str, Any], why: str
) -> None:
    head = base64.urlsafe_b64encode(json.dumps({"alg": "RS256", "kid": "one", "typ": "JWT"}).encode()).rstrip(b"=")
    body = base64.urlsafe_b64encode(json.dumps(provider.claims(**from_now(claims))).encode()).rstrip(b"=")
    signer = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
    signature = base64.urlsafe_b64encode(signer.sign(head + b"." + body, rsa_key("one"))).rstrip(b"=")
    with pytest.raises(IdentityTokenRefused) as caught:
        claims_of(b".".join((head, body, signature)).decode(), provider, keys)
    assert why in caught.value.reason


@pytest.mark.filterwarnings("ignore:The RSA key is 1024 bits")
@pytest.mark.parametrize(
    ("made", "why"),
    [
        ({"key": rsa_key("two")}, "its signature does not fit"),
        ({"kid": "made-up"}, "signed by a key that the provider does not have"),
        ({"kid": None}, "signed by a key that the provider does not have"),
        ({"kid": "other-algorithm"}, "its key is for another algorithm than RS256"),
        ({"key": rsa_key("small", 1024), "kid": "small"}, "its key has fewer than 2048 bits"),
        ({"kid": "broken"}, "its key can't be used"),
        ({"kid": "shared"}, "its key can't be used"),
        ({"kid": "ec"}, "its key can't be used"),
        ({"algorithm": "RS512"}, "its algorithm 'RS512' is none of ES256, RS256"),
        ({"key": "s" * 32, "algorithm": "HS256", "kid": "shared"}, "its algorithm 'HS256' is none of"),
        (
            {"key": ec_key("p384", ec.SECP384R1()), "kid": "p384", "algorithm": "ES384"},
            "its algorithm 'ES384' is none of",
        ),
        ({"key": ec_key("ec"), "kid": "p384", "algorithm": "ES256"}, "it is not as a token has to be"),
        ({"headers": {"crit": ["b64"], "b64": True}}, "it can't be read"),
    ],
)
def test_a_signature_that_proves_nothing_is_told(
    provider: FakeProvider, keys: Keys, made: dict[str, Any], why: str
) -> None:
    with pytest.raises(IdentityTokenRefused) as caught:
        claims_of(provider.token(**made), provider, keys)
    assert why in caught.value.reason


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE"])
def test_a_token_without_a_signature_is_none(provider: FakeProvider, keys: Keys, algorithm: str) -> None:
    head = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "kid": "one"}).encode()).decode().rstrip("=")
    text = f"{head}.{provider.token().split('.')[1]}."
    with pytest.raises(IdentityTokenRefused, match="its algorithm"):
        claims_of(text, provider, keys)


def test_the_public_key_is_no_secret_to_sign_with(provider: FakeProvider, keys: Keys) -> None:
    head = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": "one"}).encode()).decode().rstrip("=")
    signed = f"{head}.{provider.token().split('.')[1]}"
    public = json.dumps(jwk("one", rsa_key("one"))).encode()
    signature = base64.urlsafe_b64encode(hmac.digest(public, signed.encode(), "sha256")).decode().rstrip("=")
    with pytest.raises(IdentityTokenRefused, match="its algorithm 'HS256' is none of"):
        claims_of(f"{signed}.{signature}", provider, keys)


def test_a_nonce_has_to_be_the_one_that_was_asked_with(provider: FakeProvider, keys: Keys) -> None:
    assert claims_of(provider.token(nonce="n"), provider, keys, nonce="n")
    for text in (provider.token(), provider.token(nonce="m")):
        with pytest.raises(IdentityTokenRefused, match="not made for this sign-in"):
            claims_of(text, provider, keys, nonce="n")


_DEEP = base64.urlsafe_b64encode(b"[" * 5000).decode().rstrip("=")


@pytest.mark.parametrize(
    "text", ["eyJ..", "eyJhIjoxfQ.e30.", f"eyJ{_DEEP}.e30.x", f"eyJhIjoxfQ.{_DEEP}.x", "eyJ" * 3000]
)
def test_what_can_not_be_read_is_refused(provider: FakeProvider, keys: Keys, text: str) -> None:
    with pytest.raises(IdentityTokenRefused):
        claims_of(text, provider, keys)


@pytest.mark.parametrize("text", ["eyJ..", f"eyJhIjoxfQ.{_DEEP}.x", "eyJ" * 3000])
def test_whom_it_is_from_can_not_be_read_either(text: str) -> None:
    with pytest.raises(IdentityTokenRefused):
        issuer_in(text)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 10_000), put=st.characters(codec="ascii"))
def test_a_token_that_was_changed_anywhere_is_refused_or_says_the_same(
    provider: FakeProvider, keys: Keys, at: int, put: str
) -> None:
    text = provider.token()
    at %= len(text)
    changed = text[:at] + put + text[at + 1 :]
    try:
        assert claims_of(changed, provider, keys) == claims_of(text, provider, keys)
    except IdentityTokenRefused:
        assert changed != text
