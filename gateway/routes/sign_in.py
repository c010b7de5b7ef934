"""`/api/v1/sign-in`: what a terminal needs to sign somebody in, and the session that it gets."""

from __future__ import annotations

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, Field

from gateway.authentication import bearer_in
from gateway.bodies import UnsupportedMediaType
from gateway.context import gateway
from gateway.documentation import SECURITY, SIGN_IN, WRITE_ERRORS, operation_id, problems
from gateway.oidc.keys import IdentityProviderUnavailable
from gateway.oidc.tokens import LONGEST_TOKEN, IdentityTokenRefused
from gateway.problems import InternalError
from gateway.schemas import _Input, _Output
from pipelines.errors import BodyTooLarge, DiskFull, Forbidden, InvalidInput, NotFound
from store.page_sessions import TERMINAL_PREFIX, ends_at
from store.sessions import StoreUnavailable

api = APIBlueprint("sign_in", __name__, url_prefix="/api/v1", abp_tags=[SIGN_IN], operation_id_callback=operation_id)
_ERRORS = (InvalidInput, NotFound, InternalError, IdentityProviderUnavailable)


class DeviceSignIn(_Output):
    """Where a terminal signs somebody in, by the OAuth 2.0 device flow (RFC 8628)."""

    issuer: str = Field(description="The identity provider.")
    client_id: str = Field(description="What the terminal is called there.")
    scope: str = Field(description="What to ask for.")
    device_authorization_endpoint: str = Field(description="Where the flow begins.")
    token_endpoint: str = Field(description="Where it ends.")


class SignInRequest(_Input):
    """What the provider gave the terminal at the end."""

    id_token: str = Field(min_length=1, max_length=LONGEST_TOKEN, description="Who has signed in.")
    access_token: str = Field(default="", max_length=LONGEST_TOKEN, description="To ask the provider for more.")


class SessionView(_Output):
    """A session, in place of a token."""

    token: str = Field(description="To be sent as a bearer token. Shown only now.")
    name: str = Field(description="Who has signed in.")
    roles: list[str] = Field(description="What they may, and where.")
    expires_at: str = Field(description="When it ends.")


class SignedOut(_Output):
    """What became of a session."""

    ended: bool = Field(description="Whether it was a session, and is none any more.")
    message: str = Field(description="In words.")


@api.get("/sign-in", summary="How to sign in from a terminal", responses={200: DeviceSignIn, **problems(*_ERRORS)})
def show() -> Response:
    """404 where the platform has no identity provider for that."""
    return _json(DeviceSignIn(**gateway().people.for_devices()))


@api.post(
    "/sign-in",
    summary="Sign in from a terminal",
    responses={
        201: SessionView,
        **problems(
            *(*_ERRORS, IdentityTokenRefused, Forbidden, BodyTooLarge, UnsupportedMediaType),
            *(StoreUnavailable, DiskFull),
        ),
    },
)
def create(body: SignInRequest) -> Response:
    """A session of twelve hours for whoever the provider vouches for. What they may follows gateway.yaml as it is."""
    parts = gateway()
    claims = parts.people.from_device(body.id_token, body.access_token)
    principal = parts.people.principal(claims)
    session = SessionView(
        expires_at=ends_at().isoformat(timespec="seconds"),
        token=parts.store.page_sessions.open(claims=claims, prefix=TERMINAL_PREFIX),
        name=principal.name,
        roles=[str(grant) for grant in principal.grants],
    )
    return _json(session, 201)


@api.delete(
    "/sign-in",
    summary="Sign out",
    responses={200: SignedOut, **problems(*WRITE_ERRORS)},
    security=SECURITY,
)
def end() -> Response:
    """Ends the session that was sent as the bearer token. A token of another kind stays as it is."""
    text = bearer_in(request.headers.get("Authorization"))
    if not text.startswith(TERMINAL_PREFIX):
        message = "what was sent is a token and no session: it goes on until it ends, or the platform revokes it"
        return _json(SignedOut(ended=False, message=message))
    gateway().store.page_sessions.close(text)
    return _json(SignedOut(ended=True, message="the session has ended"))


def _json(view: BaseModel, status: int = 200) -> Response:
    return Response(view.model_dump_json(), status=status, content_type="application/json")
