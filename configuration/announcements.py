"""What `webhooks` of `gateway.yaml` says: what it means, and what no schema can see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from configuration.document import Document, Location
from configuration.explanation import NONE_YET, dotted
from configuration.references import Reference
from configuration.schema import GatewayFile
from configuration.schema.webhooks import ReleaseRuleEntry, WebhookEntry
from configuration.webhooks import Cause, ReleaseRule, Webhook
from pipelines.errors import Fault
from pipelines.suggestions import did_you_mean


def webhooks(file: GatewayFile, document: Document, folder: Path) -> dict[str, Webhook]:
    """Each webhook of `file` by name. Reads no secret: the gateway does, at each delivery."""
    return {name: _webhook(name, entry, document, folder) for name, entry in file.webhooks.items()}


def _webhook(name: str, entry: WebhookEntry, document: Document, folder: Path) -> Webhook:
    secrets = tuple(
        Reference(text, folder, document.where(("webhooks", name, "secrets", index)))
        for index, text in enumerate(entry.secrets)
    )
    rules = tuple(_rule(rule) for rule in entry.releases)
    return Webhook(name, entry.forge, secrets, frozenset(entry.teams), frozenset(entry.apps), entry.per_minute, rules)


def _rule(entry: ReleaseRuleEntry) -> ReleaseRule:
    ((cause, pattern),) = _patterns(entry)
    return ReleaseRule(cause, pattern, entry.environment, frozenset(entry.apps))


def _patterns(entry: ReleaseRuleEntry) -> list[tuple[Cause, str]]:
    written = [(cause, getattr(entry, cause.value)) for cause in Cause]
    return [(cause, pattern) for cause, pattern in written if pattern is not None]


def contradictions_of_webhooks(file: GatewayFile, document: Document) -> Iterator[Fault]:
    """Every way in which a webhook names what there isn't, or a rule says nothing or two things."""
    for name, entry in file.webhooks.items():
        here: Location = ("webhooks", name)
        if not entry.teams and not entry.apps:
            reason = f"{dotted(here)} is for no App: it has neither `teams` nor `apps`"
            yield Fault(document.where(here), reason, "Say whose pushes it may announce, such as `teams: [shop]`")
        yield from _names(document, (*here, "teams"), "team", entry.teams)
        yield from _names(document, (*here, "apps"), "App", entry.apps)
        for index, rule in enumerate(entry.releases):
            yield from _contradictions_of_rule(file, document, (*here, "releases", index), rule)


def _contradictions_of_rule(
    file: GatewayFile, document: Document, here: Location, rule: ReleaseRuleEntry
) -> Iterator[Fault]:
    if len(_patterns(rule)) != 1:
        keys = ", ".join(cause.value for cause in Cause)
        reason = f"{dotted(here)} needs exactly one of {keys}"
        yield Fault(document.where(here), reason, "Write two rules for two causes")
    yield from _names(document, (*here, "apps"), "App", rule.apps)
    known = document.value.get("environments")
    if rule.environment not in known:
        location: Location = (*here, "environment")
        reason = f"{dotted(location)}: there is no Environment {rule.environment!r}"
        yield Fault(document.where(location), reason, did_you_mean(rule.environment, known, if_none=NONE_YET))


def _names(document: Document, location: Location, kind: str, names: list[str]) -> Iterator[Fault]:
    section = document.value.get(f"{kind.lower()}s")
    known = section if isinstance(section, dict) else {}
    for index, name in enumerate(names):
        if name not in known:
            place: Location = (*location, index)
            reason = f"{dotted(place)}: there is no {kind} {name!r}"
            yield Fault(document.where(place), reason, did_you_mean(name, known, if_none=NONE_YET))
