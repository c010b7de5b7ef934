"""`tools install`: finds or builds the pinned Go tools."""

from __future__ import annotations

import click


@click.group()
def tools() -> None:
    """The pinned programs that the gateway calls: helm, kube-score, and a control plane to try it on."""


@tools.command()
@click.argument("names", nargs=-1)
def install(names: tuple[str, ...]) -> None:
    """Finds each tool on PATH in a fitting version, or builds it once into the cache."""
    from tools.toolbox import ensure

    found = ensure(names or None, progress=click.echo)
    for name, path in sorted(found.items()):
        click.echo(f"{name:<26}{path}")
