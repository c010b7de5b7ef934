from __future__ import annotations

from flask.testing import FlaskClient

from pipelines.deployfile import json_schema

ADDRESS = "/schemas/deploy.yaml.json"


def test_editors_get_the_schema_of_deploy_yaml_without_a_token(client: FlaskClient) -> None:
    answer = client.get(ADDRESS)
    assert answer.status_code == 200
    assert answer.content_type == "application/schema+json"
    assert answer.get_json(force=True) == json_schema()


def test_it_may_be_kept_and_shared_for_an_hour(client: FlaskClient) -> None:
    assert client.get(ADDRESS).headers["Cache-Control"] == "public, max-age=3600"


def test_who_has_it_already_is_told_so_without_it(client: FlaskClient) -> None:
    tag = client.get(ADDRESS).headers["ETag"]
    again = client.get(ADDRESS, headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
