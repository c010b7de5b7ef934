"""Options that several commands have, spelt the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

app = click.option("--app", required=True, metavar="APP", help="The App, as it is registered.")
environment = click.option("--env", "environment", required=True, metavar="ENV", help="The Environment.")
ref = click.option("--ref", required=True, metavar="REF", help="A branch, a tag or a commit of the App's repository.")
output = click.option(
    "-o", "--output", "form", type=click.Choice(["text", "json", "yaml"]), default="text", show_default=True
)
url = click.option("--url", default=None, metavar="URL", help="The gateway's address, in place of DEPLOYCTL_URL.")
timeout = click.option(
    "--timeout",
    "timeout_seconds",
    type=click.FloatRange(min=1, max=86400),
    default=None,
    metavar="SECONDS",
    help="Stop watching after this time, with exit code 5. The Release goes on.",
)
wait = click.option("--wait/--no-wait", default=True, show_default=True, help="Watch it to its end.")


def local(command: F) -> F:
    """What commands that work without a gateway are told of the place that they work for."""
    for option in reversed(_LOCAL):
        command = option(command)
    return command


_FILE = click.Path(path_type=Path, dir_okay=False)
_LOCAL = (
    click.option("--env", "environment", default=None, metavar="ENV", help="The Environment that it is for."),
    click.option("--team", default=None, metavar="TEAM", help="The owning team.  [default: local]"),
    click.option(
        "--namespace", default=None, metavar="PATTERN", help="Of this App and others, such as '{app}-staging'."
    ),
    click.option(
        "--kube-version", "kubernetes_version", default=None, metavar="VERSION", help="Of the cluster, as v1.36.3."
    ),
    click.option(
        "--chart-version",
        "standard_chart",
        default=None,
        metavar="VERSION",
        help="A version or channel of the standard chart.",
    ),
    click.option(
        "--config",
        type=_FILE,
        default=None,
        help="The platform's gateway.yaml, for its real settings; no secret in it is read.  [env: DEPLOYCTL_PLATFORM]",
    ),
    click.option(
        "--facts",
        type=_FILE,
        default=None,
        help="What a cluster is like, as `deployctl cluster facts` gives it: version, APIs and schemas.",
    ),
)
