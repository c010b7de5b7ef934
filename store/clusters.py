"""What deploy workers say of their clusters, so that check workers need not ask the clusters."""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import select, update

from pipelines.apps import ClusterName
from pipelines.ports import ClusterFacts
from store.sessions import Sessions, now
from store.tables import ClusterRow


class Clusters:
    """Facts by cluster, compressed: the schemas of a cluster with a mesh are some MiB of JSON."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._last: dict[str, tuple[str, ClusterFacts]] = {}

    def publish(self, name: ClusterName, facts: ClusterFacts) -> None:
        """Stores `facts` in place of what was known of the cluster."""
        known = self._last.get(name)
        digest = known[0] if known is not None and known[1] is facts else hashlib.sha256(_document(facts)).hexdigest()
        with self._sessions.write() as session:
            row = session.get(ClusterRow, name, with_for_update=True)
            if row is None:
                row = ClusterRow(name=name, digest="", facts=b"", seen_at=now())
                session.add(row)
            row.seen_at = now()
            if row.digest != digest:
                row.digest, row.facts = digest, zlib.compress(_document(facts), level=3)
        self._last[name] = (digest, facts)

    def seen(self, name: ClusterName) -> None:
        """Notes that a deploy worker of the cluster lives, also while it has no time to look at the cluster."""
        with self._sessions.write() as session:
            session.execute(update(ClusterRow).where(ClusterRow.name == name).values(seen_at=now()))

    def seen_at(self, name: ClusterName) -> datetime | None:
        """When a deploy worker of the cluster last told of itself; None when none ever has."""
        with self._sessions.read() as session:
            return session.scalar(select(ClusterRow.seen_at).where(ClusterRow.name == name))

    def document(self, name: ClusterName) -> tuple[str, bytes] | None:
        """What was last published as JSON, in zlib's form as it is kept, behind the SHA-256 of the JSON; or None."""
        with self._sessions.read() as session:
            row = session.execute(select(ClusterRow.digest, ClusterRow.facts).where(ClusterRow.name == name)).first()
        return (row.digest, row.facts) if row is not None else None

    def facts(self, name: ClusterName) -> ClusterFacts | None:
        """What was last published, or None. The same object until something else is published."""
        with self._sessions.read() as session:
            digest = session.scalar(select(ClusterRow.digest).where(ClusterRow.name == name))
            if digest is None:
                return None
            known = self._last.get(name)
            if known is not None and known[0] == digest:
                return known[1]
            content = session.scalars(select(ClusterRow.facts).where(ClusterRow.name == name)).one()
        document = json.loads(zlib.decompress(content))
        facts = ClusterFacts(document["kubernetes_version"], tuple(document["api_versions"]), document["schemas"])
        self._last[name] = (digest, facts)
        return facts


def _document(facts: ClusterFacts) -> bytes:
    return json.dumps(asdict(facts), sort_keys=True, separators=(",", ":")).encode()
