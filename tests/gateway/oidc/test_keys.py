"""Keys of a provider: kept, asked for again within bounds, and never guessed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.oidc.keys import IdentityProviderUnavailable, Keys, Provider, is_safe

from .provider import FakeProvider, identity_provider, jwk, rsa_key


class Clock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with identity_provider() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(provider: FakeProvider, clock: Clock) -> Keys:
    return Keys(Provider(provider.url), clock)


def found(keys: Keys, kid: str) -> bool:
    return keys.find(kid) is not None


def test_keys_are_asked_for_once_and_kept(keys: Keys, provider: FakeProvider, clock: Clock) -> None:
    for _ in range(3):
        clock.now += 60
        assert found(keys, "one")
    assert provider.asked == ["/.well-known/openid-configuration", "/keys"]


def test_a_new_key_is_found_when_a_token_names_it(keys: Keys, provider: FakeProvider, clock: Clock) -> None:
    assert found(keys, "one")
    provider.publish(jwk("two", rsa_key("two")))
    clock.now += 31
    assert found(keys, "two")
    assert not found(keys, "one")


def test_however_many_unknown_keys_are_named_the_provider_is_asked_once_in_half_a_minute(
    keys: Keys, provider: FakeProvider, clock: Clock
) -> None:
    for number in range(100):
        clock.now += 0.29
        assert not found(keys, f"made-up-{number}")
    assert provider.asked.count("/keys") == 1
    clock.now += 2
    assert not found(keys, "made-up")
    assert provider.asked.count("/keys") == 2


def test_a_key_that_was_taken_back_counts_no_more_after_a_quarter_of_an_hour(
    keys: Keys, provider: FakeProvider, clock: Clock
) -> None:
    assert found(keys, "one")
    provider.publish()
    assert found(keys, "one")
    clock.now += 901
    assert not found(keys, "one")


def test_while_the_provider_is_down_its_keys_are_good_for_two_hours(
    keys: Keys, provider: FakeProvider, clock: Clock
) -> None:
    assert found(keys, "one")
    provider.answers["/keys"] = (503, {})
    clock.now += 7100
    assert found(keys, "one")
    with pytest.raises(IdentityProviderUnavailable, match="its keys can't be read"):
        keys.find("two")
    clock.now += 200
    with pytest.raises(IdentityProviderUnavailable):
        keys.find("one")
    provider.publish(jwk("one", rsa_key("one")))
    clock.now += 31
    assert found(keys, "one")


@pytest.mark.parametrize(
    ("path", "answer", "why"),
    [
        ("/keys", (500, {}), "/keys answers 500"),
        ("/keys", (302, {}), "/keys answers 302"),
        ("/keys", (200, b"<html>"), "JSONDecodeError"),
        ("/keys", (200, b"[1]"), "its answer is no JSON object"),
        ("/keys", (200, b'{"keys": "' + b"x" * 600_000 + b'"}'), "its answer is too long"),
        ("/keys", (200, b'{"keys": ' + b"[" * 200_000), "Error"),
        ("/keys", (200, {"keys": {}}), "it has no list of keys"),
        ("/keys", (200, {"keys": [{}] * 101}), "it has no list of keys"),
        ("/.well-known/openid-configuration", (200, {"issuer": "https://evil.example"}), "it calls itself"),
        ("/.well-known/openid-configuration", (404, {}), "answers 404"),
    ],
)
def test_an_answer_that_is_none_of_a_provider_is_told_and_lets_nobody_in(
    keys: Keys, provider: FakeProvider, path: str, answer: tuple[int, object], why: str
) -> None:
    provider.answers[path] = answer
    with pytest.raises(IdentityProviderUnavailable) as caught:
        keys.find("one")
    assert why in str(caught.value.__cause__)


@pytest.mark.parametrize("address", ["http://keys.example.com/", "file:///etc/passwd", "http://[::1", 7, None])
def test_keys_come_only_from_an_address_that_nobody_can_change_on_the_way(
    keys: Keys, provider: FakeProvider, address: object
) -> None:
    document = {"issuer": provider.url, "jwks_uri": address}
    provider.answers["/.well-known/openid-configuration"] = (200, document)
    with pytest.raises(IdentityProviderUnavailable) as caught:
        keys.find("one")
    assert "no https address as jwks_uri" in str(caught.value.__cause__)


def test_entries_that_are_no_signing_keys_are_passed_over(keys: Keys, provider: FakeProvider) -> None:
    good = jwk("one", rsa_key("one"))
    for_encryption = jwk("two", rsa_key("two"), use="enc")
    provider.publish(for_encryption, {"kid": 7}, {"kty": "RSA"}, good)  # type: ignore[arg-type]
    assert found(keys, "one")
    assert not found(keys, "two")


def test_a_provider_that_nobody_listens_for_is_unavailable() -> None:
    keys = Keys(Provider("http://127.0.0.1:1"))
    with pytest.raises(IdentityProviderUnavailable) as caught:
        keys.find("one")
    assert caught.value.retryable


@pytest.mark.parametrize(("address", "safe"), [("https://x/", True), ("http://localhost/", True), ("http://x/", False)])
def test_what_is_safe(address: str, safe: bool) -> None:
    assert is_safe(address) is safe
