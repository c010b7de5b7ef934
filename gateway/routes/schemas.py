"""`/schemas/deploy.yaml.json`: what editors complete and check `deploy.yaml` from. Outside the API, without token."""

from __future__ import annotations

import json
from functools import cache

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint

from gateway.documentation import SCHEMAS, operation_id, problems
from gateway.problems import InternalError
from pipelines.deployfile import json_schema
from pipelines.errors import InvalidInput

MEDIA_TYPE = "application/schema+json"
_KEPT_SECONDS = 3600
_DESCRIBED = {"description": "A JSON Schema, draft 2020-12.", "content": {MEDIA_TYPE: {"schema": {"type": "object"}}}}

api = APIBlueprint("schemas", __name__, abp_tags=[SCHEMAS], operation_id_callback=operation_id)


@api.get(
    "/schemas/deploy.yaml.json",
    summary="The schema of deploy.yaml",
    responses={
        200: _DESCRIBED,
        304: {"description": "It is what `If-None-Match` names."},
        **problems(InvalidInput, InternalError),
    },
)
def deploy_yaml() -> Response:
    """A file names it in its first line: `# yaml-language-server: $schema=https://…/schemas/deploy.yaml.json`."""
    response = Response(_content(), mimetype=MEDIA_TYPE)
    response.cache_control.public = True
    response.cache_control.max_age = _KEPT_SECONDS
    response.add_etag()
    response.make_conditional(request)
    return response


@cache
def _content() -> bytes:
    return json.dumps(json_schema(), ensure_ascii=False).encode()
