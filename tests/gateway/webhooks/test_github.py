from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipelines.states import ReleaseState
from store import Release
from tests.gateway.webhooks.conftest import SECRETS, Send
from tests.gateway.webhooks.events import ZEROS, A, B, C, commit, github_merge, github_push, github_repository

Releases = Callable[[], list[Release]]


def test_a_push_becomes_a_release_of_its_very_commit(github: Send, releases: Releases) -> None:
    answer = github(github_push(A, B))
    (release,) = releases()
    assert answer.status_code == 202
    assert answer.get_json() == {
        "message": "1 Release",
        "releases": [
            {
                "id": release.id,
                "app": "checkout",
                "environment": "staging",
                "link": f"/api/v1/releases/{release.id}",
            }
        ],
    }
    assert (release.ref, release.commit, release.state) == ("main", B, ReleaseState.ACCEPTED)
    assert (release.app, release.environment, release.team) == ("checkout", "staging", "shop")
    assert (release.namespace, release.cluster, release.dry_run) == ("checkout-staging", "local", False)


def test_a_release_says_which_webhook_and_delivery_it_is_from(github: Send, releases: Releases) -> None:
    github(github_push(sender={"login": "ada\u0000\n<b>"}), headers={"X-GitHub-Delivery": "id-1"})
    assert releases() == []  # no name holds a NUL
    github(github_push(sender={"login": "ada\n<b>"}), headers={"X-GitHub-Delivery": "id-1"})
    (release,) = releases()
    assert release.requested_by == "webhook:shop-github (adab, unverified)"
    assert release.reason == "a push to main, delivery id-1"


def test_ping_is_answered(github: Send, releases: Releases) -> None:
    answer = github({"zen": "Keep it logically awesome.", "hook_id": 1}, "ping")
    assert (answer.status_code, answer.get_json()) == (200, {"message": "pong: the secret is right", "releases": []})


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (github_push(A, ZEROS), "push"),
        (github_push(ref="refs/heads/other"), "push"),
        (github_push(ref="refs/heads/hotfix/a/b"), "push"),
        (github_push(ref="refs/heads/mainline"), "push"),
        (github_push(ref="refs/tags/1.0"), "push"),
        (github_push(ref="refs/notes/commits"), "push"),
        (github_push(ref="refs/heads/--upload-pack=x"), "push"),
        (github_push(ref="refs/heads/a..b"), "push"),
        (github_push(ref="refs/heads/" + "x" * 300), "push"),
        (github_push(repository=github_repository("http://127.0.0.1:1234/shop/other")), "push"),
        (github_push(repository=github_repository("https://evil.example.com/shop/checkout")), "push"),
        (github_push(repository=github_repository("http://127.0.0.1:1234/bank/payments")), "push"),
        (github_push(repository=github_repository("http://[")), "push"),
        (github_push(repository={"full_name": "shop/checkout"}), "push"),
        (github_merge(), "pull_request"),
        (github_merge(merged=False) | {"action": "closed"}, "pull_request"),
        (github_merge() | {"action": "opened"}, "pull_request"),
        (github_merge(base={"ref": "release"}, merge_commit_sha=None), "pull_request"),
        ({}, "star"),
        ({}, ""),
        (github_push(), "push,push"),
    ],
)
def test_what_is_nobodys_business_is_acknowledged_without_work(
    github: Send, releases: Releases, event: dict[str, Any], name: str
) -> None:
    answer = github(event, name)
    assert (answer.status_code, answer.get_json()["releases"]) == (200, [])
    assert answer.get_json()["message"]
    assert releases() == []


def test_a_tag_goes_where_its_rule_says(github: Send, releases: Releases) -> None:
    assert github(github_push(ZEROS, B, ref="refs/tags/v1.4.2", base_ref="refs/heads/main")).status_code == 202
    (release,) = releases()
    assert (release.ref, release.commit, release.environment) == ("v1.4.2", B, "production")


def test_of_an_annotated_tag_its_commit_is_released(github: Send, releases: Releases) -> None:
    github(github_push(ZEROS, C, ref="refs/tags/v2", head_commit=commit(B)))
    assert [release.commit for release in releases()] == [B]


def test_a_merge_is_released_where_a_rule_wants_merges(github: Send, releases: Releases) -> None:
    assert github(github_merge(B, base={"ref": "release"}), "pull_request").status_code == 202
    assert [(one.ref, one.commit, one.environment) for one in releases()] == [("release", B, "production")]


def test_a_rule_for_one_app_is_for_no_other(github: Send, releases: Releases) -> None:
    storefront = github_repository("http://127.0.0.1:1234/shop/storefront")
    assert github(github_push(ref="refs/heads/hotfix/1")).status_code == 202
    assert github(github_push(A, C, ref="refs/heads/hotfix/1", repository=storefront)).status_code == 200
    assert [one.app for one in releases()] == ["checkout"]


@pytest.mark.parametrize(
    "address",
    ["HTTP://127.0.0.1:1234/Shop/Checkout", "http://127.0.0.1:1234/shop/checkout/"],
)
def test_a_repository_is_known_however_its_address_is_written(github: Send, address: str) -> None:
    assert github(github_push(repository=github_repository(address))).status_code == 202


def test_several_pushes_in_a_row_become_the_newest(github: Send, releases: Releases) -> None:
    for before, after in ((A, B), (B, C)):
        github(github_push(before, after))
    older, newer = releases()
    assert (older.state, older.superseded_by, newer.commit) == (ReleaseState.SUPERSEDED, newer.id, C)


def test_an_older_push_that_comes_late_does_not_undo_a_newer_one(github: Send, releases: Releases) -> None:
    github(github_push(B, C))
    answer = github(github_push(A, B))
    assert answer.status_code == 200
    assert answer.get_json()["message"].startswith("nothing is done: a later push of refs/heads/main came before")
    assert [(one.commit, one.state) for one in releases()] == [(C, ReleaseState.ACCEPTED)]


def test_a_replay_gets_the_release_of_the_first_time(github: Send, releases: Releases) -> None:
    first = github(github_push(), headers={"X-GitHub-Delivery": "id-1"})
    for id in ("id-1", "id-2"):  # GitHub does not sign its id: another one makes no other delivery
        again = github(github_push(), headers={"X-GitHub-Delivery": id})
        assert again.status_code == 200
        assert again.get_json()["releases"] == first.get_json()["releases"]
        assert again.get_json()["message"] == "this delivery came before, and made 1 Release"
    assert len(releases()) == 1


def test_a_replay_under_another_name_makes_nothing(github: Send, releases: Releases) -> None:
    github(github_push())
    assert github(github_push(), "pull_request").status_code == 400
    assert github(github_push(), "create").status_code == 200
    assert len(releases()) == 1


def test_an_id_that_comes_with_another_body_is_a_conflict(github: Send, releases: Releases) -> None:
    github(github_push(A, B), headers={"X-GitHub-Delivery": "id-1"})
    answer = github(github_push(B, C), headers={"X-GitHub-Delivery": "id-1"})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "delivery-reused")
    assert len(releases()) == 1


def test_either_of_two_secrets_is_good(github: Send) -> None:
    assert github(github_push(A, B)).status_code == 202
    assert github(github_push(B, C), secret=SECRETS["github-next"]).status_code == 202


def test_a_secret_announces_only_what_its_webhook_may(github: Send, releases: Releases) -> None:
    assert github(github_push(), secret=SECRETS["bank"]).get_json()["releases"] == []
    payments = github_repository("http://127.0.0.1:1234/bank/payments")
    assert github(github_push(A, C, repository=payments)).get_json()["releases"] == []
    assert github(github_push(A, C, repository=payments), secret=SECRETS["bank"]).status_code == 202
    assert [one.app for one in releases()] == ["payments"]
