"""Folders that people name: what is in them, and nothing that is elsewhere."""

from __future__ import annotations

from pathlib import Path

from deployctl.local import from_here
from pipelines.errors import UnsafeCheckout


def entries_below(folder: Path) -> list[Path]:
    """Everything below `folder`, in order; what a link in it leads to is not. See `insist_on_no_link`."""
    return sorted(folder.rglob("*"))


def insist_on_no_link(path: Path) -> None:
    """Raises `UnsafeCheckout` where `path` is a symbolic link, and so could be any file of this machine."""
    if path.is_symlink():
        name = from_here(path)
        reason = f"{name} is a symbolic link, and links in a folder are not followed"
        raise UnsafeCheckout(reason, "Put the file itself, or the folder, in its place", where=name)
