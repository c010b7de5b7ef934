"""What a Dockerfile says of the image that it builds: port, user, health path. A look, not a build."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

_LARGEST_BYTES = 256 * 1024
_URL_PATH = re.compile(r"https?://[^/\s\"']+(/[A-Za-z0-9._~/%-]*)")


@dataclass(frozen=True, slots=True)
class Image:
    """Of the last stage; None where it doesn't say, or says it by a variable. `user` may have a group: `app:app`."""

    port: int | None = None
    user: str | None = None
    health_path: str | None = None

    @property
    def runs_as_root(self) -> bool:
        """Whether nothing there keeps it from being root."""
        return self.user is None or self.user.split(":")[0] in ("root", "0")


def look(path: Path) -> Image | None:
    """What the file at `path` says; None when it can't be read as a Dockerfile."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    if len(content) > _LARGEST_BYTES:
        return None
    stages: dict[str, Image] = {}
    image, name, has_stage = Image(), "", False
    for instruction, text in _instructions(content.decode("utf-8", "replace")):
        if instruction == "FROM":
            words = [word for word in text.split() if not word.startswith("--")]
            # A stage that goes on from an earlier one has what that one said.
            image = stages.get(words[0].lower(), Image()) if words else Image()
            name = words[2].lower() if len(words) > 2 and words[1].upper() == "AS" else ""
            has_stage = True
        else:
            image = _with(image, instruction, text)
        stages[name] = image
    return image if has_stage else None


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    """Each instruction in capitals, and its text on one line."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    for line in re.sub(r"[\\`]\s*\n", " ", "\n".join(lines)).splitlines():
        instruction, _, rest = line.strip().partition(" ")
        yield instruction.upper(), rest.strip()


def _with(image: Image, instruction: str, text: str) -> Image:
    if instruction == "EXPOSE":
        match = re.match(r"(\d{1,5})(/tcp)?(\s|$)", text)
        return replace(image, port=int(match.group(1))) if match and image.port is None else image
    if instruction == "USER":
        return replace(image, user=text or None)
    if instruction == "HEALTHCHECK":
        match = _URL_PATH.search(text)
        return replace(image, health_path=match.group(1) if match else None)
    return image
