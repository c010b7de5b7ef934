"""What /openapi.json says beyond the models: errors, headers, security."""

from __future__ import annotations

from collections import defaultdict
from http import HTTPStatus
from typing import Any

from flask_openapi3.models.tag import Tag
from flask_openapi3.types import ResponseDict, SecuritySchemesDict

from gateway.bodies import UnsupportedMediaType
from gateway.oidc.keys import IdentityProviderUnavailable
from gateway.problems import MEDIA_TYPE, InternalError
from gateway.schemas import error_schema
from pipelines.errors import (
    BodyTooLarge,
    DiskFull,
    Forbidden,
    GatewayError,
    InvalidInput,
    NotFound,
    Unauthenticated,
)
from store.sessions import StoreUnavailable


def _signature(header: str, description: str) -> dict[str, str]:
    return {"type": "apiKey", "in": "header", "name": header, "description": description}


SECURITY: list[dict[str, list[Any]]] = [{"token": []}]
SECURITY_SCHEMES: SecuritySchemesDict = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token that the platform team has issued: `dgw_…`",
    }
}
SIGNATURES: SecuritySchemesDict = {
    "github": _signature("X-Hub-Signature-256", "GitHub: `sha256=` and the HMAC-SHA256 of the body, in hex."),
    "gitlab": _signature("webhook-signature", "GitLab's signing token: `v1,` and the signature, as Standard Webhooks."),
    "gitlab-token": _signature("X-Gitlab-Token", "GitLab's secret token, as it is."),
    "gitea": _signature("X-Gitea-Signature", "Gitea and Forgejo: the HMAC-SHA256 of the body, in hex."),
    "bitbucket": _signature("X-Hub-Signature", "Bitbucket: `sha256=` and the HMAC-SHA256 of the body, in hex."),
}
SIGNED: list[dict[str, list[Any]]] = [{name: []} for name in SIGNATURES]
"""One of these, of the forge that sends, in place of a token."""

WEBHOOKS = Tag(name="webhooks", description="What forges announce. Signed, in place of a token.")
RELEASES = Tag(name="releases", description="One request to put one commit of an App into one Environment.")
APPS = Tag(name="apps", description="What runs where.")
CLUSTERS = Tag(name="clusters", description="What the Releases run on, and how safe kube-bench finds it.")
POLICIES = Tag(name="policies", description="What every Release is held against.")
SIGN_IN = Tag(name="sign-in", description="From a terminal, at an identity provider. No token needed.")
SCHEMAS = Tag(name="schemas", description="For editors. No token needed.")
HEALTH = Tag(name="health", description="For probes. No secrets in them, no token needed.")

READ_ERRORS = (
    *(InvalidInput, Unauthenticated, Forbidden, NotFound, InternalError),
    *(StoreUnavailable, IdentityProviderUnavailable),
)
WRITE_ERRORS = (*READ_ERRORS, BodyTooLarge, UnsupportedMediaType, DiskFull)
_LOCATION = {"Location": {"description": "The path of the Release.", "schema": {"type": "string"}}}

_EVENT = {
    "description": "The event as the forge documents it, as JSON.",
    "required": True,
    "content": {"application/json": {"schema": {"type": "object"}}},
}


def operation_id(*, bp_name: str, name: str, path: str, method: str) -> str:
    """The name that generated clients give a call: `releases_create`."""
    return f"{bp_name}_{name}"


def problems(*errors: type[GatewayError]) -> ResponseDict:
    """The answers for `errors`, by HTTP status, with their codes."""
    by_status: defaultdict[int, set[str]] = defaultdict(set)
    for error in errors:
        by_status[error.http_status].add(error.code)
    return {
        status: {
            "description": f"{HTTPStatus(status).phrase}: {', '.join(f'`{code}`' for code in sorted(codes))}",
            "content": {MEDIA_TYPE: {"schema": error_schema()}},
        }
        for status, codes in sorted(by_status.items())
    }


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """`document` with what flask-openapi3 has no words for: the header of 202, events, parameters without null."""
    for path in document["paths"].values():
        for operation in path.values():
            if operation.get("security") == SIGNED:
                operation["requestBody"] = _EVENT
            elif "202" in operation["responses"]:
                operation["responses"]["202"]["headers"] = _LOCATION
            for parameter in operation.get("parameters", ()):
                parameter["schema"] = _given(parameter["schema"])
    return document


def _given(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema` without null: a parameter in an address or header is there or not, and never null."""
    options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    if len(options) != 1:
        return schema
    return {**{key: value for key, value in schema.items() if key not in ("anyOf", "default")}, **options[0]}
