"""What can go wrong, as classes: each has a stable code, a reason and a solution.

An adapter catches its vendor's errors and raises one of these, the vendor's as its cause, so that
nothing above it needs to know the vendor.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Fault:
    """One of several things that are wrong in one input: all are told at once.

    `where` is `file:line` or the path of a field, `reason` what is wrong, `solution` what to write instead. `policy` is
    the one of the cluster's that refuses it, where one does.
    """

    where: str
    reason: str
    solution: str
    policy: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}. {self.solution}"


class GatewayError(Exception):
    """Base of every error that a user can meet.

    `code` is stable and documented; `exit_code` is what `deployctl` leaves with, `http_status` what the
    API answers. `retryable` says that the same request may succeed later without anybody changing it, `blocks`
    that a Release which ends by it was refused, as by a rule, and has not failed. `retry_after_seconds` is when to try
    again where that is worth it.
    """

    code: ClassVar[str] = "gateway-error"
    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    blocks: ClassVar[bool] = False
    title: ClassVar[str] = "The gateway could not do this"
    retry_after_seconds: int = 2

    def __init__(self, reason: str, solution: str, *, where: str | None = None, errors: Iterable[Fault] = ()) -> None:
        """`reason` says what is wrong, `where` names file and line or the field, `solution` what to do.

        `errors` lists every single fault where there can be several; `reason` then sums them up.
        """
        super().__init__(reason)
        self.reason = reason
        self.solution = solution
        self.where = where
        self.errors = tuple(errors)

    def __str__(self) -> str:
        if self.errors:
            return "\n".join(str(fault) for fault in self.errors)
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.reason}. {self.solution}"


class InvalidInput(GatewayError):
    """Something the caller wrote can't be accepted as it is."""

    code = "invalid-input"
    exit_code = 2
    http_status = 400
    title = "The request can't be accepted as it is"


class InvalidRef(InvalidInput):
    """The Git ref has a form that is never passed on to Git."""

    code = "invalid-ref"
    title = "Not a Git ref"


class InvalidDeployFile(InvalidInput):
    """`deploy.yaml` is missing, unreadable, or does not fit its schema."""

    code = "invalid-deploy-file"
    http_status = 422
    title = "deploy.yaml can't be used"


class InvalidChart(InvalidInput):
    """A third-party chart is not what it has to be: too large, a path that leads out, not the digest that is pinned."""

    code = "invalid-chart"
    http_status = 422
    title = "The chart can't be used"


class UnsafeCheckout(InvalidInput):
    """The tree holds something that must not be followed: a link that leads out, a file too large."""

    code = "unsafe-checkout"
    http_status = 422
    title = "The repository holds something that can't be checked out safely"


class RefNotFound(InvalidInput):
    """The repository answered, and has no such branch, tag or commit."""

    code = "ref-not-found"
    http_status = 422
    title = "No such ref in the repository"


class RepositoryNotFound(InvalidInput):
    """The Git server answered, and has no such repository, or none that it shows us."""

    code = "repository-not-found"
    http_status = 422
    title = "No such repository"


class InvalidConfiguration(InvalidInput):
    """`gateway.yaml` is missing, unreadable, or does not fit its schema."""

    code = "invalid-configuration"
    title = "gateway.yaml can't be used"


class NotFound(GatewayError):
    """No such App, Environment, Release, or not one that the caller may see: both answers are the same."""

    code = "not-found"
    exit_code = 2
    http_status = 404
    title = "Not found"


class Unauthenticated(GatewayError):
    """No token, or not a valid one."""

    code = "unauthenticated"
    exit_code = 6
    http_status = 401
    title = "Sign in first"
    challenge: ClassVar[str] = 'Bearer realm="deploy-gateway"'


class Forbidden(GatewayError):
    """The caller is known, and lacks the permission."""

    code = "forbidden"
    exit_code = 6
    http_status = 403
    title = "Not allowed"

    def __init__(
        self, reason: str, solution: str, *, where: str | None = None, permission: str = "", roles: Iterable[str] = ()
    ) -> None:
        """`permission` is the one that is missing, if it is for that, and `roles` are those that have it."""
        super().__init__(reason, solution, where=where)
        self.permission = permission
        self.roles = tuple(roles)


class OwnRelease(Forbidden):
    """Four eyes: nobody approves what they asked for themselves."""

    code = "own-release"
    title = "Somebody else has to approve this"


class Conflict(GatewayError):
    """The request does not fit the state that things are in."""

    code = "conflict"
    exit_code = 2
    http_status = 409
    title = "Not possible in this state"


class BodyTooLarge(InvalidInput):
    """The request's body is larger than any valid one."""

    code = "body-too-large"
    http_status = 413
    title = "The request is too large"


class AccessRefused(GatewayError):
    """A Git server or a registry answered, and lets the gateway not read what it was asked for."""

    code = "access-refused"
    http_status = 422
    title = "The gateway may not read this"


class Unavailable(GatewayError):
    """Something outside does not answer: worth another try."""

    code = "unavailable"
    http_status = 503
    retryable = True
    title = "A part that this needs does not answer"


class GitUnavailable(Unavailable):
    """The Git server can't be reached, is too slow, or broke off."""

    code = "git-unavailable"
    title = "The Git server does not answer"


class ClusterUnavailable(Unavailable):
    """The cluster's API server can't be reached, or its version is not known yet."""

    code = "cluster-unavailable"
    title = "The cluster does not answer"


class RegistryUnavailable(Unavailable):
    """The image registry does not answer."""

    code = "registry-unavailable"
    title = "The image registry does not answer"


class ChartUnavailable(Unavailable):
    """Where a third-party chart is published there is no answer, or none of any use."""

    code = "chart-unavailable"
    title = "The chart can't be downloaded now"


class ImageNotFound(InvalidInput):
    """The registry answered, and has no such image."""

    code = "image-not-found"
    http_status = 422
    title = "No such image in the registry"


class ImageUnreadable(InvalidInput):
    """The registry has the image, and its manifest, config or signature is not in a form that can be trusted."""

    code = "image-unreadable"
    http_status = 422
    title = "The image can't be read"


class RenderFailed(InvalidInput):
    """Helm refused to render the chart with these values."""

    code = "render-failed"
    http_status = 422
    title = "The chart does not render"


class CheckCrashed(GatewayError):
    """A check did not give an answer that can be trusted: crashed, timed out, or saw nothing."""

    code = "check-crashed"
    title = "A check gave no answer, which never counts as passed"


class BundleMismatch(GatewayError):
    """What is to be rolled out is not, byte for byte, what was checked."""

    code = "bundle-mismatch"
    title = "The Bundle is not what was checked"


class PreflightRefused(GatewayError):
    """The API server refused an object in a server-side dry-run."""

    code = "preflight-refused"
    exit_code = 3
    http_status = 422
    blocks = True
    title = "The cluster would refuse this"


class UnreadableBenchmark(InvalidInput):
    """kube-bench's report is empty, cut off, of another shape, or does not add up: it never counts as a pass."""

    code = "unreadable-benchmark"
    http_status = 422
    title = "kube-bench's report can't be used"


class WaiverEnded(GatewayError):
    """What was waived, or only warned, when the Release was checked blocks by now."""

    code = "waiver-ended"
    http_status = 409
    exit_code = 3
    blocks = True
    title = "A waiver has ended since the check, or a rule blocks since then"


class RolloutFailed(GatewayError):
    """The rollout did not become healthy; `reason` names the pod, container and condition."""

    code = "rollout-failed"
    http_status = 422
    title = "The rollout did not become healthy"


class ToolMissing(GatewayError):
    """A program that this needs is not there."""

    code = "tool-missing"
    exit_code = 2
    title = "A program is missing"


class DiskFull(GatewayError):
    """No space left where the gateway writes."""

    code = "disk-full"
    http_status = 507
    retryable = True
    title = "No space left on the disk"


class NotWritable(GatewayError):
    """The gateway can't write where it works, for another reason than a full disk."""

    code = "not-writable"
    title = "The gateway can't write where it works"
