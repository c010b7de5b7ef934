"""Keeps the demonstration's gateway up, and says what to try."""

from __future__ import annotations

from pathlib import Path

import click

from tools.demo.site import site
from tools.demo.teams import BLOG, SHOP, push
from tools.installation import Installation
from tools.stack.processes import ended_like_ctrl_c


def serve(state: Path | None, kubeconfig: Path | None, port: int) -> None:
    """Until Ctrl-C, `dev down`, or a part that ends by itself (`ComponentFailed`)."""
    with ended_like_ctrl_c(), site(state, kubeconfig, port=port) as installation:
        push(installation, SHOP, SHOP.files(installation), "First version")
        push(installation, BLOG, BLOG.files(installation), "Our front page")
        _say_what_to_try(installation)
        try:
            installation.stack.watch()
        except KeyboardInterrupt:
            click.echo("\nending everything")


def _say_what_to_try(installation: Installation) -> None:
    repositories = installation.stack.git_root
    click.secho(f"\nThe gateway is at {installation.url}", bold=True)
    click.echo(
        f"""
In another terminal, as a developer of team shop:

  export DEPLOYCTL_URL={installation.url}
  export DEPLOYCTL_TOKEN={installation.tokens["shop"]}
  export PATH={Path(installation.deployctl).parent}:$PATH

1. Put the App checkout into staging, and look at it:

  deployctl release --app checkout --env staging --ref main
  deployctl status

2. Change it and release again: clone, edit deploy.yaml (a `latest` image is a good idea), commit, push.

  git clone {repositories}/shop/checkout.git && cd checkout

3. Try to do without the gateway, as the cluster's administrator:

  kubectl --kubeconfig {installation.stack.kubeconfig} -n checkout-staging delete deployment checkout

The other team's token, for the App frontpage: {installation.tokens["blog"]}
Pods are simulated (kwok): no container is started. Everything else is real.
Ctrl-C ends everything."""
    )
