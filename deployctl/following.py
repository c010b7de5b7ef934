"""Follows a Release to its end, and leaves with the exit code that its end has."""

from __future__ import annotations

import math
import threading
import time
from queue import Empty, Queue
from typing import Any

import click
from rich.console import Console

from deployctl.client import Client, StreamEvent
from deployctl.exits import Exit, exit_of
from deployctl.render.documents import print_document
from deployctl.render.outcome import print_outcome
from deployctl.render.progress import make_progress

# A wait has to have an end, and Ctrl-C interrupts it at any time.
_LONGEST_WAIT_SECONDS = 60.0


def after_acceptance(
    client: Client, accepted: dict[str, Any], form: str, *, wait: bool, timeout_seconds: float | None
) -> None:
    """Follows a Release that was just accepted, or only says how to."""
    if wait:
        follow(client, accepted, form, timeout_seconds)
    elif form == "text":
        click.echo(f"accepted: release {accepted['id']}\nwatch it:  deployctl logs {accepted['id']} --follow")
    else:
        print_document(accepted, form)


def follow(client: Client, release: dict[str, Any], form: str, timeout_seconds: float | None) -> None:
    """Shows `release` until it ends, then how it ended. Always raises click's Exit."""
    console = Console(stderr=form != "text", highlight=False)
    try:
        ended = _watch(client, release["id"], console, timeout_seconds)
    except KeyboardInterrupt:
        _say_how_to_go_on(release["id"], "No longer watching; the Release goes on.")
        raise click.exceptions.Exit(130) from None
    if not ended:
        _say_how_to_go_on(release["id"], f"Not done after {timeout_seconds:.0f} s; the Release goes on.")
        raise click.exceptions.Exit(Exit.GAVE_UP_WAITING)
    final = client.get(f"/api/v1/releases/{release['id']}")
    if form == "text":
        print_outcome(console, final)
    else:
        print_document(final, form)
    raise click.exceptions.Exit(exit_of(final["state"], final["code"]))


def _watch(client: Client, release_id: str, console: Console, timeout_seconds: float | None) -> bool:
    """True when the Release has ended, False when the time was over before. Raises what the client raises."""
    deadline = time.monotonic() + (timeout_seconds or math.inf)
    news: Queue[StreamEvent | Exception | None] = Queue()
    # Beside, since a read can't be given up at a moment of our choice.
    threading.Thread(target=_read, args=(client, release_id, news), daemon=True).start()
    with make_progress(console) as progress:
        while True:
            try:
                one = news.get(timeout=min(_LONGEST_WAIT_SECONDS, max(0.0, deadline - time.monotonic())))
            except Empty:
                if time.monotonic() >= deadline:
                    return False
                continue
            if one is None:
                return True
            if isinstance(one, Exception):
                raise one
            progress.show(one)


def _read(client: Client, release_id: str, news: Queue[StreamEvent | Exception | None]) -> None:
    """Puts each event into `news`, and at the end None or what went wrong."""
    try:
        for event in client.events(release_id):
            news.put(event)
    except Exception as error:  # noqa: BLE001 (raised again in the main thread)
        news.put(error)
    else:
        news.put(None)


def _say_how_to_go_on(release_id: str, first: str) -> None:
    click.echo(f"\n{first}", err=True)
    click.echo(f"  watch on:  deployctl logs {release_id} --follow", err=True)
    click.echo(f"  cancel:    deployctl cancel {release_id}", err=True)
