"""How a Release ended, on one screen."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from deployctl.render.findings import print_findings
from deployctl.render.text import put, safe

_HEADS = {
    "deployed": ("✓ deployed", "green bold"),
    "planned": ("✓ planned: nothing was changed", "green bold"),
    "blocked": ("✗ blocked: nothing was deployed", "red bold"),
    "failed": ("✗ failed", "red bold"),
    "rolled_back": ("↩ rolled back", "yellow bold"),
    "superseded": ("→ superseded", "yellow bold"),
    "cancelled": ("- cancelled", "yellow bold"),
    "rejected": ("✗ rejected", "red bold"),
}


def print_outcome(console: Console, release: dict[str, Any]) -> None:
    """State, place, commit, and what is wrong or what to do, where something is."""
    state = release["state"]
    if state in ("blocked", "planned") or any(not one["blocks"] for one in release["findings"]):
        print_findings(console, release["findings"])
    if state == "planned":
        print_changes(console, release["changes"])
    head, style = _HEADS.get(state, (state, "bold"))
    commit = f" {release['commit'][:8]}" if release["commit"] else ""
    subject = f" {safe(release['commit_subject'])}" if release["commit_subject"] else ""
    console.print()
    console.print(
        Text(head, style=style).append(
            f"  {release['app']} → {release['environment']}{commit}{subject}", style="default"
        ),
        soft_wrap=True,
    )
    if release["message"] and state != "blocked":
        put(console, Text(safe(release["message"])), indent=2)
    if state == "blocked":
        put(console, Text(f"{safe(release['message'])}. Correct it, push, and release again."), indent=2)
    chart = f", rendered by {safe(release['chart'])}" if release.get("chart") else ""
    put(console, Text(f"release {release['id']}{chart}", style="dim"), indent=2)


def print_changes(console: Console, changes: list[dict[str, Any]]) -> None:
    """Each object that would change, with its diff; those that stay as they are in one line."""
    for change in changes:
        if change["action"] == "none":
            continue
        console.print(Text(f"\n{change['action']} {safe(change['resource'])}", style="bold"))
        for number, line in enumerate(change["diff"].splitlines()):
            style = "dim" if number < _HEADER_LINES else _DIFF_STYLES.get(line[:1], "")
            console.print(Text(f"  {safe(line)}", style=style), soft_wrap=True)
    same = sum(1 for change in changes if change["action"] == "none")
    if same:
        stay = "1 object stays as it is" if same == 1 else f"{same} objects stay as they are"
        console.print(Text(f"\n{stay}", style="dim"))


_HEADER_LINES = 2
_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}
