"""Webhooks: each makes its Releases once, however often it comes, and none after a later one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pipelines.apps import ReleaseId
from pipelines.errors import Conflict
from store.events import Notify, found
from store.locks import wait_for_place
from store.records import Delivery, NewDelivery, NewRelease, Push
from store.releases import admit, record
from store.sessions import Sessions, now
from store.tables import DeliveryRow, PushRow

LATE = timedelta(days=1)
"""How much later than its successor a push may come, and still be known as the older one."""

_MOST_STEPS = 1000


class DeliveryReused(Conflict):
    """The id of this delivery came before, with another body."""

    code = "delivery-reused"
    title = "This delivery's id belongs to another one"


class Deliveries:
    """`notify` is called with a Release's id after each commit that added an event to it."""

    def __init__(self, sessions: Sessions, notify: Notify) -> None:
        self._sessions = sessions
        self._notify = notify

    def accept(self, new: NewDelivery, wanted: Mapping[Push | None, Sequence[NewRelease]]) -> Delivery:
        """Stores the Releases in `wanted` all or none, without those whose push is outdated.

        A delivery that came before gives what came of it then. Raises `DeliveryReused` where its id came with another
        digest. One that wants nothing is not remembered, so that it may come again when it is wanted. Pushes are,
        for a while.
        """
        try:
            with self._sessions.write() as session:
                earlier = _earlier(session, new)
                if earlier is not None:
                    return earlier
                accepted, told = _accepted(session, new, wanted)
        except IntegrityError:
            # The same delivery, a moment before on another connection: what came of it is stored now.
            with self._sessions.read() as session:
                earlier = _earlier(session, new)
            if earlier is None:
                raise
            return earlier
        for id in told:
            self._notify(id)
        return accepted


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


def _accepted(
    session: Session, new: NewDelivery, wanted: Mapping[Push | None, Sequence[NewRelease]]
) -> tuple[Delivery, list[ReleaseId]]:
    """What came of it, and the Releases that have news."""
    _forget_old(session)
    for app, environment in sorted({(one.app, one.environment) for many in wanted.values() for one in many}):
        wait_for_place(session, app, environment)
    outdated = {push for push in new.pushes if _is_outdated(session, new.webhook, push)}
    _remember(session, new.webhook, new.pushes)
    admitted = [admit(session, one) for push, many in wanted.items() if push not in outdated for one in many]
    releases = tuple(release for release, _ in admitted)
    refs = tuple(sorted(push.ref for push in outdated))
    if wanted:
        session.add(
            DeliveryRow(
                digest=new.digest,
                webhook=new.webhook,
                delivery=new.id,
                releases=[release.id for release in releases],
                outdated=list(refs),
                received_at=now(),
            )
        )
    told = [id for release, superseded in admitted for id in (release.id, *superseded)]
    return Delivery(releases, refs, is_new=True), told


def _is_outdated(session: Session, webhook: str, push: Push) -> bool:
    of_ref = select(PushRow.before, PushRow.after).where(
        PushRow.webhook == webhook, PushRow.repository == push.repository, PushRow.ref == push.ref
    )
    if session.execute(of_ref.where(PushRow.before == push.after).limit(1)).first() is None:
        return False
    newest = session.execute(of_ref.order_by(PushRow.number.desc()).limit(_MOST_STEPS))
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


def _remember(session: Session, webhook: str, pushes: Iterable[Push]) -> None:
    for push in pushes:
        session.add(
            PushRow(
                webhook=webhook,
                repository=push.repository,
                ref=push.ref,
                before=push.before,
                after=push.after,
                received_at=now(),
            )
        )


def _forget_old(session: Session) -> None:
    session.execute(delete(PushRow).where(PushRow.received_at < now() - LATE))
