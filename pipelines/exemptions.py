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

    def notes(self, objects: Iterable[Manifest]) -> tuple[str, ...]:
        """One line for each image of `objects` that is exempt, with the entry that says so."""
        images = dict.fromkeys(use.image for use in used_images(objects))
        by = {image: max((one for one in self.prefixes if image.startswith(one)), default="") for image in images}
        return tuple(
            f"{image[:300]}: its {self.what} is not looked at, {entry} is in {self.key} of gateway.yaml"
            for image, entry in by.items()
            if entry
        )
