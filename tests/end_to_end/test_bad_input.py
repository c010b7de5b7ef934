"""What a team can get wrong: told with file, line and what to write, never a traceback, never a hung Release."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tools.installation import Installation
from tools.stack.repositories import Content, Link

Files = Callable[..., dict[str, Content]]
Post = Callable[..., dict[str, Any]]

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join(f'*{a}' for _ in range(9))}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("files", "code", "says"),
    [
        ({"README": "x"}, "invalid-deploy-file", "has no deploy.yaml"),
        ({"deploy.yaml": "a: [1"}, "invalid-deploy-file", ": it is not YAML"),
        ({"deploy.yaml": BOMB}, "invalid-deploy-file", "aliases written out"),
        ({"deploy.yaml": "a: " + "x" * 300_000}, "invalid-deploy-file", "262144 is the most"),
        ({"deploy.yaml": b"x" * (51 * 1024 * 1024)}, "unsafe-checkout", "larger than 50 MiB"),
        ({"deploy.yaml": Link("/etc/passwd")}, "unsafe-checkout", "symbolic link"),
        ({"deploy.yaml": Link("other.yaml"), "other.yaml": "x"}, "unsafe-checkout", "symbolic link"),
        ({"deploy.yaml": b"\xff\xfe"}, "invalid-deploy-file", "not UTF-8"),
        (
            {"deploy.yaml": "apiVersion: deploy-gateway/v1\napp: stops\nmanifests: ../../etc\n"},
            "invalid-deploy-file",
            "a path inside the repository",
        ),
        (
            {"deploy.yaml": "apiVersion: deploy-gateway/v1\napp: stops\nworkloda: web\n"},
            "invalid-deploy-file",
            "Did you mean 'workload'?",
        ),
    ],
    ids=["none", "no-yaml", "bomb", "long", "huge", "link-out", "link", "binary", "dot-dot", "misspelt"],
)
def test_a_repository_that_can_not_be_used_is_told_what_and_where(
    installation: Installation, release: Post, files: dict[str, Content], code: str, says: str
) -> None:
    installation.push("shop/stops", files, "A mistake")
    done = release("stops")
    assert (done["state"], done["code"]) == ("failed", code)
    assert says in done["message"]
    assert "Traceback" not in done["message"]
    assert "root:" not in done["message"]


@pytest.mark.parametrize("ref", ["--upload-pack=touch /tmp/x", "main;id", "$(id)", "a..b", "", "-x", "main\n"])
def test_a_ref_that_is_none_is_refused_before_it_is_accepted(release: Post, ref: str) -> None:
    done = release("good", ref)
    assert done["status"] in (400, 422)
    assert "ref" in str(done)


def test_a_ref_that_does_not_exist_is_told_with_the_nearest(
    installation: Installation, release: Post, deploy_yaml: Files
) -> None:
    installation.push("shop/stops", deploy_yaml("stops"), "Fine")
    done = release("stops", "mian")
    assert (done["state"], done["code"]) == ("failed", "ref-not-found")
    assert "Did you mean 'main'?" in done["message"]


def test_an_image_that_is_not_there_is_told(installation: Installation, release: Post, deploy_yaml: Files) -> None:
    files = {"deploy.yaml": str(deploy_yaml("stops")["deploy.yaml"]).replace(":1.4.2", ":9.9.9")}
    installation.push("shop/stops", files, "Not pushed yet")
    done = release("stops")
    assert (done["state"], done["code"]) == ("failed", "image-not-found")
    assert "the tag 9.9.9" in done["message"]


def test_what_the_cluster_would_refuse_is_told_before_the_rollout(installation: Installation, release: Post) -> None:
    manifest = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: Not_A_Name\ndata: {a: b}\n---\n"
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: also.Wrong\ndata: {a: b}\n"
    )
    files: dict[str, Content] = {
        "deploy.yaml": "apiVersion: deploy-gateway/v1\napp: stops\nmanifests: k8s\n",
        "k8s/a.yaml": manifest,
    }
    installation.push("shop/stops", files, "Names")
    done = release("stops")
    assert (done["state"], done["code"]) == ("blocked", "preflight-refused")
    assert "Not_A_Name" in done["message"]
    assert "also.Wrong" in done["message"]
