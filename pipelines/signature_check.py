"""The check of signatures: each image of each pod was signed, by its digest, with a key of the platform's."""

from __future__ import annotations

import shlex
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pipelines.catalogue.images import IMAGE_SIGNED, SIGNATURES
from pipelines.findings import Finding
from pipelines.images import Digests, has_prefix, parse_image
from pipelines.pinning import REFUSED, pinned
from pipelines.ports import CheckSubject, Keys, SignatureReader
from pipelines.snippets import of_image
from pipelines.used_images import used_images

_SIDE_BY_SIDE = 8


@dataclass(frozen=True, slots=True)
class Signed:
    """Which images need no signature (prefixes), and below which prefixes an image may have been when it was signed."""

    exempt: tuple[str, ...] = ()
    signed_as: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Lack:
    """What keeps an image from being signed, and what to do where that is known."""

    what: str
    how: str = ""


class SignatureCheck:
    """Implements `pipelines.ports.Check`."""

    name = SIGNATURES

    def __init__(
        self,
        wanted: Signed,
        registries: tuple[str, ...],
        keys: Keys,
        reader: SignatureReader,
        digests: Digests,
        *,
        timeout_seconds: float = 10.0,
    ) -> None:
        """Signatures are read from `registries` (prefixes) alone; `timeout_seconds` are for each request."""
        self._wanted, self._registries, self._keys, self._reader = wanted, registries, keys, reader
        self._digests = digests
        self._timeout_seconds = timeout_seconds

    def findings(self, subject: CheckSubject) -> tuple[Finding, ...]:
        """See `pipelines.ports.Check.findings`. Raises `RegistryUnavailable`."""
        uses = [use for use in used_images(subject.objects) if not has_prefix(use.image, self._wanted.exempt)]
        images = list(dict.fromkeys(use.image for use in uses))
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            lacks = dict(zip(images, pool.map(self._lack, images), strict=True))
        return tuple(
            IMAGE_SIGNED.finding(use.resource, use.field, f"{use.image} {lack.what}", of_image(lack.how, use.field))
            for use in uses
            if (lack := lacks[use.image]) is not None
        )

    def _lack(self, image: str) -> _Lack | None:
        """What `image` lacks to be signed; None when it is."""
        parsed = parse_image(image)
        if not has_prefix(image, self._registries):
            return _Lack("is from no registry that may be asked, so that nobody knows who signed it")
        if parsed.digest is None:
            return self._without_digest(image)
        repository = f"{parsed.registry}/{parsed.repository}"
        try:
            why = self._unsigned(repository, parsed.digest)
        except REFUSED as error:
            return _Lack(f"could not be looked at: {error.reason}")
        command = f"cosign sign --key cosign.key {shlex.quote(f'{repository}@{parsed.digest}')}"
        return _Lack(why, f"{command}   # the last step of the build") if why else None

    def _without_digest(self, image: str) -> _Lack:
        why = "has no digest, so that another image could run than the one that was signed"
        found = pinned(image, self._digests, timeout_seconds=self._timeout_seconds)
        return _Lack(". ".join([why, *[found.problem] * bool(found.problem)]), found.how)

    def _unsigned(self, repository: str, digest: str) -> str:
        """Why no signature counts, in words; empty when one does. Raises what the reader does."""
        found = self._reader.signatures(repository, digest, timeout_seconds=self._timeout_seconds)
        genuine = [one for one in found if self._keys.signed(one.message, one.signature)]
        if not genuine:
            return "has signatures, none by a key of the platform's" if found else "has no signature"
        of_it = [one for one in genuine if one.digest == digest]
        if not of_it:
            return f"has a signature for another image: {genuine[0].digest[:80]}"
        if not any(self._may_be(one.repository, repository) for one in of_it):
            return f"was signed as {of_it[0].repository[:200]}, and has been copied"
        return ""

    def _may_be(self, signed: str, repository: str) -> bool:
        return signed in ("", repository) or has_prefix(signed, self._wanted.signed_as)
