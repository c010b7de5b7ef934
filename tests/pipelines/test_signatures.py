"""Signatures of images: by the platform's key, of this very image, where it is; in both of cosign's forms."""

from __future__ import annotations

import base64
import json
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pipelines.adapters.cosign import CosignSignatures
from pipelines.adapters.public_keys import PublicKeys
from pipelines.adapters.registry import Registries
from pipelines.errors import InvalidConfiguration, RegistryUnavailable
from pipelines.findings import Finding, Mode
from pipelines.signature_check import SignatureCheck, Signed
from pipelines.signatures import BUNDLE, SIMPLE_SIGNING, Layer, layers, read_signatures, referrers
from tests.images import MANIFEST, push, push_index, put_blob, put_manifest, serving, sha256
from tests.pipelines.conftest import subject
from tests.pipelines.test_image_check import pod

KEY, OTHER = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
STATEMENT = "application/vnd.in-toto+json"


def pem(key: Any) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


def signed(message: bytes, key: ec.EllipticCurvePrivateKey = KEY) -> str:
    return base64_of(key.sign(message, ec.ECDSA(SHA256())))


def simple(repository: str, digest: str) -> bytes:
    identity, image = {"docker-reference": repository}, {"docker-manifest-digest": digest}
    critical = {"identity": identity, "image": image, "type": "cosign container image signature"}
    return json.dumps({"critical": critical, "optional": None}).encode()


def bundle(digest: str, key: ec.EllipticCurvePrivateKey = KEY, **changes: Any) -> bytes:
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"sha256": digest.removeprefix("sha256:")}}],
        "predicateType": "https://sigstore.dev/cosign/sign/v1",
        **changes,
    }
    payload = json.dumps(statement).encode()
    message = f"DSSEv1 {len(STATEMENT)} {STATEMENT} {len(payload)} ".encode() + payload
    envelope = {"payload": base64_of(payload), "payloadType": STATEMENT, "signatures": [{"sig": signed(message, key)}]}
    return json.dumps({"mediaType": BUNDLE, "dsseEnvelope": envelope}).encode()


def attach(registry: str, repository: str, tag: str, kind: str, *signatures: tuple[bytes, str]) -> str:
    """Pushes a manifest of these blobs, each with its signature; its digest."""
    listed = [
        {
            "mediaType": kind,
            "digest": put_blob(registry, repository, content),
            "size": len(content),
            "annotations": {"dev.cosignproject.cosign/signature": signature} if signature else {},
        }
        for content, signature in signatures
    ]
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": put_blob(registry, repository, b"{}")}
    document = {"schemaVersion": 2, "mediaType": MANIFEST, "config": {**config, "size": 2}, "layers": listed}
    return put_manifest(registry, f"{repository}:{tag}", document)


def said(registry: str, image: str, wanted: Signed | None = None) -> list[str]:
    """What is said of `image`, a path with a digest."""
    findings = found(registry, pod(f"{registry}/{image}"), wanted)
    return [one.what.removeprefix(f"{registry}/{image} ") for one in findings]


def found(registry: str, workload: dict[str, Any], wanted: Signed | None = None) -> tuple[Finding, ...]:
    """What is found of `workload`, where images below `signed/` may be asked about."""
    registries = Registries(plain_http_hosts=[registry])
    keys = PublicKeys([(pem(KEY), "gateway.yaml:1")])
    check = SignatureCheck(wanted or Signed(), (f"{registry}/signed/",), keys, CosignSignatures(registries), registries)
    return check.findings(subject((workload,)))


DIGEST = sha256("app")
GOOD = simple("registry.example.com/a", DIGEST)


def pushed(registry: str, repository: str) -> tuple[str, str]:
    """An image that was just pushed to `repository`: its digest, and the tag that its signatures have."""
    digest = push(registry, f"{repository}:1", "os", repository)
    return digest, f"{digest.replace(':', '-')}.sig"


def test_an_image_that_is_signed_passes(registry: str) -> None:
    digest, tag = pushed(registry, "signed/good")
    payload = simple(f"{registry}/signed/good", digest)
    attach(registry, "signed/good", tag, SIMPLE_SIGNING, (payload, signed(payload)))
    assert said(registry, f"signed/good@{digest}") == []


def test_an_image_that_is_signed_by_a_bundle_passes(registry: str) -> None:
    digest, tag = pushed(registry, "signed/bundle")
    referrer = attach(registry, "signed/bundle", "referrer", BUNDLE, (bundle(digest), ""))
    push_index(registry, f"signed/bundle:{tag.removesuffix('.sig')}", [("unknown/unknown", referrer)])
    assert said(registry, f"signed/bundle@{digest}") == []


def test_one_genuine_signature_among_others_will_do(registry: str) -> None:
    digest, tag = pushed(registry, "signed/several")
    payload = simple(f"{registry}/signed/several", digest)
    both = ((payload, signed(payload, OTHER)), (payload, signed(payload)))
    attach(registry, "signed/several", tag, SIMPLE_SIGNING, *both)
    assert said(registry, f"signed/several@{digest}") == []


def test_an_image_without_a_signature_does_not_pass(registry: str) -> None:
    digest, _ = pushed(registry, "signed/none")
    assert said(registry, f"signed/none@{digest}") == ["has no signature"]


def test_a_strangers_signature_does_not_pass(registry: str) -> None:
    digest, tag = pushed(registry, "signed/stranger")
    payload = simple(f"{registry}/signed/stranger", digest)
    attach(registry, "signed/stranger", tag, SIMPLE_SIGNING, (payload, signed(payload, OTHER)))
    assert said(registry, f"signed/stranger@{digest}") == ["has signatures, none by a key of the platform's"]


def test_a_signature_of_something_else_does_not_pass(registry: str) -> None:
    digest, tag = pushed(registry, "signed/another")
    payload = simple(f"{registry}/signed/another", sha256("another"))
    attach(registry, "signed/another", tag, SIMPLE_SIGNING, (payload, signed(payload)))
    assert said(registry, f"signed/another@{digest}") == [f"has a signature for another image: {sha256('another')}"]


def test_a_signature_that_was_copied_with_the_image_counts_where_the_platform_says(registry: str) -> None:
    digest, tag = pushed(registry, "signed/copied")
    payload = simple("registry.example.com/dev/app", digest)
    attach(registry, "signed/copied", tag, SIMPLE_SIGNING, (payload, signed(payload)))
    image = f"signed/copied@{digest}"
    assert said(registry, image) == ["was signed as registry.example.com/dev/app, and has been copied"]
    assert said(registry, image, Signed(signed_as=("registry.example.com/dev/",))) == []


def test_a_referrer_that_was_removed_is_no_signature(registry: str) -> None:
    digest, _ = pushed(registry, "signed/removed")
    index = json.dumps({"manifests": [{"digest": sha256("gone")}]}).encode()
    with serving(lambda request: (200, {}, index) if "/referrers/" in request.path else (404, {}, b"")) as host:
        found = CosignSignatures(Registries(plain_http_hosts=[host])).signatures(
            f"{host}/a", digest, timeout_seconds=30
        )
    assert found == ()


def test_of_many_signatures_some_are_looked_at() -> None:
    layer = {"mediaType": SIMPLE_SIGNING, "digest": sha256(GOOD)}
    named = {**layer, "annotations": {"dev.cosignproject.cosign/signature": signed(GOOD, OTHER)}}
    manifest = json.dumps({"layers": [named] * 60}).encode()
    asked: list[str] = []

    def answer(request: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        asked.append(request.path)
        return 200, {}, GOOD if "/blobs/" in request.path else manifest

    with serving(answer) as host:
        found = CosignSignatures(Registries(plain_http_hosts=[host])).signatures(
            f"{host}/a", DIGEST, timeout_seconds=30
        )
    assert len(found) == 50
    assert len(asked) == 2


def test_what_cannot_be_looked_at_does_not_pass(registry: str) -> None:
    digest = sha256("x")
    assert said(registry, f"elsewhere/app@{digest}")[0].startswith("is from no registry that may be asked")
    assert said(registry, "signed/app:1")[0].startswith("has no digest")
    with serving(lambda _request: (403, {}, b"")) as host:
        assert "could not be looked at" in said(host, f"signed/app@{digest}")[0]
    with serving(lambda _request: (500, {}, b"")) as host, pytest.raises(RegistryUnavailable):
        said(host, f"signed/app@{digest}")


def test_exempt_images_need_no_signature(registry: str) -> None:
    assert said(registry, "signed/vendor/app:1", Signed(exempt=(f"{registry}/signed/vendor/",))) == []


def test_an_image_by_tag_alone_is_refused_with_the_digest_to_write(registry: str) -> None:
    digest, _ = pushed(registry, "signed/tagged")
    image = f"{registry}/signed/tagged:1"
    (container, volume) = found(registry, pod(image, volumes=(image,)))
    assert container.how == f"image: {image}@{digest}   # what its tag means now"
    assert volume.how == f"reference: {image}@{digest}   # what its tag means now"


def test_a_tag_that_is_not_there_is_told_and_does_not_pass(registry: str) -> None:
    (finding,) = found(registry, pod(f"{registry}/signed/gone:1"))
    assert "The one of its tag could not be looked up" in finding.what
    assert finding.how.startswith("cosign sign")


def test_what_has_no_signature_is_told_with_the_command_that_signs_it(registry: str) -> None:
    digest, _ = pushed(registry, "signed/without")
    (finding,) = found(registry, pod(f"{registry}/signed/without:1@{digest}"))
    command = f"cosign sign --key cosign.key {registry}/signed/without@{digest}"
    assert finding.how == f"{command}   # the last step of the build"


def test_a_missing_signature_blocks(registry: str) -> None:
    keys = PublicKeys([(pem(KEY), "")])
    check = SignatureCheck(Signed(), (), keys, CosignSignatures(Registries()), Registries())
    (finding,) = check.findings(subject((pod("registry.example.com/a:1"),)))
    assert (finding.rule, finding.mode) == ("image-signed", Mode.ENFORCE)


@pytest.mark.parametrize(
    "text",
    ["", "no key", pem(ec.generate_private_key(ec.SECP384R1())), pem(Ed25519PrivateKey.generate())],
    ids=["empty", "text", "other-curve", "ed25519"],
)
def test_a_key_of_another_kind_stops_the_start(text: str) -> None:
    with pytest.raises(InvalidConfiguration, match="no public key of ECDSA on P-256") as caught:
        PublicKeys([(text, "gateway.yaml:7")])
    assert caught.value.where == "gateway.yaml:7"


@pytest.mark.parametrize(
    ("content", "signature"),
    [
        (b"", signed(GOOD)),
        (b"[" * 100_000, signed(GOOD)),
        (GOOD, ""),
        (GOOD, "no base64"),
        (GOOD, "\u00e9"),
        (b"{}", signed(GOOD)),
        (GOOD.replace(b"cosign container", b"atomic container"), signed(GOOD)),
        (GOOD.replace(b"docker-manifest-digest", b"other"), signed(GOOD)),
    ],
    ids=["empty", "too deep", "unsigned", "no base64", "no ASCII", "no fields", "another type", "no digest"],
)
def test_what_is_no_simple_signing_is_no_signature(content: bytes, signature: str) -> None:
    assert read_signatures(Layer(DIGEST, SIMPLE_SIGNING, signature), content) == ()


def test_docker_hub_is_called_by_its_name() -> None:
    content = simple("index.docker.io/library/python", DIGEST)
    (found,) = read_signatures(Layer(DIGEST, SIMPLE_SIGNING, signed(content)), content)
    assert found.repository == "docker.io/library/python"


def test_a_signature_that_does_not_say_of_what_is_none_of_it() -> None:
    content = GOOD.replace(b'"registry.example.com/a"', b"null")
    (found,) = read_signatures(Layer(DIGEST, SIMPLE_SIGNING, signed(content)), content)
    assert found.repository == "?"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        bundle(DIGEST, predicateType="https://cosign.sigstore.dev/attestation/vuln/v1"),
        bundle(DIGEST, subject=[]),
        bundle(DIGEST, subject="x"),
        bundle(DIGEST).replace(b'"sig"', b'"gis"'),
        bundle(DIGEST).replace(b"in-toto", b"out-toto"),
        bundle(DIGEST).replace(b'"payload"', b'"load"'),
    ],
)
def test_what_is_no_statement_of_cosigns_is_no_signature(content: bytes) -> None:
    assert read_signatures(Layer(DIGEST, BUNDLE, ""), content) == ()


@pytest.mark.parametrize("content", [b"", b"[]", b'{"layers": 3}', b'{"layers": [{"digest": "x"}]}'])
def test_what_is_no_manifest_of_signatures_has_none(content: bytes) -> None:
    assert layers(content) == ()


@pytest.mark.parametrize("content", [b"", b"[]", b'{"manifests": 3}', b'{"manifests": [{"digest": "x"}, 3]}'])
def test_what_is_no_list_of_referrers_has_none(content: bytes) -> None:
    assert referrers(content) == ()


def test_any_of_the_keys_will_do() -> None:
    message = b"message"
    keys = PublicKeys([(pem(OTHER), "a"), (pem(KEY), "b")])
    assert keys.signed(message, base64.b64decode(signed(message)))
    assert not keys.signed(b"another", base64.b64decode(signed(message)))
