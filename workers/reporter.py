"""Tells the store how a Pipeline goes; whoever follows the Release reads it there."""

from __future__ import annotations

from dataclasses import asdict

from pipelines.apps import ReleaseId
from pipelines.ports import Change, RolloutProgress
from pipelines.states import StageName, StageState
from store import Store


class StoreReporter:
    """Implements `pipelines.ports.Reporter`."""

    def __init__(self, store: Store, release_id: ReleaseId, holder: str) -> None:
        """What is told raises `LeaseLost` once `holder` has lost its lease, and so ends the attempt."""
        self._store = store
        self._id = release_id
        self._holder = holder

    def stage(self, name: StageName, state: StageState, detail: str = "") -> None:
        """See `pipelines.ports.Reporter.stage`."""
        self._store.releases.stage(self._id, name, state, detail, worker=self._holder)

    def log(self, stage: StageName, line: str) -> None:
        """See `pipelines.ports.Reporter.log`."""
        self._store.events.append(self._id, "log", {"stage": stage.value, "line": line}, worker=self._holder)

    def progress(self, progress: RolloutProgress) -> None:
        """See `pipelines.ports.Reporter.progress`."""
        self._store.events.append(self._id, "progress", asdict(progress), worker=self._holder)

    def changes(self, changes: tuple[Change, ...]) -> None:
        """See `pipelines.ports.Reporter.changes`."""
        self._store.releases.set_changes(self._id, changes, worker=self._holder)

    def cancelled(self) -> bool:
        """See `pipelines.ports.Reporter.cancelled`."""
        return self._store.releases.get(self._id).cancel_requested
