"""The Bundle: frozen, named by its bytes, and refused when one differs."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.bundle import Bundle, BundleDigest, digest_of, freeze, thaw
from pipelines.errors import BundleMismatch

BUNDLE = Bundle(
    app="checkout",
    environment="staging",
    team="shop",
    cluster="local",
    namespace="checkout-staging",
    commit="a" * 40,
    kubernetes_version="v1.36.3",
    api_versions=("apps/v1", "v1"),
    chart_name="standard-app",
    chart_version="0.1.0",
    chart=b"\x1f\x8bnot really a tar",
    values={"replicas": 2, "env": {"LANG": "de_CH"}},
    images={"shop/checkout:1": "shop/checkout@sha256:" + "0" * 64},
    manifest="kind: Service # ü\n".encode(),
)


def test_what_is_thawed_is_what_was_frozen() -> None:
    digest, content = freeze(BUNDLE)
    assert thaw(digest, content) == BUNDLE


def test_the_helm_release_is_called_like_the_app() -> None:
    assert BUNDLE.helm_release == "checkout"


def test_equal_bundles_have_equal_names_whatever_the_order_of_their_keys() -> None:
    other = replace(BUNDLE, values={"env": {"LANG": "de_CH"}, "replicas": 2})
    assert freeze(other) == freeze(BUNDLE)


@given(st.data())
def test_any_changed_byte_is_refused(data: st.DataObject) -> None:
    digest, content = freeze(BUNDLE)
    at = data.draw(st.integers(0, len(content) - 1))
    flip = data.draw(st.integers(1, 255))
    changed = content[:at] + bytes([content[at] ^ flip]) + content[at + 1 :]
    with pytest.raises(BundleMismatch, match="has the digest"):
        thaw(digest, changed)


def test_another_format_is_refused_by_name() -> None:
    _, content = freeze(BUNDLE)
    document = json.loads(content) | {"format": 99}
    future = json.dumps(document).encode()
    with pytest.raises(BundleMismatch, match="format 99"):
        thaw(digest_of(future), future)


def test_the_digest_says_its_algorithm() -> None:
    assert digest_of(b"").startswith(BundleDigest("sha256:e3b0c442"))
