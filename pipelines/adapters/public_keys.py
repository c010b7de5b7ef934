"""Public keys, by cryptography: whether a signature is one of theirs."""

from __future__ import annotations

from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from pipelines.errors import InvalidConfiguration


class PublicKeys:
    """Implements `pipelines.ports.Keys`, for ECDSA on P-256 with SHA-256: what `cosign generate-key-pair` makes."""

    def __init__(self, keys: Iterable[tuple[str, str]]) -> None:
        """`keys` are PEM texts, each with the place that it was written at. Raises `InvalidConfiguration`."""
        self._keys = [_key(text, where) for text, where in keys]

    def signed(self, message: bytes, signature: bytes) -> bool:
        """See `pipelines.ports.Keys.signed`."""
        return any(_is_by(key, message, signature) for key in self._keys)


def _key(text: str, where: str) -> EllipticCurvePublicKey:
    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise InvalidConfiguration(
            "this is no public key of ECDSA on P-256 in PEM",
            "Put the file cosign.pub there that `cosign generate-key-pair` or `cosign public-key` writes",
            where=where,
        )
    return key


def _is_by(key: EllipticCurvePublicKey, message: bytes, signature: bytes) -> bool:
    try:
        key.verify(signature, message, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True
