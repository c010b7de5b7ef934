"""Keeps the demonstration's gateway up, and says what to try."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection
from pathlib import Path

import click

from tools.demo.site import site
from tools.demo.teams import BLOG, SANDBOX, SHOP, push
from tools.installation import Installation
from tools.stack.processes import ended_like_ctrl_c
from tools.toolbox import ensure

_SIMULATED = "Pods are simulated (kwok): no container is started. Everything else is real."
_OWN_CLUSTER = "The demonstration's images hold no program: use one of yours to see an App become healthy."


def serve(state: Path | None, kubeconfig: Path | None, port: int, registries: Collection[str] = ()) -> None:
    """Until Ctrl-C, `dev down`, or a part that ends by itself (`ComponentFailed`)."""
    with ended_like_ctrl_c(), site(state, kubeconfig, port=port, registries=registries) as installation:
        push(installation, SHOP, SHOP.files(installation), "First version")
        push(installation, BLOG, BLOG.files(installation), "Our front page")
        push(installation, SANDBOX, {"README": "Whatever you want to try.\n"}, "An empty sandbox")
        _say_what_to_try(installation, is_simulated=kubeconfig is None)
        try:
            installation.stack.watch()
        except KeyboardInterrupt:
            click.echo("\nending everything")


def _say_what_to_try(installation: Installation, *, is_simulated: bool) -> None:
    file = {name: _environment_file(installation, name) for name in installation.tokens}["shop"]
    click.secho(f"\nThe gateway is at {installation.url}, for a browser too", bold=True)
    click.echo(
        f"""A token of team shop: {installation.tokens["shop"]}

Three things to try, in another terminal. This file has the address, the token and the programs:

  source {file}

1. Put the App checkout into staging, and see what runs:

  deployctl release --app checkout --env staging --ref main
  deployctl status

2. Break it, and read what you are told. Write an image with the tag `latest`, commit, push, release again:

  git clone "$REPOSITORIES/shop/checkout.git" && cd checkout

3. Try to do without the gateway, as the cluster's administrator:

  kubectl --namespace checkout-staging delete deployment checkout

Beside it are those of the other team, and of other roles: blog.env, on-call.env, platform.env.
{_SIMULATED if is_simulated else _OWN_CLUSTER}
What you push is gone with it: Ctrl-C here, or `make down`, ends everything."""
    )


def _environment_file(installation: Installation, holder: str) -> Path:
    """A file that a shell reads: who one is, where the gateway is, and the programs that are needed."""
    programs = {str(path.parent): None for path in ensure(["kubectl", "helm"]).values()}
    path = os.pathsep.join([str(Path(installation.deployctl).parent), *programs])
    values = {
        "DEPLOYCTL_URL": installation.url,
        "DEPLOYCTL_TOKEN": installation.tokens[holder],
        "REPOSITORIES": str(installation.stack.git_root),
        "REGISTRY": installation.registry,
        "KUBECONFIG": str(installation.stack.kubeconfig),
        "DEPLOY_GATEWAY_CONFIG": str(installation.config),
    }
    lines = [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
    file = installation.stack.state / f"{holder}.env"
    file.touch(mode=0o600)
    file.write_text("\n".join([*lines, f'export PATH={shlex.quote(path)}:"$PATH"', ""]))
    return file
