"""The demonstration's gateway: who is registered, who has a token, and what is in the registry."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from configuration.identity import Role
from tools.demo.teams import IMAGES, SANDBOX, TEAMS
from tools.installation import Holder, Installation, Registered, install
from tools.stack import INFRASTRUCTURE, Stack
from tools.stack.images import push_image
from tools.toolbox import ensure

HOLDERS = (
    *(Holder(team.name, Role.DEVELOPER, team.name) for team in TEAMS),
    Holder("on-call", Role.ON_CALL, "shop"),
    Holder("platform", Role.PLATFORM_ADMIN),
)
_ROLLOUT_SECONDS = 10
# Where a kubelet pulls images.
_PULL_AND_ROLLOUT_SECONDS = 40


@contextmanager
def site(
    state: Path | None, kubeconfig: Path | None, *, port: int | None = None, registries: Collection[str] = ()
) -> Iterator[Installation]:
    """A running gateway with both teams and the sandbox registered; everything ends with the block.

    `registries` are prefixes that images may come from beside the embedded registry.
    """
    _build_tools()
    with Stack.up(state, components=INFRASTRUCTURE, kubeconfig=kubeconfig, progress=_say) as stack:
        apps = tuple(Registered(team.app, team.name) for team in (*TEAMS, SANDBOX))
        seconds = _ROLLOUT_SECONDS if kubeconfig is None else _PULL_AND_ROLLOUT_SECONDS
        installation = install(stack, apps, HOLDERS, port=port, rollout_timeout_seconds=seconds, registries=registries)
        for image in IMAGES:
            push_image(stack.registry, image)
        yield installation


def _build_tools() -> None:
    """Says so before it takes minutes, once."""
    ensure(progress=_say)


def _say(line: str) -> None:
    click.secho(f"   {line}", dim=True)
    sys.stdout.flush()
