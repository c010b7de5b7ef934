"""The platform's waivers, as the gateway tells them: what a check on this machine may let through."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from deployctl.client import Client
from deployctl.exits import Exit
from deployctl.problems import CommandFailed
from pipelines.waivers import Waiver


def listed(client: Client, **wanted: str | None) -> list[dict[str, Any]]:
    """All of those that the API tells for `wanted` (`app`, `rule`, `ended`), page by page. Raises `CommandFailed`."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = client.get("/api/v1/waivers", cursor=cursor, **wanted)
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def in_force_now(client: Client) -> tuple[Waiver, ...]:
    """Those that hold for the caller's Apps. Raises `CommandFailed`."""
    try:
        return tuple(_waiver(one) for one in listed(client))
    except (KeyError, TypeError, ValueError) as error:
        raise CommandFailed(
            "The gateway's waivers can't be read",
            f"the gateway tells them in another form than this version of deployctl knows ({type(error).__name__})",
            "Install the deployctl of the gateway's version",
            Exit.NOT_REACHABLE,
        ) from error


def _waiver(told: dict[str, Any]) -> Waiver:
    return Waiver(
        id=told["id"],
        rule=told["rule"],
        app=told["app"],
        environment=told["environment"] or "",
        resource=told["resource"],
        owner=told["owner"],
        reason=told["reason"],
        until=date.fromisoformat(told["until"]),
        created_at=datetime.fromisoformat(told["created_at"]),
        created_by=told["created_by"],
    )
