"""Where an App goes, as the platform has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
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

    def in_namespace(self, name: str) -> Place:
        """The same place, but for the App's namespace, which is called `name`."""
        return replace(self, environment=self.environment.in_namespace(name))
