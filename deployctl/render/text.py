"""Texts from elsewhere, made safe to print, and the small forms that all output shares."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

# Escape sequences and control characters: in a commit message or a pod's log they would drive the terminal.
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-_]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def safe(text: object) -> str:
    """`text` without anything that a terminal would obey."""
    return _CONTROL.sub("", str(text)).replace("\t", "    ")


def seconds(value: float | None) -> str:
    """`0.4 s`, `12 s`, `3 min 5 s`; empty for None."""
    if value is None:
        return ""
    if value < 10:
        return f"{value:.1f} s"
    if value < 60:
        return f"{value:.0f} s"
    return f"{int(value) // 60} min {int(value) % 60} s"


def ago(text: str | None) -> str:
    """How long ago an RFC 3339 time was: `3 min ago`."""
    if not text:
        return ""
    passed = (datetime.now(UTC) - datetime.fromisoformat(text)).total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if passed >= size:
            return f"{int(passed // size)} {unit} ago"
    return f"{max(0, int(passed))} s ago"


def put(console: Console, text: Text, *, indent: int = 0) -> None:
    """Prints `text`: folded to the width of a terminal, on one line for anything that is none."""
    if console.is_terminal:
        console.print(Padding(text, (0, 0, 0, indent), expand=False))
    else:
        put_whole(console, text, indent=indent)


def put_whole(console: Console, text: Text, *, indent: int = 0) -> None:
    """Prints a line that is to be copied: a break put into it would make other YAML of it, or two commands."""
    console.print(Text(" " * indent).append_text(text), soft_wrap=True)
