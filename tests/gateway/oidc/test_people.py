"""What a provider may answer to a sign-in, and what is made of it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from configuration.file import load
from configuration.identity import Grant, Role
from gateway.oidc.keys import IdentityProviderUnavailable
from gateway.oidc.people import People
from gateway.oidc.tokens import IdentityTokenRefused
from pipelines.errors import Forbidden
from store.page_sessions import Attempt

from .provider import FakeProvider, identity_provider

ATTEMPT = Attempt("s", "n", "v", "")
SIGN_IN = """\
sign_in:
  issuer: {url}
  client_id: "a:b"
  device_client_id: deployctl
  roles: [{{claims: {{groups: shop}}, role: viewer, team: shop}}]
"""
Made = Callable[..., People]


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with identity_provider() as running:
        yield running


@pytest.fixture
def people(config: Path, provider: FakeProvider) -> Made:
    """People of a gateway whose `sign_in` has `more`; the provider's document has `document`."""

    def people(more: str = "", **document: object) -> People:
        text = SIGN_IN.format(url=provider.url) + more
        config.write_text(config.read_text().replace("tokens:\n", text + "tokens:\n"))
        (config.parent / "secret").write_text("p%q")
        addresses = {name: f"{provider.url}/{name}" for name in ("authorization", "token", "userinfo")}
        endpoints = {f"{name}_endpoint": address for name, address in addresses.items()}
        known = {"issuer": provider.url, "jwks_uri": f"{provider.url}/keys", **endpoints, **document}
        provider.answers["/.well-known/openid-configuration"] = (200, known)
        return People(load(config))

    return people


def signs(provider: FakeProvider, *, userinfo: dict[str, Any] | None = None, **claims: Any) -> None:
    """Has the provider sign somebody in, with these claims."""
    said = {"sub": "1", "aud": "a:b", "nonce": "n", "email": "ada@example.com", "groups": ["shop"], **claims}
    tokens = {"id_token": provider.token(**said), "access_token": "opaque"}
    provider.answers["/token"] = (200, tokens)
    provider.answers["/userinfo"] = (200, userinfo if userinfo is not None else {"sub": "1"})


def test_a_public_client_sends_its_name_and_the_verifier(people: Made, provider: FakeProvider) -> None:
    signs(provider)
    known = people()
    principal = known.principal(known.came_back(ATTEMPT, "c"))
    assert (principal.name, principal.person) == ("ada@example.com", "ada@example.com")
    assert principal.grants == (Grant(Role.VIEWER, "shop"),)
    ((authorization, sent),) = provider.sent
    assert authorization == ""
    assert (sent["client_id"], sent["code"], sent["code_verifier"]) == ("a:b", "c", "v")
    assert sent["redirect_uri"] == "http://127.0.0.1:8080/sign-in/callback"


def test_a_secret_goes_where_the_provider_takes_it(people: Made, provider: FakeProvider) -> None:
    signs(provider)
    people("  client_secret: file:secret\n").came_back(ATTEMPT, "c")
    authorization, sent = provider.sent[-1]
    assert base64.b64decode(authorization.removeprefix("Basic ")) == b"a%3Ab:p%25q"
    assert "client_secret" not in sent


def test_a_secret_goes_into_the_body_where_the_provider_wants_it_there(people: Made, provider: FakeProvider) -> None:
    signs(provider)
    only_body = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    people("  client_secret: file:secret\n", **only_body).came_back(ATTEMPT, "c")
    authorization, sent = provider.sent[-1]
    assert authorization == ""
    assert (sent["client_id"], sent["client_secret"]) == ("a:b", "p%q")


def test_what_is_not_in_the_token_is_asked_for_and_does_not_stand_above_it(
    people: Made, provider: FakeProvider
) -> None:
    told = {"sub": "1", "groups": ["shop"], "email": "mallory@example.com", "phone": "1"}
    signs(provider, groups=None, userinfo=told)
    claims = people().came_back(ATTEMPT, "c")
    assert claims == {"iss": provider.url, "sub": "1", "email": "ada@example.com", "groups": ["shop"]}


def test_a_provider_that_tells_nothing_beside_the_token_is_not_asked(people: Made, provider: FakeProvider) -> None:
    signs(provider)
    assert people(userinfo_endpoint=None).came_back(ATTEMPT, "c")["email"] == "ada@example.com"
    assert "/userinfo" not in provider.asked


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"nonce": "another"}, "not made for this sign-in"),
        ({"nonce": None}, "not made for this sign-in"),
        ({"aud": "deployctl"}, "not made for the audience 'a:b'"),
        ({"userinfo": {"sub": "2"}}, "does not tell whose it is"),
        ({"userinfo": {}}, "does not tell whose it is"),
        ({"email_verified": False}, "has not verified that the email address is theirs"),
    ],
)
def test_what_the_provider_says_has_to_be_of_this_sign_in(
    people: Made, provider: FakeProvider, said: dict[str, Any], why: str
) -> None:
    signs(provider, **said)
    with pytest.raises(IdentityTokenRefused) as caught:
        people().came_back(ATTEMPT, "c")
    assert why in caught.value.reason


@pytest.mark.parametrize("name", [None, "", " ", "x" * 201, "a\nb", {}])
def test_somebody_without_a_name_is_nobody(people: Made, provider: FakeProvider, name: object) -> None:
    with pytest.raises(IdentityTokenRefused, match="no claim 'email' that somebody could be called by"):
        people().principal({"iss": provider.url, "groups": ["shop"], "email": name})


def test_who_was_vouched_for_by_another_provider_has_no_role_any_more(people: Made, provider: FakeProvider) -> None:
    with pytest.raises(Forbidden, match="has no role"):
        people().principal({"iss": "https://before.example", "groups": ["shop"], "email": "ada@example.com"})


def test_a_browser_keeps_what_stands_in_the_providers_address(people: Made, provider: FakeProvider) -> None:
    address = people(authorization_endpoint=f"{provider.url}/a?tenant=7").address(ATTEMPT)
    assert address.startswith(f"{provider.url}/a?tenant=7&response_type=code&")


def test_a_provider_that_is_down_signs_nobody_in(people: Made, provider: FakeProvider) -> None:
    known = people()
    provider.answers.clear()
    with pytest.raises(IdentityProviderUnavailable):
        known.address(ATTEMPT)
