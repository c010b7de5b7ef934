"""Bearer tokens that the command line issues: kept as digests, ended by time or by hand, never deleted."""

from __future__ import annotations

import hashlib
import secrets
import string
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, bindparam, or_, select, update

from configuration.identity import Grant, Role
from pipelines.errors import Conflict, NotFound
from store.sessions import Sessions, now
from store.tables import TokenRow, core

PREFIX = "dgw_"
"""What every token begins with, for scanners of secrets: `dgw_[0-9A-Za-z]{60}`."""

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ID, _SECRET, _CHECK = 10, 44, 6
_LAST_USE_IS_KEPT_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class NewToken:
    """What is issued: to whom, for what, and until when. `owner` is who acts by it, empty for a program."""

    name: str
    grant: Grant
    owner: str
    created_by: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token without itself: `sha256` is of its text. `last_used_at` is exact to five minutes."""

    id: str
    name: str
    sha256: str
    grant: Grant
    owner: str
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None
    revoked_by: str
    last_used_at: datetime | None


def new_text() -> str:
    """A fresh token: the prefix, ten digits that name it, 262 random bits, and a checksum over all, in base 62."""
    body = PREFIX + "".join(secrets.choice(_DIGITS) for _ in range(_ID + _SECRET))
    return body + _checksum(body)


def digest_of(text: str) -> str:
    """The sha256 that a token is known by, as 64 hex digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def id_in(text: str) -> str | None:
    """The digits that name the token `text`; None for what no gateway has issued, a misspelt one too."""
    body, check = text[:-_CHECK], text[-_CHECK:]
    has_form = text.startswith(PREFIX) and len(text) == len(PREFIX) + _ID + _SECRET + _CHECK
    return body[len(PREFIX) :][:_ID] if has_form and _checksum(body) == check else None


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode("utf-8", "surrogatepass")), ""
    for _ in range(_CHECK):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits


# Asked with each request: made once, and without the objects of the ORM.
_TOKENS = core(TokenRow)
_BY_ID = select(_TOKENS).where(_TOKENS.c.id == bindparam("wanted"))
_BY_DIGEST = select(_TOKENS).where(_TOKENS.c.sha256 == bindparam("wanted"))


class Tokens:
    """All tokens that were issued, also those that have ended."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def issue(self, new: NewToken) -> tuple[IssuedToken, str]:
        """Stores `new`, and its text: nobody can read that again. Raises `Conflict` for a name that is in use."""
        text = new_text()
        row = TokenRow(
            id=id_in(text),
            name=new.name,
            sha256=digest_of(text),
            role=new.grant.role.value,
            team=new.grant.team,
            environments=_sorted(new.grant.environments),
            apps=_sorted(new.grant.apps),
            owner=new.owner,
            created_at=now(),
            created_by=new.created_by,
            expires_at=new.expires_at,
            revoked_by="",
        )
        with self._sessions.write() as session:
            in_use = select(TokenRow.id).where(
                TokenRow.name == new.name, TokenRow.revoked_at.is_(None), TokenRow.expires_at > now()
            )
            taken = session.scalar(in_use.limit(1))
            if taken is not None:
                raise Conflict(
                    f"the token {taken} is called {new.name!r}, and in use",
                    "Choose another name: it stands beside what is done with it. Or revoke that one before",
                    where="name",
                )
            session.add(row)
            session.flush()
            return _issued(row), text

    def find(self, id: str) -> IssuedToken | None:
        """The one that `id` names, whether or not it has ended."""
        return self._one(_BY_ID, id)

    def by_digest(self, sha256: str) -> IssuedToken | None:
        """The one whose text has this sha256, whether or not it has ended."""
        return self._one(_BY_DIGEST, sha256)

    def _one(self, statement: Select[Any], wanted: str) -> IssuedToken | None:
        with self._sessions.read() as session:
            row = session.connection().execute(statement, {"wanted": wanted}).first()
            return None if row is None else _issued(row)

    def all(self, *, ended: bool = False) -> Sequence[IssuedToken]:
        """Those in use, newest first; with `ended` the others too."""
        statement = select(TokenRow).order_by(TokenRow.number.desc())
        if not ended:
            statement = statement.where(TokenRow.revoked_at.is_(None), TokenRow.expires_at > now())
        with self._sessions.read() as session:
            return [_issued(row) for row in session.scalars(statement)]

    def revoke(self, name: str, *, revoked_by: str) -> IssuedToken:
        """Ends the newest with this name or id, for good; one that is revoked stays as it is. Raises `NotFound`."""
        statement = select(TokenRow).where(or_(TokenRow.id == name, TokenRow.name == name))
        with self._sessions.write() as session:
            row = session.scalar(statement.order_by(TokenRow.number.desc()).limit(1))
            if row is None:
                raise NotFound(
                    f"no token has the name or id {name[:80]!r}",
                    "`deploy-gateway token list` shows those there are; one in gateway.yaml is ended by taking it out",
                    where="name",
                )
            if row.revoked_at is None:
                row.revoked_at, row.revoked_by = now(), revoked_by
            return _issued(row)

    def note_use(self, token: IssuedToken) -> None:
        """Keeps that it was used now, when the time that is kept is older than some minutes."""
        if token.last_used_at is not None and now() - token.last_used_at < _LAST_USE_IS_KEPT_EVERY:
            return
        with self._sessions.write() as session:
            session.execute(update(TokenRow).where(TokenRow.id == token.id).values(last_used_at=now()))


def _sorted(names: frozenset[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)


def _issued(row: TokenRow | Row[Any]) -> IssuedToken:
    environments = None if row.environments is None else frozenset(row.environments)
    apps = None if row.apps is None else frozenset(row.apps)
    return IssuedToken(
        id=row.id,
        name=row.name,
        sha256=row.sha256,
        grant=Grant(Role(row.role), row.team, environments, apps),
        owner=row.owner,
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        revoked_by=row.revoked_by,
        last_used_at=row.last_used_at,
    )
