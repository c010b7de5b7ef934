"""What can't be changed in what runs is told with what to write; what the server filled in is no change."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.kept import changes_of_kept

APP = {"matchLabels": {"app": "web"}}
BACK = "or give it another name, and the old one is removed"


def thing(kind: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "web"}, "spec": spec}


@pytest.mark.parametrize(
    ("kind", "was", "wanted", "field", "how"),
    [
        (
            "Deployment",
            {"selector": APP},
            {"selector": {"matchLabels": {"app": "new"}}},
            "selector",
            "{matchLabels: {app: web}}",
        ),
        (
            "DaemonSet",
            {"selector": {"matchLabels": {"a": "b", "c": "d"}}},
            {"selector": {"matchLabels": {"a": "b"}}},
            "selector",
            "c: d",
        ),
        ("StatefulSet", {"serviceName": "web"}, {"serviceName": "pods"}, "serviceName", "serviceName: web"),
        ("Service", {"clusterIP": "10.0.0.7"}, {"clusterIP": "None"}, "clusterIP", "clusterIP: 10.0.0.7"),
        (
            "PersistentVolumeClaim",
            {"accessModes": ["ReadWriteOnce"]},
            {"accessModes": ["ReadWriteMany"]},
            "accessModes",
            "[ReadWriteOnce]",
        ),
        ("StatefulSet", {}, {"podManagementPolicy": "Parallel"}, "podManagementPolicy", "not set"),
    ],
)
def test_a_change_is_told_with_what_runs(kind: str, was: Any, wanted: Any, field: str, how: str) -> None:
    (fault,) = changes_of_kept(thing(kind, **was), thing(kind, **wanted))
    assert fault.where == f"{kind}/web spec.{field}"
    assert fault.reason.startswith("fields-kept: it is ")
    assert how in fault.solution
    assert fault.solution.endswith(BACK)


def test_what_may_hold_secrets_is_not_shown() -> None:
    env = {"spec": {"containers": [{"name": "a", "env": [{"name": "P", "value": "hunter2"}]}]}}
    (fault,) = changes_of_kept(thing("Job", template={"spec": {"containers": []}}), thing("Job", template=env))
    assert fault.solution == f"Write template as it was, {BACK}"
    assert "hunter2" not in str(fault)


def test_what_the_server_filled_in_is_no_change() -> None:
    before = {
        "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "tty": False}]}},
        "selector": APP,
    }
    after = {"template": {"spec": {"containers": [{"name": "a", "tty": None}]}}}
    assert changes_of_kept(thing("Job", **before), thing("Job", **after)) == ()
    assert changes_of_kept(thing("ConfigMap"), thing("ConfigMap", data="x")) == ()
    assert changes_of_kept(thing("Deployment", selector=APP), thing("Deployment", selector=APP)) == ()


@pytest.mark.parametrize("was", [None, {"spec": 1}, {"spec": {"containers": [1, 2]}}], ids=str)
def test_what_is_not_as_it_was_is_told(was: Any) -> None:
    after = {"spec": {"containers": [{"name": "a"}]}}
    assert len(changes_of_kept(thing("Job", template=was), thing("Job", template=after))) == 1
