"""`/openapi.json`: the API, described from the same models that validate it."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, Response, current_app, jsonify
from flask_openapi3.openapi import OpenAPI

from gateway.documentation import complete

api = Blueprint("openapi_document", __name__)


@api.get("/openapi.json")
def openapi() -> Response:
    """The OpenAPI 3.1 document."""
    return jsonify(complete(cast(OpenAPI, current_app).api_doc))
