"""`tokens`: who may use the gateway, for what."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from configuration.identity import Role
from configuration.schema.section import Section
from configuration.schema.texts import ONE_LINE, Day, Name

Names = Annotated[list[Name], Field(min_length=1)]


class GrantEntry(Section):
    """A role, and how far it reaches."""

    role: Role = Field(strict=False, description="What its holder may do.")
    team: Name | None = Field(
        default=None, description="Whose Apps it is for; only platform-admin and measurer go without."
    )
    environments: Names | None = Field(
        default=None,
        description="Where it may be used; without it, everywhere. It bounds what is done, not what is seen.",
    )
    apps: Names | None = Field(default=None, description="For which of the Apps; without it, for all of them.")


class TokenEntry(GrantEntry):
    """A bearer token, known by its digest only; `deploy-gateway token create --print-entry` makes one."""

    name: str = Field(
        min_length=1,
        max_length=60,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]*$",
        description="Who or what uses it; stands beside each Release.",
    )
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="The token's sha256, as 64 lower-case hex digits.")
    last_day: Day | None = Field(
        default=None, description='The last day, in UTC, on which it is taken, such as "2027-06-30".'
    )
    owner: str = Field(
        default="",
        max_length=200,
        pattern=ONE_LINE,
        description="Who acts by it, as the identity provider names them: nobody approves what they asked for by it.",
    )
