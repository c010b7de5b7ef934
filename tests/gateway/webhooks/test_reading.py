"""What each forge's events say, once read: the same words for all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from configuration.webhooks import Cause, Forge
from gateway.webhooks.announcement import Announcement, Update
from gateway.webhooks.payload import Payload
from gateway.webhooks.reception import announced
from pipelines.errors import InvalidInput
from tests.gateway.webhooks import events
from tests.gateway.webhooks.events import CHECKOUT, ZEROS, A, B, C

FILES = frozenset({"deploy.yaml"})


def read(forge: str, name: str, event: Mapping[str, Any]) -> Announcement:
    return announced(Forge(forge), name, Payload(event))


PUSHES = [
    ("github", "push", events.github_push(), FILES),
    ("gitlab", "Push Hook", events.gitlab_push(), FILES),
    ("gitea", "push", events.gitea_push(), FILES),
    ("bitbucket", "repo:push", events.bitbucket_push(), None),
]


@pytest.mark.parametrize(("forge", "name", "event", "files"), PUSHES)
def test_a_push_says_what_moved_and_who_did_it(
    forge: str, name: str, event: dict[str, Any], files: frozenset[str] | None
) -> None:
    said = read(forge, name, event)
    assert said.updates == (Update(Cause.BRANCH, "main", A, B, B, files),)
    assert said.updates[0].ref == "refs/heads/main"
    assert said.sender == "ada"
    assert said.repositories[0].removesuffix(".git") == CHECKOUT


@pytest.mark.parametrize(
    ("forge", "name", "event", "commit"),
    [
        ("github", "push", events.github_push(ZEROS, C, ref="refs/tags/v1", head_commit=events.commit(B)), B),
        ("github", "push", events.github_push(ZEROS, C, ref="refs/tags/v1", head_commit=None), C),
        ("gitlab", "Tag Push Hook", events.gitlab_push(ZEROS, C, ref="refs/tags/v1", checkout_sha=B), B),
        (
            "gitlab",
            "Tag Push Hook",
            events.gitlab_push(ZEROS, C, ref="refs/tags/v1", object_kind="tag_push", checkout_sha=None),
            C,
        ),
        ("gitea", "push", events.gitea_push(ZEROS, C, ref="refs/tags/v1", head_commit=events.commit(B)), B),
        ("bitbucket", "repo:push", events.bitbucket_push(events.bitbucket_change(None, B, name="v1", kind="tag")), B),
    ],
)
def test_a_tag_says_its_commit(forge: str, name: str, event: dict[str, Any], commit: str) -> None:
    (update,) = read(forge, name, event).updates
    assert (update.cause, update.name, update.before, update.commit) == (Cause.TAG, "v1", "", commit)
    assert update.ref == "refs/tags/v1"


@pytest.mark.parametrize(
    ("forge", "name", "event", "commit"),
    [
        ("github", "pull_request", events.github_merge(base={"ref": "release"}), B),
        ("gitlab", "Merge Request Hook", events.gitlab_merge(), B),
        ("gitlab", "Merge Request Hook", events.gitlab_merge(merge_commit_sha=None, squash_commit_sha=A), A),
        ("gitlab", "Merge Request Hook", events.gitlab_merge(merge_commit_sha=None), C),
        ("gitea", "pull_request", events.gitea_merge(), B),
        ("bitbucket", "pullrequest:fulfilled", events.bitbucket_merge(), B),
    ],
)
def test_a_merge_says_what_the_branch_means_then(forge: str, name: str, event: dict[str, Any], commit: str) -> None:
    said = read(forge, name, event)
    assert said.updates == (Update(Cause.MERGED_INTO, "release", "", commit, commit),)
    assert said.sender in ("ada", "Ada L.")
    assert said.repositories


@pytest.mark.parametrize(
    ("forge", "name", "event"),
    [
        ("github", "push", events.github_push(A, ZEROS)),
        ("gitlab", "Push Hook", events.gitlab_push(A, ZEROS)),
        ("gitea", "push", events.gitea_push(A, ZEROS, commits=None, head_commit=None)),
        ("bitbucket", "repo:push", events.bitbucket_push(events.bitbucket_change(A, None))),
    ],
)
def test_a_deletion_releases_nothing(forge: str, name: str, event: dict[str, Any]) -> None:
    (update,) = read(forge, name, event).updates
    assert (update.before, update.after, update.commit) == (A, "", None)


@pytest.mark.parametrize(
    ("forge", "name", "event"),
    [
        ("github", "ping", {}),
        ("github", "workflow_run", {}),
        ("github", "push", events.github_push(ref="refs/pull/1/head")),
        ("github", "pull_request", events.github_merge(merged=False)),
        ("gitlab", "Issue Hook", {"object_kind": "issue"}),
        ("gitlab", "", {}),
        ("gitlab", "Push Hook", events.gitlab_push(ref="main")),
        ("gitlab", "Merge Request Hook", events.gitlab_merge(action="open")),
        ("gitea", "create", {}),
        ("gitea", "push", events.gitea_push(ref="refs/for/main")),
        ("gitea", "pull_request", events.gitea_merge(merged=None)),
        ("gitea", "pull_request", events.gitea_merge(merge_commit_sha=None)),
        ("bitbucket", "diagnostics:ping", {"test": True}),
        ("bitbucket", "repo:fork", {}),
        ("bitbucket", "repo:push", {**events.bitbucket_push(), "push": {"changes": []}}),
        ("bitbucket", "repo:push", events.bitbucket_push(events.bitbucket_change(kind="bookmark"))),
        ("bitbucket", "repo:push", events.bitbucket_push(events.bitbucket_change(None, None))),
        ("bitbucket", "pullrequest:fulfilled", events.bitbucket_merge(None)),
        ("bitbucket", "pullrequest:fulfilled", events.bitbucket_merge("b" * 12)),
    ],
)
def test_what_is_no_push_says_why_nothing_is_done(forge: str, name: str, event: dict[str, Any]) -> None:
    said = read(forge, name, event)
    assert said.updates == ()
    assert said.words


def test_one_push_can_move_several_branches() -> None:
    event = events.bitbucket_push(events.bitbucket_change(A, B), events.bitbucket_change(A, C, name="other"))
    assert [(one.name, one.commit) for one in read("bitbucket", "repo:push", event).updates] == [
        ("main", B),
        ("other", C),
    ]


TOO_MANY = [events.commit(f"{number:040x}") for number in range(2048)]


@pytest.mark.parametrize(
    ("forge", "event"),
    [
        ("github", events.github_push(forced=True)),
        ("github", events.github_push(ZEROS)),
        ("github", events.github_push(commits=[])),
        ("github", events.github_push(commits=TOO_MANY)),
        ("github", events.github_push(commits=[events.commit(A), events.commit(B, modified=())])),
        ("github", events.github_push(files=tuple(map(str, range(3000))))),
        ("gitlab", events.gitlab_push(ZEROS)),
        ("gitlab", events.gitlab_push(total_commits_count=21)),
        ("gitlab", events.gitlab_push(total_commits_count=None)),
        ("gitlab", events.gitlab_push(commits=None)),
        ("gitea", events.gitea_push(ZEROS)),
        ("gitea", events.gitea_push(total_commits=21)),
        ("gitea", {key: value for key, value in events.gitea_push().items() if key != "total_commits"}),
        ("bitbucket", events.bitbucket_push()),
    ],
)
def test_what_changed_is_unknown_unless_all_of_it_is_said(forge: str, event: dict[str, Any]) -> None:
    name = "repo:push" if forge == "bitbucket" else "push"
    (update,) = read(forge, name, event).updates
    assert update.files is None
    assert update.commit


def test_added_modified_and_removed_files_count_of_each_commit() -> None:
    first = {**events.commit(A, added=("a",), modified=("b/c",)), "removed": ["d"]}
    (update,) = read("github", "push", events.github_push(commits=[first, events.commit(B)])).updates
    assert update.files == {"a", "b/c", "d", "deploy.yaml"}


@pytest.mark.parametrize(("forge", "name", "event", "files"), PUSHES)
def test_no_field_may_be_missing_that_decides_something(
    forge: str, name: str, event: dict[str, Any], files: frozenset[str] | None
) -> None:
    needed = {"github": "after", "gitlab": "after", "gitea": "after", "bitbucket": "push"}[forge]
    for key in (needed, "project" if forge == "gitlab" else "repository"):
        with pytest.raises(InvalidInput) as caught:
            read(forge, name, {one: value for one, value in event.items() if one != key})
        assert caught.value.where == key


@pytest.mark.parametrize(("forge", "name", "event", "files"), PUSHES)
def test_who_did_it_may_be_missing(forge: str, name: str, event: dict[str, Any], files: frozenset[str] | None) -> None:
    kept = {key: value for key, value in event.items() if key not in ("sender", "actor", "user_username")}
    assert read(forge, name, kept).sender == ""


def test_numbers_that_are_none_are_told() -> None:
    with pytest.raises(InvalidInput, match="total_commits_count is not a whole number"):
        read("gitlab", "Push Hook", events.gitlab_push(total_commits_count=True))


def test_bitbucket_data_center_says_what_moved() -> None:
    said = read("bitbucket", "repo:refs_changed", events.bitbucket_server_push())
    assert said.updates == (Update(Cause.BRANCH, "main", A, B, B),)
    assert (said.sender, CHECKOUT in said.repositories) == ("ada", True)


@pytest.mark.parametrize(
    ("before", "after", "ref", "commit"), [(ZEROS, B, "refs/tags/v1", B), (A, ZEROS, "refs/heads/v1", None)]
)
def test_bitbucket_data_center_has_tags_and_deletions(before: str, after: str, ref: str, commit: str | None) -> None:
    (update,) = read("bitbucket", "repo:refs_changed", events.bitbucket_server_push(before, after, ref)).updates
    assert (update.ref, update.commit) == (ref, commit)


def test_bitbucket_data_center_may_move_neither_branch_nor_tag() -> None:
    assert not read("bitbucket", "repo:refs_changed", events.bitbucket_server_push(ref="refs/notes/x")).updates


@pytest.mark.parametrize("key", ["changes", "repository"])
def test_bitbucket_data_center_says_what_decides(key: str) -> None:
    event = events.bitbucket_server_push()
    del event[key]
    with pytest.raises(InvalidInput, match=key):
        read("bitbucket", "repo:refs_changed", event)
