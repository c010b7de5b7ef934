"""How an attempt ends that did not come through: tried again later, or a final state with its reason."""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import structlog

from pipelines.errors import GatewayError
from pipelines.reporting import Cancelled
from pipelines.states import ReleaseState
from store import LeaseLost, Release, Store

MOST_ATTEMPTS = 5
_FIRST_PAUSE_SECONDS = 1.0

_log = structlog.get_logger("workers.ending")


@contextmanager
def brought_to_an_end(store: Store, release: Release, holder: str) -> Iterator[None]:
    """Runs an attempt; whatever it raises, the Release is handed back or has a final state afterwards.

    Unless `holder` has lost it meanwhile: then it says nothing, and whoever has it now brings it to its end. What
    the store raises while it is away goes through: the lease ends, and the reconciler puts the Release back.
    """
    try:
        yield
    except LeaseLost as error:
        _log.warning("an attempt was given up", release_id=release.id, holder=holder, reason=error.reason)
    except Cancelled as error:
        _end(store, release, holder, ReleaseState.CANCELLED, error.code, "cancelled as asked")
    except GatewayError as error:
        if error.retryable and release.attempts < MOST_ATTEMPTS:
            _try_again(store, release, holder, error)
        else:
            _fail(store, release, holder, error)
    except Exception:  # noqa: BLE001 (logged with its reference, and told: a Release always gets an end)
        reference = secrets.token_hex(4)
        _log.exception("an attempt crashed", release_id=release.id, reference=reference)
        message = f"the gateway itself failed at this. Tell the platform the reference {reference}"
        _end(store, release, holder, ReleaseState.FAILED, "internal-error", message)


def _try_again(store: Store, release: Release, holder: str, error: GatewayError) -> None:
    pause = _FIRST_PAUSE_SECONDS * 2 ** (release.attempts - 1) * random.uniform(0.8, 1.2)  # noqa: S311 (jitter)
    if store.releases.hand_back(release.id, holder, not_before=datetime.now(UTC) + timedelta(seconds=pause)):
        line = f"{error.reason}. Tried again in {pause:.0f} s (attempt {release.attempts} of {MOST_ATTEMPTS})"
        store.events.append(release.id, "log", {"stage": "", "line": line})


def _fail(store: Store, release: Release, holder: str, error: GatewayError) -> None:
    tried = f" Tried {release.attempts} times." if error.retryable else ""
    text = "\n".join(str(fault) for fault in error.errors) if error.errors else str(error)
    state = ReleaseState.BLOCKED if error.blocks else ReleaseState.FAILED
    _end(store, release, holder, state, error.code, f"{text}{tried}")


def _end(store: Store, release: Release, holder: str, state: ReleaseState, code: str, message: str) -> None:
    if not store.releases.transition(release.id, state, code=code, message=message, worker=holder):
        _log.warning("the end of an attempt came too late", release_id=release.id, holder=holder, state=state.value)
