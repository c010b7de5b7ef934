from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from pipelines.catalogue import catalogue

from .conftest import bearer


def test_the_list_has_every_rule(client: FlaskClient) -> None:
    listed = client.get("/api/v1/policies", headers=bearer("shop-viewer")).get_json()["items"]
    assert [one["id"] for one in listed] == [entry.id for entry in catalogue()]


@pytest.mark.parametrize("address", ["kube-score/pod-probes", "kube-score%2Fpod-probes"])
def test_one_rule_is_told_with_where_it_holds(client: FlaskClient, address: str) -> None:
    shown = client.get(f"/api/v1/policies/{address}", headers=bearer("shop-viewer")).get_json()
    assert (shown["id"], shown["holds"], shown["mode"]) == ("kube-score/pod-probes", "kube-score", "enforce")


def test_a_rule_that_is_not_there_is_told_with_the_one_that_was_meant(client: FlaskClient) -> None:
    answer = client.get("/api/v1/policies/image-pined", headers=bearer("shop-viewer"))
    assert (answer.status_code, answer.get_json()["solution"]) == (404, "Did you mean 'image-pinned'?")
