"""What RQ calls by name. A job's payload is a Release's id, believed for nothing but looking it up."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import structlog

from pipelines.apps import ReleaseId, parse_release_id
from pipelines.errors import NotFound
from workers.check import check_release
from workers.context import CheckContext, DeployContext, check_context, deploy_context
from workers.deploy import deploy_release

_Context = TypeVar("_Context", CheckContext, DeployContext)
_log = structlog.get_logger("workers.jobs")


def check(release_id: object) -> None:
    """Job of the queue `check`."""
    _run(check_release, check_context(), release_id)


def deploy(release_id: object) -> None:
    """Job of the queue `deploy.CLUSTER`."""
    _run(deploy_release, deploy_context(), release_id)


def _run(job: Callable[[_Context, ReleaseId], None], context: _Context, claimed: object) -> None:
    context.store.forget_connections()
    with structlog.contextvars.bound_contextvars(release_id=str(claimed)[:40]):
        release_id = parse_release_id(claimed)
        if release_id is None:
            _log.warning("a job without a Release's id")
            return
        try:
            job(context, release_id)
        except NotFound:
            _log.warning("a job for a Release that is not in the store")
