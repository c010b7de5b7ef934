"""What RQ calls by name. A job's payload is a Release's id, believed for nothing but looking it up."""

from __future__ import annotations

import re

import structlog

from pipelines.apps import ReleaseId
from pipelines.errors import NotFound
from workers.check import check_release
from workers.context import check_context, deploy_context
from workers.deploy import deploy_release

_ID = re.compile(r"[0-9a-z]{26}")
_log = structlog.get_logger("workers.jobs")


def check(release_id: object) -> None:
    """Job of the queue `check`."""
    context = check_context()
    context.store.forget_connections()
    with structlog.contextvars.bound_contextvars(release_id=str(release_id)[:40]):
        if known := _id(release_id):
            try:
                check_release(context, known)
            except NotFound:
                _log.warning("a job for a Release that is not in the store")


def deploy(release_id: object) -> None:
    """Job of the queue `deploy.CLUSTER`."""
    context = deploy_context()
    context.store.forget_connections()
    with structlog.contextvars.bound_contextvars(release_id=str(release_id)[:40]):
        if known := _id(release_id):
            try:
                deploy_release(context, known)
            except NotFound:
                _log.warning("a job for a Release that is not in the store")


def _id(claimed: object) -> ReleaseId | None:
    if isinstance(claimed, str) and _ID.fullmatch(claimed):
        return ReleaseId(claimed)
    _log.warning("a job without a Release's id")
    return None
