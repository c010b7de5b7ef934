"""Webhooks: each makes its Releases once, however often it comes, and none after a later one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, and_, bindparam, delete, insert, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pipelines.apps import ReleaseId
from pipelines.errors import Conflict
from store.admission import admit
from store.events import Notify, found
from store.locks import wait_for_place
from store.records import Delivery, NewDelivery, NewRelease, Push
from store.releases import record
from store.sessions import Sessions, now
from store.tables import DeliveryRow, PushRow, core
from store.together import Together

LATE = timedelta(days=1)
"""How much later than its successor a push may come, and still be known as the older one."""

_LOOKS = timedelta(minutes=1)
"""How often each process looks for pushes that are too old."""

_MOST_STEPS = 1000
_DELIVERIES, _PUSHES = core(DeliveryRow), core(PushRow)
_STEPS = select(_PUSHES.c.before, _PUSHES.c.after).where(
    _PUSHES.c.webhook == bindparam("webhook"),
    _PUSHES.c.repository == bindparam("repository"),
    _PUSHES.c.ref == bindparam("ref"),
)
_SUCCESSOR = _STEPS.where(_PUSHES.c.before == bindparam("before")).limit(1)
_NEWEST_STEPS = _STEPS.order_by(_PUSHES.c.number.desc()).limit(_MOST_STEPS)
_INSERT_DELIVERY, _INSERT_PUSHES = insert(_DELIVERIES), insert(_PUSHES)


_Outcome = tuple[Delivery, list[ReleaseId]]
"""What came of a delivery, and the Releases that have news."""

_Work = Callable[[Connection], _Outcome]


class DeliveryReused(Conflict):
    """The id of this delivery came before, with another body."""

    code = "delivery-reused"
    title = "This delivery's id belongs to another one"


class Deliveries:
    """`notify` is called with the ids after each commit that added events to Releases."""

    def __init__(self, sessions: Sessions, notify: Notify) -> None:
        self._sessions = sessions
        self._notify = notify
        self._next_look = datetime.min.replace(tzinfo=UTC)
        # SQLite has one writer at a time: those that would wait share its transaction. PostgreSQL has many.
        is_alone = sessions.engine.dialect.name == "sqlite"
        together = Together[_Work, _Outcome](sessions.write_each)
        self._write: Callable[[_Work], _Outcome] = together if is_alone else self._write_one

    def accept(self, new: NewDelivery, wanted: Mapping[Push | None, Sequence[NewRelease]]) -> Delivery:
        """Stores the Releases in `wanted` all or none, without those whose push is outdated.

        A delivery that came before gives what came of it then. Raises `DeliveryReused` where its id came with another
        digest. One that wants nothing is not remembered, so that it may come again when it is wanted. Pushes are,
        for a while.
        """
        # One that wants something is found to be known when it is stored: looking first is not free.
        earlier = None if wanted else self._earlier(new)
        if earlier is not None:
            return earlier
        try:
            accepted, told = self._write(lambda connection: self._accepted(connection, new, wanted))
        except IntegrityError:
            earlier = self._earlier(new)
            if earlier is None:
                raise
            return earlier
        self._notify(*told)
        return accepted

    def _write_one(self, work: _Work) -> _Outcome:
        with self._sessions.write() as session:
            return work(session.connection())

    def _earlier(self, new: NewDelivery) -> Delivery | None:
        with self._sessions.read() as session:
            return _earlier(session, new)

    def _accepted(
        self, connection: Connection, new: NewDelivery, wanted: Mapping[Push | None, Sequence[NewRelease]]
    ) -> _Outcome:
        at = now()
        if self._next_look <= at:
            connection.execute(delete(_PUSHES).where(_PUSHES.c.received_at < at - LATE))
            self._next_look = at + _LOOKS
        return _accepted(connection, new, wanted)


def _earlier(session: Session, new: NewDelivery) -> Delivery | None:
    same = DeliveryRow.digest == new.digest
    if new.id is not None:
        same = or_(same, and_(DeliveryRow.webhook == new.webhook, DeliveryRow.delivery == new.id))
    rows = session.scalars(select(DeliveryRow).where(same)).all()
    for row in rows:
        if row.digest == new.digest:
            releases = tuple(record(found(session, ReleaseId(id))) for id in row.releases)
            return Delivery(releases, tuple(row.outdated), is_new=False)
    if rows:
        raise DeliveryReused(
            f"the delivery {new.id!r} came before, with another body",
            "Have the forge deliver it again as it was; a new event has an id of its own",
        )
    return None


def _accepted(connection: Connection, new: NewDelivery, wanted: Mapping[Push | None, Sequence[NewRelease]]) -> _Outcome:
    for app, environment in sorted({(one.app, one.environment) for many in wanted.values() for one in many}):
        wait_for_place(connection, app, environment)
    outdated = {push for push in new.pushes if _is_outdated(connection, new.webhook, push)}
    _remember(connection, new.webhook, new.pushes)
    admitted = [admit(connection, one) for push, many in wanted.items() if push not in outdated for one in many]
    releases = tuple(release for release, _ in admitted)
    refs = tuple(sorted(push.ref for push in outdated))
    if wanted:
        columns = {"digest": new.digest, "webhook": new.webhook, "delivery": new.id, "received_at": now()}
        outcome = {"releases": [release.id for release in releases], "outdated": list(refs)}
        connection.execute(_INSERT_DELIVERY, {**columns, **outcome})
    told = [id for release, superseded in admitted for id in (release.id, *superseded)]
    return Delivery(releases, refs, is_new=True), told


def _is_outdated(connection: Connection, webhook: str, push: Push) -> bool:
    of_ref = {"webhook": webhook, "repository": push.repository, "ref": push.ref}
    if connection.execute(_SUCCESSOR, {**of_ref, "before": push.after}).first() is None:
        return False
    newest = connection.execute(_NEWEST_STEPS, of_ref)
    return is_late(push.before, push.after, [(before, after) for before, after in newest])


def is_late(before: str, after: str, known: Iterable[tuple[str, str]]) -> bool:
    """Whether a push from `before` to `after` comes later than one of the `known` that goes on from there.

    Not when what is known leads from that one to where this one begins: then the ref has gone back.
    """
    steps: dict[str, set[str]] = {}
    for start, end in known:
        steps.setdefault(start, set()).add(end)
    return any(before not in _reachable(steps, end) for end in steps.get(after, ()))


def _reachable(steps: Mapping[str, Iterable[str]], start: str) -> set[str]:
    seen, waiting = {start}, [start]
    while waiting:
        new = set(steps.get(waiting.pop(), ())) - seen
        seen |= new
        waiting += new
    return seen


def _remember(connection: Connection, webhook: str, pushes: Iterable[Push]) -> None:
    rows = [{"webhook": webhook, **asdict(push), "received_at": now()} for push in pushes]
    if rows:
        connection.execute(_INSERT_PUSHES, rows)
