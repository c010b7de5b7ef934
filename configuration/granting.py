"""Reads who may do what, and what in it does not fit the rest of `gateway.yaml`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from configuration.document import Document, Location
from configuration.explanation import dotted, unknown
from configuration.identity import TEAMLESS, ClaimRule, Grant, Issuer, Role, SignIn, Token
from configuration.references import Reference
from configuration.schema import GatewayFile
from configuration.schema.identity import GrantEntry
from pipelines.errors import Fault

_WHOSE = (
    *("sub", "repository", "repository_id", "repository_owner", "repository_owner_id"),
    *("project_path", "project_id", "namespace_path", "namespace_id"),
)
"""The claims of GitHub and GitLab that say whose repository a job is of."""
_EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def tokens(file: GatewayFile) -> tuple[Token, ...]:
    """Those that the file names."""
    return tuple(
        Token(
            entry.name,
            entry.sha256,
            grant(entry),
            date.fromisoformat(entry.last_day) if entry.last_day else None,
            entry.owner.strip(),
        )
        for entry in file.tokens
    )


def issuers(file: GatewayFile) -> tuple[Issuer, ...]:
    """The identity providers of CI systems."""
    return tuple(
        Issuer(
            name,
            entry.url,
            entry.audience.strip() or file.public_url.rstrip("/"),
            tuple(entry.algorithms),
            tuple(ClaimRule(dict(rule.claims), grant(rule)) for rule in entry.rules),
            entry.person or "",
        )
        for name, entry in file.issuers.items()
    )


def sign_in(file: GatewayFile, document: Document, folder: Path) -> SignIn | None:
    """Where people sign in. Reads no secret: the gateway does, at each sign-in."""
    entry = file.sign_in
    if entry is None:
        return None
    secret = entry.client_secret
    return SignIn(
        issuer=entry.issuer,
        client_id=entry.client_id,
        client_secret=Reference(secret, folder, document.where(("sign_in", "client_secret"))) if secret else None,
        device_client_id=entry.device_client_id or "",
        algorithms=tuple(entry.algorithms),
        scopes=tuple(entry.scopes),
        name=entry.name,
        label=entry.label,
        rules=tuple(ClaimRule(dict(rule.claims), grant(rule)) for rule in entry.roles),
    )


def grant(entry: GrantEntry) -> Grant:
    """What `entry` allows."""
    return Grant(
        entry.role,
        entry.team or "",
        None if entry.environments is None else frozenset(entry.environments),
        None if entry.apps is None else frozenset(entry.apps),
    )


def contradictions_of_identity(file: GatewayFile, document: Document) -> Iterator[Fault]:
    """Names that are none, and tokens that can't be told apart."""
    yield from _contradictions_of_issuers(file, document)
    for index, rule in enumerate(file.sign_in.roles if file.sign_in is not None else ()):
        yield from contradictions_of_grant(file, document, ("sign_in", "roles", index), rule)
    names: dict[str, int] = {}
    digests: dict[str, int] = {}
    for index, token in enumerate(file.tokens):
        yield from contradictions_of_grant(file, document, ("tokens", index), token, f" ({token.name})")
        first = names.setdefault(token.name, index)
        if first != index:
            location: Location = ("tokens", index, "name")
            reason = f"{dotted(location)}: {token.name!r} is the name of tokens[{first}] already"
            yield Fault(document.where(location), reason, "Give each token a name of its own: it stands in the audit")
        first = digests.setdefault(token.sha256, index)
        location = ("tokens", index, "sha256")
        make_one = "Make one with `deploy-gateway token create --print-entry`"
        if first != index:
            reason = f"{dotted(location)} is the same as that of tokens[{first}]"
            yield Fault(document.where(location), reason, make_one)
        if token.sha256 == _EMPTY_SHA256:
            yield Fault(document.where(location), f"{dotted(location)} is the sha256 of an empty text", make_one)


def _contradictions_of_issuers(file: GatewayFile, document: Document) -> Iterator[Fault]:
    urls: dict[str, str] = {}
    for name, entry in file.issuers.items():
        first = urls.setdefault(entry.url, name)
        if first != name:
            location: Location = ("issuers", name, "url")
            reason = f"{dotted(location)} is the one of issuers.{first} already"
            yield Fault(document.where(location), reason, "Write all its rules under one of the two")
        for index, rule in enumerate(entry.rules):
            here: Location = ("issuers", name, "rules", index)
            yield from contradictions_of_grant(file, document, here, rule)
            if not any(rule.claims.get(claim, "*")[:1] not in ("*", "") for claim in _WHOSE):
                known = ", ".join(_WHOSE)
                reason = f"{dotted((*here, 'claims'))} fits jobs of any repository that its provider has"
                solution = f"Add one of {known}, beginning with a text: everybody may have a repository there"
                yield Fault(document.where((*here, "claims")), reason, solution)


def contradictions_of_grant(
    file: GatewayFile, document: Document, location: Location, entry: GrantEntry, called: str = ""
) -> Iterator[Fault]:
    """What of one role can't be: a team, App or Environment that is none, or a reach that it can't have."""
    if entry.team is None and entry.role not in TEAMLESS:
        reason = f"{dotted(location)}{called} has the role {entry.role} and no team"
        yield Fault(document.where(location), reason, "Add `team:`; only platform-admin and measurer go without")
    if entry.team is not None:
        yield from unknown(document, (*location, "team"), "team", "teams", entry.team)
    for name in entry.environments or ():
        yield from unknown(document, (*location, "environments"), "Environment", "environments", name)
    for name in entry.apps or ():
        yield from unknown(document, (*location, "apps"), "App", "apps", name)
        app = file.apps.get(name)
        if app is not None and entry.team not in (None, app.team):
            reason = f"{dotted((*location, 'apps'))}: the App {name!r} is team {app.team}'s, not {entry.team}'s"
            yield Fault(document.where((*location, "apps")), reason, f"Write `team: {app.team}`, or leave it out here")
    if entry.role is Role.MEASURER and (entry.environments or entry.apps):
        reason = f"{dotted(location)}: a measurer hands in what was measured of clusters, whatever is in them"
        yield Fault(document.where(location), reason, "Leave `environments` and `apps` out")
