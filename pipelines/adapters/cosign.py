"""Where cosign keeps signatures in a registry: below a tag made of the digest, and as what refers to the image."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial

from pipelines.adapters.registry import Registries
from pipelines.errors import ImageNotFound
from pipelines.signatures import MOST_SIGNATURES, Layer, Signature, layers, read_signatures, referrers


class CosignSignatures:
    """Implements `pipelines.ports.SignatureReader`."""

    def __init__(self, registries: Registries) -> None:
        self._registries = registries

    def signatures(self, repository: str, digest: str, *, timeout_seconds: float) -> tuple[Signature, ...]:
        """See `pipelines.ports.SignatureReader.signatures`."""
        # What was signed twice is one blob with two signatures.
        blob = cache(partial(self._registries.blob, repository, timeout_seconds=timeout_seconds))
        found: list[Signature] = []
        for layer in self._layers(repository, digest, timeout_seconds):
            found += read_signatures(layer, blob(layer.digest))
            if len(found) >= MOST_SIGNATURES:
                break
        return tuple(found)

    def _layers(self, repository: str, digest: str, timeout_seconds: float) -> Iterator[Layer]:
        tag = digest.replace(":", "-")
        manifest = partial(self._registries.manifest, repository, timeout_seconds=timeout_seconds)
        named = partial(self._registries.named, repository, timeout_seconds=timeout_seconds)
        yield from layers(named(f"manifests/{tag}.sig"))
        listed = named(f"referrers/{digest}") or named(f"manifests/{tag}")
        for referrer in referrers(listed):
            try:
                yield from layers(manifest(referrer))
            except ImageNotFound:  # a registry may list what was removed
                continue
