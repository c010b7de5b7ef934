"""Tells on screen what is happening, and how long it took."""

from __future__ import annotations

import shlex
import time

import click


class Narrator:
    """Prints to standard output; colours only where that is a terminal (click sees to it)."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def act(self, number: int, of: int, title: str, story: str) -> None:
        """Begins an act."""
        elapsed = time.monotonic() - self._started
        click.echo()
        click.secho(f"── Act {number} of {of} · {title} ", bold=True, fg="cyan", nl=False)
        click.secho(f"({elapsed:.0f} s in)", dim=True)
        click.echo(f"   {story}\n")

    def say(self, text: str) -> None:
        """One sentence."""
        click.echo(f"   {text}")

    def show_file(self, name: str, content: str) -> None:
        """What a team wrote."""
        click.secho(f"   {name}", dim=True)
        for line in content.rstrip().splitlines():
            click.secho(f"   │ {line}", dim=True)
        click.echo()

    def command(self, *words: str) -> None:
        """What is run now; its own output follows."""
        click.secho(f"$ {shlex.join(words)}", bold=True)

    def output(self, text: str) -> None:
        """What a command said that was not shown while it ran."""
        click.echo(text)

    def verified(self, claim: str) -> None:
        """Something that the API server, or the gateway's, answered just now."""
        click.secho(f"   ✓ verified: {claim}", fg="green")

    def end(self, acts: int, *, is_simulated: bool) -> None:
        """The end; `is_simulated` says that no kubelet runs the pods."""
        elapsed = time.monotonic() - self._started
        click.echo()
        click.secho(f"All {acts} acts were shown and verified against the API server in {elapsed:.0f} s.", bold=True)
        click.echo("Real: the Kubernetes control plane, Helm, kube-score, Git, Redis, the registry, the gateway.")
        if is_simulated:
            click.echo("Simulated: the kubelet (kwok). No container was started.")
