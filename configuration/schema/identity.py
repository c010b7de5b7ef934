"""`tokens`, `issuers` and `sign_in`: who may use the gateway, for what."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from configuration.identity import Role
from configuration.schema.section import Section
from configuration.schema.texts import ONE_LINE, Day, IssuerUrl, Name, SecretReference

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


Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
ClientId = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")]
ClaimName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:/-]{1,100}$")]
ClaimPattern = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,300}$")]
_CLAIMS = "Claim → what it has to be: `*` is any text without a slash, `**` any text. All of them have to fit."


class ClaimRuleEntry(GrantEntry):
    """Which role follows from which claims."""

    claims: dict[ClaimName, ClaimPattern] = Field(min_length=1, description=_CLAIMS)


class IssuerEntry(Section):
    """An identity provider of a CI system: its tokens are taken in place of ours, so that CI keeps no secret."""

    url: IssuerUrl = Field(
        description="The issuer as its tokens name it, such as `https://token.actions.githubusercontent.com`."
    )
    audience: str = Field(
        default="",
        max_length=300,
        pattern=ONE_LINE,
        description="Whom its tokens have to be made for; by default `public_url`.",
    )
    algorithms: list[Algorithm] = Field(
        default=["RS256"], min_length=1, description="How its tokens may be signed; by default RS256."
    )
    person: ClaimName | None = Field(
        default=None,
        description="The claim that says who is behind a job, such as GitLab's `user_email`: that person approves "
        "nothing that the job asked for.",
    )
    rules: list[ClaimRuleEntry] = Field(min_length=1, description="Every rule that fits counts.")


class SignInSection(Section):
    """The identity provider that people sign in at, in place of a token."""

    issuer: IssuerUrl = Field(description="The issuer, as its tokens name it.")
    client_id: ClientId = Field(
        description="What the gateway is called there; it is sent back to `public_url` + `/sign-in/callback`."
    )
    client_secret: SecretReference | None = Field(
        default=None, description="`env:NAME` or `file:PATH`; without it a public client, which PKCE protects alone."
    )
    device_client_id: ClientId | None = Field(
        default=None, description="A public client that may use the device flow, for `deployctl login`."
    )
    algorithms: list[Algorithm] = Field(
        default=["RS256"], min_length=1, description="How its tokens may be signed; by default RS256."
    )
    scopes: list[Annotated[str, StringConstraints(pattern=r"^[!#-\[\]-~]{1,100}$")]] = Field(
        default=["openid", "profile", "email"], description="What is asked for; add the one that brings groups, if any."
    )
    name: ClaimName = Field(default="email", description="The claim that people are called by; stands beside Releases.")
    label: str = Field(
        default="your account", min_length=1, max_length=60, pattern=ONE_LINE, description="What the page calls it."
    )
    roles: list[ClaimRuleEntry] = Field(min_length=1, description="Every rule that fits counts.")
