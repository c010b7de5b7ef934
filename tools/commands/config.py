"""The option `--config`, and the settings that it names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from configuration.settings import Settings

option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--config",
    envvar="DEPLOY_GATEWAY_CONFIG",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="gateway.yaml; or set DEPLOY_GATEWAY_CONFIG.",
)


def read(config: Path) -> Settings:
    """The settings. Raises `InvalidConfiguration`, also for the mode of a rule that isn't there."""
    from configuration.file import load
    from pipelines.catalogue import catalogue

    return load(config, known_rules={entry.id for entry in catalogue()})
