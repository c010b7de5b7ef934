"""Where an App goes, as the platform has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.apps import App, Environment


@dataclass(frozen=True, slots=True)
class Place:
    """Where it goes, as the platform has it.

    `namespaces` maps each App to its namespace in this Environment; `smoke_image` has curl and sh.
    """

    app: App
    environment: Environment
    namespaces: Mapping[str, str]
    registries: tuple[str, ...]
    standard_chart: Path
    smoke_image: str | None = None

    @property
    def namespace(self) -> str:
        return self.environment.namespace_of(self.app)
