"""Images that the platform looks at less closely, and how a Release says so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.ports import Manifest
from pipelines.used_images import used_images


@dataclass(frozen=True, slots=True)
class Exemption:
    """Of images below `prefixes` (ending in `/`) `what` (`base`) is not looked at, as `key` of gateway.yaml says."""

    key: str
    what: str
    prefixes: tuple[str, ...]

    def images(self, objects: Iterable[Manifest]) -> dict[str, str]:
        """Each image of `objects` that is exempt, and the narrowest entry that says so."""
        used = dict.fromkeys(use.image for use in used_images(objects))
        by = {image: max((one for one in self.prefixes if image.startswith(one)), default="") for image in used}
        return {image: entry for image, entry in by.items() if entry}

    def notes(self, objects: Iterable[Manifest]) -> tuple[str, ...]:
        """One line for each image of `objects` that is exempt, with the entry that says so."""
        return tuple(
            f"{image[:300]}: its {self.what} is not looked at, {entry} is in {self.key} of gateway.yaml"
            for image, entry in self.images(objects).items()
        )


def in_short(exemptions: Iterable[Exemption], objects: Iterable[Manifest]) -> str:
    """`not looked at: base of vendor/db, signature of 3 images`, of all `exemptions`; empty where there is none."""
    exempt = [(one.what, list(one.images(objects))) for one in exemptions]
    told = [f"{what} of {_named(images)}" for what, images in exempt if images]
    return f"not looked at: {', '.join(told)}" if told else ""


def _named(images: list[str]) -> str:
    return f"{len(images)} images" if len(images) > 1 else images[0].partition("@")[0][:100]
