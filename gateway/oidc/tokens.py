"""Tokens of identity providers: signed by a key of theirs, made for us, and valid now. All else is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import jwt

from configuration.identity import Claims
from gateway.oidc.keys import Keys
from pipelines.errors import Unauthenticated

LONGEST_TOKEN = 8000
_CLOCKS_DIFFER_BY_SECONDS = 30
_LONGEST_LIFE_SECONDS = 24 * 3600
_SMALLEST_RSA_KEY_BITS = 2048
_LONGEST_SUBJECT = 180
_UNREADABLE = (ValueError, TypeError, OverflowError, RecursionError)
"""What reading the JSON of a stranger may end in."""


class IdentityTokenRefused(Unauthenticated):
    """A token of an identity provider that does not prove what it has to."""

    code = "identity-token-refused"
    title = "The identity provider's token does not count"


def looks_like_one(text: str) -> bool:
    """Whether `text` has the three parts of a JWT, in place of a token of ours."""
    return text.count(".") == 2 and text.startswith("eyJ")


def issuer_in(text: str) -> str:
    """Whom the token `text` says it is from, before anything of it is checked. Raises `IdentityTokenRefused`."""
    if len(text) > LONGEST_TOKEN:
        raise refused(f"it is longer than {LONGEST_TOKEN} characters")
    try:
        claims = jwt.decode(text, options={"verify_signature": False})
    except (jwt.PyJWTError, *_UNREADABLE):
        raise refused("it can't be read") from None
    return str(claims.get("iss", ""))[:200]


def verified(
    text: str, *, issuer: str, audience: str, algorithms: Iterable[str], keys: Keys, nonce: str | None = None
) -> Claims:
    """The claims of the token `text`, each of them vouched for by `issuer` to `audience`.

    `nonce` is the one that was asked with, where one was. Raises `IdentityTokenRefused`, and
    `IdentityProviderUnavailable` where the keys can't be read: an unknown answer is never a pass.
    """
    header = _header(text)
    algorithm = header.get("alg")
    if algorithm not in tuple(algorithms):
        raise refused(f"its algorithm {str(algorithm)[:20]!r} is none of {', '.join(sorted(algorithms))}")
    key = _key(header, str(algorithm), keys)
    try:
        claims: dict[str, Any] = jwt.decode(
            text,
            key=key,
            algorithms=[str(algorithm)],
            issuer=issuer,
            audience=audience,
            leeway=_CLOCKS_DIFFER_BY_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
    except (jwt.PyJWTError, *_UNREADABLE) as error:
        raise refused(_reason(error, audience)) from None
    _insist_on_one_audience_and_a_short_life(claims)
    if nonce is not None and claims.get("nonce") != nonce:
        raise refused("it was not made for this sign-in")
    return claims


def _header(text: str) -> Mapping[str, Any]:
    try:
        header: Mapping[str, Any] = jwt.get_unverified_header(text)
    except (jwt.PyJWTError, *_UNREADABLE):
        raise refused("it can't be read") from None
    return header


def _key(header: Mapping[str, Any], algorithm: str, keys: Keys) -> jwt.PyJWK:
    kid = header.get("kid")
    found = keys.find(kid) if isinstance(kid, str) else None
    if found is None:
        raise refused("it is signed by a key that the provider does not have")
    if found.get("alg", algorithm) != algorithm:
        raise refused(f"its key is for another algorithm than {algorithm}")
    try:
        key = jwt.PyJWK(dict(found), algorithm=algorithm)
    except (jwt.PyJWTError, KeyError, *_UNREADABLE):
        raise refused("its key can't be used") from None
    if getattr(key.key, "key_size", _SMALLEST_RSA_KEY_BITS) < _SMALLEST_RSA_KEY_BITS and found.get("kty") == "RSA":
        raise refused(f"its key has fewer than {_SMALLEST_RSA_KEY_BITS} bits")
    return key


def _insist_on_one_audience_and_a_short_life(claims: Claims) -> None:
    if isinstance(claims["aud"], list) and len(claims["aud"]) != 1:
        raise refused("it was made for several audiences, any of which could use it here")
    life = int(claims["exp"]) - int(claims["iat"])
    if life > _LONGEST_LIFE_SECONDS:
        raise refused(f"it is good for {life / 3600:.0f} hours, and {_LONGEST_LIFE_SECONDS // 3600} are the most")
    subject = claims["sub"]
    if not 0 < len(subject) <= _LONGEST_SUBJECT or not subject.isprintable():
        raise refused("its subject is empty, too long, or no plain text")


def _reason(error: Exception, audience: str) -> str:
    known: tuple[tuple[type[jwt.InvalidTokenError], str], ...] = (
        (jwt.ExpiredSignatureError, f"it has expired; it is now {datetime.now(UTC):%H:%M:%S} UTC"),
        (jwt.ImmatureSignatureError, f"it is not valid yet; it is now {datetime.now(UTC):%H:%M:%S} UTC"),
        (jwt.InvalidAudienceError, f"it was not made for the audience {audience!r}"),
        (jwt.InvalidIssuerError, "it is from another issuer"),
        (jwt.InvalidSignatureError, "its signature does not fit"),
    )
    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"it has no claim {error.claim!r}"
    return next((words for kind, words in known if isinstance(error, kind)), "it is not as a token has to be")


def refused(why: str) -> IdentityTokenRefused:
    """The error that says why a token of an identity provider does not count."""
    return IdentityTokenRefused(
        f"the identity provider's token does not count: {why}",
        "See docs/how-to/release-from-ci.md for what the token needs; a new one may be all",
    )
