"""How often somebody may do something: counted in Redis, for all processes of the gateway together."""

from __future__ import annotations

import time
from collections.abc import Sequence

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from pipelines.errors import GatewayError
from store.queue import ANSWER_SECONDS
from store.together import Together

_WINDOW_SECONDS = 60
_log = structlog.get_logger("gateway.rates")


class TooMany(GatewayError):
    """More in a minute than the platform allows."""

    code = "too-many-requests"
    http_status = 429
    retryable = True
    exit_code = 4
    title = "Too many in a minute"


class Rates:
    """Open while Redis is away: what is bounded here is cost, and what it guards is bounded by other means too."""

    def __init__(self, redis_url: str) -> None:
        """Connects when first used."""
        self._redis = Redis.from_url(
            redis_url,
            socket_connect_timeout=ANSWER_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._increment = Together(self._increment_all)

    def count(self, name: str, per_minute: int) -> None:
        """Counts one more of `name` in this minute. Raises `TooMany` above `per_minute`."""
        now = time.time()
        window = int(now // _WINDOW_SECONDS)
        try:
            so_far = self._increment(f"rate:{name}:{window}")
        except RedisError as error:
            _log.warning("nothing is counted while Redis is away", name=name, reason=type(error).__name__)
            return
        if so_far > per_minute:
            refused = TooMany(
                f"there were more than {per_minute} in this minute",
                "Send again later; the platform sets how many are taken in gateway.yaml",
            )
            refused.retry_after_seconds = int((window + 1) * _WINDOW_SECONDS - now) + 1
            raise refused

    def _increment_all(self, keys: Sequence[str]) -> Sequence[int]:
        with self._redis.pipeline() as pipeline:
            for key in keys:
                pipeline.incr(key)
            for key in set(keys):
                pipeline.expire(key, 2 * _WINDOW_SECONDS)
            return [int(count) for count in pipeline.execute()[: len(keys)]]
