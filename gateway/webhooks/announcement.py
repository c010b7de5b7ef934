"""What any forge can announce, in words of ours."""

from __future__ import annotations

from dataclasses import dataclass

from configuration.webhooks import Cause
from pipelines.apps import CommitSha


@dataclass(frozen=True, slots=True)
class Update:
    """That a branch or tag moved, or that something was merged into a branch.

    `name` is the branch or tag, `before` and `after` what it meant: empty where it was not there, or is gone.
    `commit` is what to release; None: nothing. `files` are the paths that changed; None: it is not known.
    """

    cause: Cause
    name: str
    before: str
    after: str
    commit: CommitSha | None
    files: frozenset[str] | None = None

    @property
    def ref(self) -> str:
        """Its full name, as Git has it."""
        return f"refs/{'tags' if self.cause is Cause.TAG else 'heads'}/{self.name}"


@dataclass(frozen=True, slots=True)
class Announcement:
    """One event. `repositories` are the addresses that its sender gives, `sender` who that says has pushed.

    `words` say why there is nothing to do, where there are no `updates`.
    """

    repositories: tuple[str, ...] = ()
    sender: str = ""
    updates: tuple[Update, ...] = ()
    words: str = ""


def nothing(words: str) -> Announcement:
    """An event that makes no Release, and why."""
    return Announcement(words=words)
