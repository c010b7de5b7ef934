"""What cosign signs of an image, in both forms that it has: simple signing (below a tag), and bundles (as referrers).

Formats: SIGNATURE_SPEC.md and BUNDLE_SPEC.md of sigstore/cosign; DSSE of secure-systems-lab. Whether a signature is a
key's is for `pipelines.ports.Keys` to say, before anything in it is believed.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.image_contents import DIGEST
from pipelines.images import parse_image

SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
MOST_SIGNATURES = 50
_SIGNATURE = "dev.cosignproject.cosign/signature"
_SIGNED = "https://sigstore.dev/cosign/sign/v1"
_STATEMENT = "application/vnd.in-toto+json"


@dataclass(frozen=True, slots=True)
class Signature:
    """`signature` (ASN.1) of `message`, which says that `digest` was signed.

    `repository` (`host/path`) is where that image was then; empty in the form that does not say.
    """

    message: bytes
    signature: bytes
    digest: str
    repository: str = ""


@dataclass(frozen=True, slots=True)
class Layer:
    """A blob of a manifest of signatures. `signature` (base64) is empty where it is in the blob."""

    digest: str
    media_type: str
    signature: str


def layers(manifest: bytes) -> tuple[Layer, ...]:
    """The layers of a manifest that are signatures in one of the two forms; none where it has none."""
    listed = _get(_json(manifest), "layers")
    found = []
    for one in listed if isinstance(listed, list) else []:
        digest, kind = _get(one, "digest"), _get(one, "mediaType")
        if kind in (SIMPLE_SIGNING, BUNDLE) and isinstance(digest, str) and DIGEST.fullmatch(digest):
            found.append(Layer(digest, kind, str(_get(one, "annotations", _SIGNATURE) or "")))
    return tuple(found[:MOST_SIGNATURES])


def referrers(index: bytes) -> tuple[str, ...]:
    """The digests of the manifests that refer to an image, whatever they call themselves."""
    listed = _get(_json(index), "manifests")
    digests = [_get(one, "digest") for one in (listed if isinstance(listed, list) else [])]
    return tuple(one for one in digests if isinstance(one, str) and DIGEST.fullmatch(one))[:MOST_SIGNATURES]


def read_signatures(layer: Layer, content: bytes) -> tuple[Signature, ...]:
    """What `content`, the blob of `layer`, says was signed. What is neither form is no signature."""
    if layer.media_type == BUNDLE:
        return tuple(_of_bundle(_json(content)))
    document, signature = _json(content), _decoded(layer.signature)
    digest = _get(document, "critical", "image", "docker-manifest-digest")
    reference = _get(document, "critical", "identity", "docker-reference")
    kind = _get(document, "critical", "type")
    if kind != "cosign container image signature" or signature is None or not isinstance(digest, str):
        return ()
    return (Signature(content, signature, digest, _repository(reference) if isinstance(reference, str) else "?"),)


def _of_bundle(document: Any) -> Iterator[Signature]:
    """Those of a DSSE envelope whose statement is cosign's own: an attestation of a scan says nothing of approval."""
    envelope = _get(document, "dsseEnvelope")
    kind, payload = _get(envelope, "payloadType"), _decoded(_get(envelope, "payload"))
    statement = _json(payload or b"")
    if kind != _STATEMENT or payload is None or _get(statement, "predicateType") != _SIGNED:
        return
    message = b"DSSEv1 %d %s %d %s" % (len(_STATEMENT), _STATEMENT.encode(), len(payload), payload)
    for one in _list(_get(envelope, "signatures")):
        signature = _decoded(_get(one, "sig"))
        for subject in _list(_get(statement, "subject")) if signature is not None else []:
            yield Signature(message, signature or b"", f"sha256:{_get(subject, 'digest', 'sha256')}")


def _repository(reference: str) -> str:
    """`host/path` of what cosign writes, which gives Docker Hub its other name."""
    image = parse_image(reference.replace("index.docker.io/", "docker.io/", 1))
    return f"{image.registry}/{image.repository}"


def _list(value: Any) -> list[Any]:
    return value[:MOST_SIGNATURES] if isinstance(value, list) else []


def _decoded(text: Any) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) and text else None
    except (binascii.Error, ValueError):
        return None


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _get(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
