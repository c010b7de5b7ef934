"""What every request is served with, wired once by `gateway.app.create_app`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app, g

from configuration.settings import Settings
from gateway.authentication import Principal
from gateway.oidc.issuers import Issuers
from gateway.oidc.people import People
from gateway.rates import Rates
from gateway.streams import Waiters
from gateway.wakeups import Wakeups
from store import Store
from store.queue import WorkQueue

EXTENSION = "deploy-gateway"


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts of one gateway process."""

    settings: Settings
    store: Store
    queue: WorkQueue
    wakeups: Wakeups
    waiters: Waiters
    rates: Rates
    issuers: Issuers
    people: People


def gateway() -> Gateway:
    """The parts that serve the current request."""
    return cast(Gateway, current_app.extensions[EXTENSION])


def principal() -> Principal:
    """Who sent the current request."""
    return cast(Principal, g.principal)
