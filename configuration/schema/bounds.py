"""`git`, `backstop` and `limits`: who may do what, and what it may cost."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from configuration.schema.section import Section
from configuration.schema.texts import GroupName, Host, Seconds, SecretReference, UserName
from configuration.settings import Limits
from pipelines.backstop import Exceptions

_DEFAULTS = Limits()
_EXCEPTIONS = Exceptions()


class GitSection(Section):
    """Where repositories may be."""

    allowed_hosts: list[Host] = Field(
        default_factory=list,
        description="`host` or `host:port`; empty: the hosts of the registered repositories.",
    )
    credentials: dict[Host, SecretReference] = Field(
        default_factory=dict,
        description="Host → `env:NAME` or `file:PATH`, read by check workers only: `USER:PASSWORD`, or a token alone. "
        "Shown to that host alone, and over https unless it is on this machine.",
    )


class BackstopSection(Section):
    """Who else may write in managed namespaces, and what more only the gateway writes there.

    It holds by what `deploy-gateway cluster install` writes into a cluster: run it after a change.
    """

    restart_groups: list[GroupName] = Field(
        default_factory=list,
        description="Groups of the cluster's users that may `kubectl rollout restart`, and change nothing else.",
    )
    break_glass_groups: list[GroupName] = Field(
        default=list(_EXCEPTIONS.break_glass_groups),
        description="Groups whose users may write anything that the rules allow; the cluster's audit log names them. "
        f"By default `{_EXCEPTIONS.break_glass_groups[0]}`.",
    )
    operators: list[UserName] = Field(
        default_factory=list,
        description="Users that may write Secrets in the namespace `deploy-gateway` without being administrators, "
        "such as `system:serviceaccount:external-secrets:external-secrets`.",
    )
    kinds: list[Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$")]] = Field(
        default_factory=list,
        description="More kinds that only the gateway writes, such as those that make pods: `RESOURCE.GROUP`, "
        "the resource in the plural, `rollouts.argoproj.io` say.",
    )


class LimitsSection(Section):
    """Bounds on what one request, and one team's repository, may cost."""

    checkout_timeout_seconds: Seconds = Field(
        default=_DEFAULTS.checkout_timeout_seconds, description="For fetching a commit."
    )
    checkout_bytes: int = Field(
        default=_DEFAULTS.checkout_bytes, ge=1024, le=2**31, description="Largest tree that is checked out."
    )
    render_timeout_seconds: Seconds = Field(
        default=_DEFAULTS.render_timeout_seconds, description="For `helm template`."
    )
    check_timeout_seconds: Seconds = Field(
        default=_DEFAULTS.check_timeout_seconds, description="For lint and policy, which run side by side."
    )
    longest_waiver_days: int = Field(
        default=_DEFAULTS.longest_waiver_days, ge=1, le=3650, description="How many days a waiver may last."
    )
    longest_token_days: int = Field(
        default=_DEFAULTS.longest_token_days,
        ge=1,
        le=3650,
        description="How many days a token may be issued for, by `deploy-gateway token create`.",
    )
    request_body_bytes: int = Field(
        default=_DEFAULTS.request_body_bytes,
        ge=1024,
        le=2**24,
        description="Largest body that the API reads.",
    )
    webhook_body_bytes: int = Field(
        default=_DEFAULTS.webhook_body_bytes, ge=1024, le=2**25, description="Largest webhook that is read."
    )
