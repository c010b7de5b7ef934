"""What Kubernetes itself would refuse, told before it is asked: gone versions, and rights that it may not grant."""

from __future__ import annotations

from pipelines.catalogue.entry import Entry
from pipelines.findings import Mode, Severity

_WHY = (
    "From the release that leaves it out on, such an object is refused, and Helm can't even delete what it made of it."
)
_LINK = "https://kubernetes.io/docs/reference/using-api/deprecation-guide/"
_HOW = "apiVersion: apps/v1    # what `kubectl explain KIND` says"
# The names of the checks that look: what has no answer in time is told by the same.
API_VERSIONS, GRANTS = "api-versions", "grants"

REMOVED = Entry(
    id="api-removed",
    severity=Severity.HIGH,
    title="Versions of the API are there in the cluster's release",
    why=_WHY,
    how=_HOW,
    link=_LINK,
    found_by=API_VERSIONS,
)
DEPRECATED = Entry(
    id="api-deprecated",
    severity=Severity.MEDIUM,
    title="Versions of the API are there in the next releases, too",
    why=_WHY,
    how=_HOW,
    link=_LINK,
    mode=Mode.WARN,
    found_by=API_VERSIONS,
)
BEYOND = Entry(
    id="rbac-grantable",
    severity=Severity.HIGH,
    title="Roles have no more than the gateway may grant",
    why="Kubernetes lets nobody grant what they may not do themselves, so the cluster refuses such a Role.",
    how="# leave it out, or ask the platform to bind the gateway to a ClusterRole with it, and to have this rule warn",
    link="https://kubernetes.io/docs/reference/access-authn-authz/rbac/#restrictions-on-role-creation-or-update",
    found_by=GRANTS,
)
KUBERNETES = (REMOVED, DEPRECATED, BEYOND)
