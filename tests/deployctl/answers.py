"""What a gateway answers about one Release."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PROGRAM = str(Path(sys.executable).with_name("deployctl"))
ID = "01m86r1f2k3v9w8y7x6z5a4b3c"
EVENTS = f"GET /api/v1/releases/{ID}/events"
ONE = f"GET /api/v1/releases/{ID}"
RELEASE = ("release", "--app", "checkout", "--env", "staging", "--ref", "main")


def release_view(state: str = "accepted", **more: Any) -> dict[str, Any]:
    final = state not in ("accepted", "checking", "ready", "deploying")
    return {
        "id": ID,
        "kind": "release",
        "app": "checkout",
        "environment": "staging",
        "state": state,
        "final": final,
        "code": None,
        "message": "",
        "commit": "a" * 40,
        "commit_subject": "A change",
        "chart": "standard-app 0.1.0",
        "revision": 3,
        "reason": "",
        "requested_by": "somebody",
        "rollback_of": None,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "finished_at": "2026-01-01T00:00:05Z",
        "stages": [],
        "findings": [],
        "changes": [],
        **more,
    }


def event_stream(*events: tuple[str, dict[str, Any]], first: int = 1) -> bytes:
    return "".join(
        f"id: {number}\nevent: {kind}\ndata: {json.dumps(data)}\n\n"
        for number, (kind, data) in enumerate(events, first)
    ).encode()


def final_event(state: str) -> tuple[str, dict[str, Any]]:
    return "state", {"state": state, "code": None, "message": "", "final": True}


STAGE = ("stage", {"name": "checkout", "state": "passed", "detail": "aaaaaaaa A change", "seconds": 0.2})
