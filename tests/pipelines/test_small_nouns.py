"""Images, resources, masking, diffs, sources: values in, values out."""

from __future__ import annotations

import pytest

from pipelines.diff import change
from pipelines.images import Image, parse_image
from pipelines.masking import masked
from pipelines.resources import at, field_path, field_text, group_of, plural_of, pod_spec_path


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("nginx", Image("docker.io", "nginx", None, None)),
        ("shop/checkout:1", Image("docker.io", "shop/checkout", "1", None)),
        ("registry:5000/app", Image("registry:5000", "app", None, None)),
        ("registry:5000/a/b:1@sha256:ab", Image("registry:5000", "a/b", "1", "sha256:ab")),
        ("r.example.com/a@sha256:ab", Image("r.example.com", "a", None, "sha256:ab")),
        ("localhost/a:b", Image("localhost", "a", "b", None)),
    ],
)
def test_image_references_are_taken_apart(text: str, image: Image) -> None:
    assert parse_image(text) == image


@pytest.mark.parametrize(
    ("kind", "plural"),
    [
        ("Pod", "pods"),
        ("NetworkPolicy", "networkpolicies"),
        ("Ingress", "ingresses"),
        ("AuthorizationPolicy", "authorizationpolicies"),
        ("StorageClass", "storageclasses"),
        ("Gateway", "gateways"),
        ("Endpoints", "endpoints"),
    ],
)
def test_kinds_have_plurals(kind: str, plural: str) -> None:
    assert plural_of(kind) == plural


def test_groups_and_pod_specs_are_found() -> None:
    assert (group_of("v1"), group_of("apps/v1")) == ("", "apps")
    assert pod_spec_path("Pod") == ("spec",)
    assert pod_spec_path("CronJob")[1] == "jobTemplate"
    assert pod_spec_path("Job") == ("spec", "template", "spec")


def test_fields_are_text_and_path() -> None:
    path = ("spec", "containers", 0, "image")
    assert field_text(path) == "spec.containers[0].image"
    assert field_path("spec.containers[0].image") == path
    assert at({"spec": {"containers": [{"image": "x"}]}}, path) == "x"
    assert at({"spec": {"containers": []}}, path) is None
    assert at({"spec": 3}, path) is None
    assert at({"spec": {"containers": {}}}, path) is None


def test_values_of_secrets_never_show_but_that_they_differ_does() -> None:
    def secret(value: str) -> dict[str, object]:
        annotation = {"kubectl.kubernetes.io/last-applied-configuration": value, "kept": "x"}
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "s", "annotations": annotation},
            "data": {"a": value, "same": "c2FtZQ=="},
            "stringData": value,
        }

    found = change(secret("aHVudGVyMg=="), secret("not base64 at all"))
    assert found.action == "update"
    assert "hunter2" not in found.diff
    assert "aHVudGVyMg==" not in found.diff
    assert "not base64" not in found.diff
    assert found.diff.count("\n-") == 2
    assert "same" not in "".join(line for line in found.diff.splitlines() if line[:1] in "+-" and line[1:2] != " ")


def test_a_secret_with_nothing_in_it_is_a_secret() -> None:
    secret = {"kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "hunter2"}}
    assert "hunter2" not in str(masked(secret))
    assert masked({"kind": "Secret", "metadata": {"name": "s"}}) == {"kind": "Secret", "metadata": {"name": "s"}}


def test_other_objects_keep_their_values() -> None:
    config = {"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "b"}}
    assert masked(config) == config


def test_noise_is_no_change() -> None:
    before = {
        "kind": "Pod",
        "metadata": {
            "name": "p",
            "uid": "1",
            "resourceVersion": "2",
            "annotations": {"meta.helm.sh/release-name": "x"},
        },
        "status": {"a": 1},
    }
    found = change(before, {"kind": "Pod", "metadata": {"name": "p"}})
    assert (found.action, found.diff, found.resource) == ("none", "", "Pod/p")


def test_creation_and_deletion_are_told() -> None:
    pod = {"kind": "Pod", "metadata": {"name": "p"}, "spec": {"lines": [str(n) for n in range(600)]}}
    assert change(None, pod).action == "create"
    assert "more lines" in change(None, pod).diff
    assert change(pod, None).action == "delete"
    with pytest.raises(ValueError, match="nothing to nothing"):
        change(None, None)
