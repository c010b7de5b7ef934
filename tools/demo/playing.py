"""Plays the five acts."""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import GatewayError
from tools.demo.acts import ACTS, ActFailed
from tools.demo.narrator import Narrator
from tools.demo.site import site
from tools.stack.processes import ended_like_ctrl_c


class DemoFailed(GatewayError):
    """An act did not go as it should."""

    code = "demo-failed"
    title = "The demonstration failed"


def play(state: Path | None, kubeconfig: Path | None) -> None:
    """All acts in order. Raises `DemoFailed` at the first that the API server doesn't confirm."""
    narrator = Narrator()
    narrator.say("Setting up: a control plane, Redis, a Git server, a registry, and the gateway.")
    with ended_like_ctrl_c(), site(state, kubeconfig) as installation:
        for number, act in enumerate(ACTS, start=1):
            narrator.act(number, len(ACTS), act.title, act.story)
            try:
                act.play(installation, narrator)
            except ActFailed as error:
                raise DemoFailed(
                    f"act {number}: {error}", f"Look at the logs in {installation.stack.logs}", where=act.title
                ) from error
        narrator.end(len(ACTS), is_simulated=kubeconfig is None)
