from __future__ import annotations

import re

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode, checks

from gateway.app import describe
from gateway.documentation import SIGNED

from .conftest import bearer

DOCUMENT = describe()
OPERATIONS = [(method, path) for path, item in DOCUMENT["paths"].items() for method in item]


def test_the_served_document_is_openapi_3_1(client: FlaskClient) -> None:
    served = client.get("/openapi.json").get_json()
    assert served["openapi"].startswith("3.1")
    assert served["paths"].keys() == DOCUMENT["paths"].keys()


def test_every_address_is_described(app: Flask) -> None:
    described = {(method.upper(), path) for method, path in OPERATIONS} | {("GET", "/openapi.json")}
    served = {
        (method, re.sub(r"<(?:path:)?([^>]+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
        if method != "HEAD" and not rule.endpoint.startswith("pages.")
    }
    assert described == served


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_error_is_described_as_a_problem(method: str, path: str) -> None:
    answers = DOCUMENT["paths"][path][method]["responses"]
    errors = {status: answer for status, answer in answers.items() if int(status) >= 400}
    if path == "/readyz":
        del errors["503"]  # says which part is missing, like its 200
    assert "500" in errors
    for answer in errors.values():
        assert list(answer["content"]) == ["application/problem+json"]


@pytest.mark.parametrize(("method", "path"), [key for key in OPERATIONS if key[1].startswith("/api")])
def test_every_call_of_the_api_says_that_it_needs_a_token_or_a_signature(method: str, path: str) -> None:
    operation = DOCUMENT["paths"][path][method]
    if path == "/api/v1/sign-in" and method != "delete":  # where whoever has no token gets one
        assert "security" not in operation
        return
    assert operation["security"] == (SIGNED if "/webhooks/" in path else [{"token": []}])
    assert "401" in operation["responses"]


def test_every_reference_leads_somewhere() -> None:
    text = str(DOCUMENT)
    names = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert names <= DOCUMENT["components"]["schemas"].keys()
    assert "$defs" not in text


# Without parameters there is nothing to get wrong; a stream of a Release that waits does not end.
FUZZED = [key for key in OPERATIONS if key[1].startswith("/api") and not key[1].endswith("/events")]
ALWAYS_RIGHT = ("get", "/api/v1/sign-in", GenerationMode.NEGATIVE)
DESCRIBED = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]


@pytest.mark.parametrize(
    ("method", "path", "mode"),
    [(*key, mode) for key in FUZZED for mode in GenerationMode if (*key, mode) != ALWAYS_RIGHT],
    ids=str,
)
def test_no_input_whatever_gets_an_answer_that_is_not_described(
    app: Flask, method: str, path: str, mode: GenerationMode
) -> None:
    operation = schemathesis.openapi.from_wsgi("/openapi.json", app)[path][method.upper()]

    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(generation_mode=mode))
    def try_it(case: schemathesis.Case) -> None:
        if isinstance(case.body, dict) and isinstance(case.body.get("wait_for"), int | float):
            case.body["wait_for"] = 0
        case.call_and_validate(headers=bearer("admin"), checks=DESCRIBED)

    try_it()
