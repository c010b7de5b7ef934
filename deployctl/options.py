"""Options that several commands have, spelt the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
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
