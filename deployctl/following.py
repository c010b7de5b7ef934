"""Follows a Release to its end, and leaves with the exit code that its end has."""

from __future__ import annotations

import threading
from typing import Any

import click
from rich.console import Console

from deployctl.client import Client, StreamEvent
from deployctl.exits import Exit, exit_of
from deployctl.render.documents import print_document
from deployctl.render.outcome import print_outcome
from deployctl.render.progress import make_progress


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
    news: list[StreamEvent] = []
    failure: list[BaseException] = []
    arrived, done = threading.Condition(), threading.Event()

    def read() -> None:
        try:
            for event in client.events(release_id):
                with arrived:
                    news.append(event)
                    arrived.notify()
        except Exception as error:  # noqa: BLE001 (raised again in the main thread)
            failure.append(error)
        finally:
            done.set()
            with arrived:
                arrived.notify()

    threading.Thread(target=read, daemon=True).start()
    timer = threading.Timer(timeout_seconds, lambda: _wake(arrived, over)) if timeout_seconds else None
    over = threading.Event()
    if timer:
        timer.daemon = True
        timer.start()
    with make_progress(console) as progress:
        while True:
            with arrived:
                arrived.wait_for(lambda: news or done.is_set() or over.is_set(), timeout=1.0)
                batch, news[:] = list(news), []
            for event in batch:
                progress.show(event)
            if failure:
                raise failure[0]
            if done.is_set() and not news:
                return True
            if over.is_set():
                return False


def _wake(arrived: threading.Condition, over: threading.Event) -> None:
    over.set()
    with arrived:
        arrived.notify()


def _say_how_to_go_on(release_id: str, first: str) -> None:
    click.echo(f"\n{first}", err=True)
    click.echo(f"  watch on:  deployctl logs {release_id} --follow", err=True)
    click.echo(f"  cancel:    deployctl cancel {release_id}", err=True)
