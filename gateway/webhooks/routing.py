"""Which Apps an announcement is about, and where each goes: by what the platform registered, never by what it says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from configuration.settings import Settings
from configuration.webhooks import Cause, ReleaseRule, Webhook
from gateway.patterns import fits, holds
from gateway.webhooks.announcement import Announcement, Update
from pipelines.apps import App, Environment, host_of


@dataclass(frozen=True, slots=True)
class Target:
    """One Release to make."""

    app: App
    environment: Environment
    update: Update


def apps_of(settings: Settings, webhook: Webhook, repositories: Iterable[str]) -> list[App]:
    """The Apps that `webhook` may announce, of the first of `repositories` that any is registered with; by name."""
    for wanted in map(identity, repositories):
        found = [
            app
            for app in settings.apps.values()
            if identity(app.repository) == wanted and (app.name in webhook.apps or app.team in webhook.teams)
        ]
        if found:
            return sorted(found, key=lambda app: app.name)
    return []


def targets(settings: Settings, webhook: Webhook, apps: Iterable[App], announcement: Announcement) -> list[Target]:
    """The Releases to make, one at most for each App and Environment, by name: of several updates the last."""
    found: dict[tuple[str, str], Target] = {}
    for update in announcement.updates:
        for app in apps:
            for rule in _rules(webhook, app, update):
                target = Target(app, settings.environment(rule.environment), update)
                found[app.name, rule.environment] = target
    return [target for _, target in sorted(found.items(), key=lambda item: item[0])]


def _rules(webhook: Webhook, app: App, update: Update) -> Iterator[ReleaseRule]:
    if update.commit is None or not _is_touched(app, update):
        return
    for rule in webhook.rules:
        if rule.cause is update.cause and fits(rule.pattern, update.name) and (not rule.apps or app.name in rule.apps):
            yield rule


def _is_touched(app: App, update: Update) -> bool:
    """Whether a file of `app` changed, or may have. A tag is put on a whole tree: it touches every App."""
    if update.files is None or update.cause is Cause.TAG:
        return True
    patterns = app.paths or _own_folder(app)
    return not patterns or any(holds(pattern, path) for pattern in patterns for path in update.files)


def _own_folder(app: App) -> tuple[str, ...]:
    folder = str(PurePosixPath(app.deploy_file).parent)
    return () if folder == "." else (folder,)


@lru_cache(maxsize=8192)
def identity(address: str) -> str:
    """What is the same in every address of one repository; empty for an address that is none."""
    try:
        path, host = urlsplit(address).path, host_of(address)
    except ValueError:
        return ""
    return f"{host}{path.rstrip('/').removesuffix('.git')}".casefold()
