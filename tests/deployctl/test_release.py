"""`deployctl release` as people and scripts call it: exit codes, the stream, what is printed."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.deployctl.answers import EVENTS, ID, ONE, PROGRAM, RELEASE, STAGE, event_stream, final_event, release_view
from tests.deployctl.conftest import Door, Run, shell_of
from tests.waiting import eventually


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("deployed", 0),
        ("planned", 0),
        ("failed", 1),
        ("rolled_back", 1),
        ("superseded", 1),
        ("cancelled", 1),
        ("rejected", 1),
        ("blocked", 3),
    ],
)
def test_each_end_has_its_exit_code(door: Door, run: Run, state: str, code: int) -> None:
    door.says("POST /api/v1/releases", release_view(), status=202)
    door.says(EVENTS, event_stream(STAGE, final_event(state)), kind="text/event-stream")
    door.says(ONE, release_view(state, message="what happened"))
    done = run(*RELEASE)
    assert done.returncode == code, done.stderr
    assert "checkout: passed in 0.2 s: aaaaaaaa A change" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_failure_by_what_the_team_wrote_is_wrong_input(door: Door, run: Run) -> None:
    door.says("POST /api/v1/releases", release_view(), status=202)
    door.says(EVENTS, event_stream(final_event("failed")), kind="text/event-stream")
    door.says(ONE, release_view("failed", code="invalid-deploy-file", message="deploy.yaml:3: no"))
    done = run(*RELEASE)
    assert done.returncode == 2
    assert "deploy.yaml:3: no" in done.stdout


@pytest.mark.parametrize(("status", "code"), [(400, 2), (401, 6), (403, 6), (404, 2), (409, 2), (500, 4), (503, 4)])
def test_each_refusal_has_its_exit_code_and_says_what_to_do(door: Door, run: Run, status: int, code: int) -> None:
    problem = {"title": "No", "detail": "It is so", "where": "ref", "solution": "Write this instead", "errors": []}
    door.says("POST /api/v1/releases", problem, status=status, kind="application/problem+json")
    done = run(*RELEASE)
    assert done.returncode == code
    assert done.stderr.splitlines() == ["✗ No", "  ref: It is so", "  → Write this instead"]


def test_a_proxys_page_is_not_taken_for_the_gateway(door: Door, run: Run) -> None:
    done = run(*RELEASE)
    assert done.returncode == 4
    assert "not the gateway's" in done.stderr


@pytest.mark.parametrize("body", [b"[]", b"{", b'"x"'])
def test_half_an_answer_is_not_taken_for_one(door: Door, run: Run, body: bytes) -> None:
    door.says("POST /api/v1/releases", body, status=202)
    assert run(*RELEASE).returncode == 4


def test_a_gateway_that_is_away_has_its_exit_code(run: Run) -> None:
    done = run(*RELEASE, DEPLOYCTL_URL="http://127.0.0.1:1")
    assert done.returncode == 4
    assert "does not answer" in done.stderr


def test_without_a_token_it_says_how_to_get_one(run: Run) -> None:
    done = run("status", DEPLOYCTL_TOKEN="")
    assert done.returncode == 2
    assert "deployctl login" in done.stderr


def test_a_stream_that_breaks_off_is_read_on_where_it_was(door: Door, run: Run) -> None:
    door.says("POST /api/v1/releases", release_view(), status=202)
    door.says(EVENTS, event_stream(STAGE), kind="text/event-stream")
    door.says(EVENTS, b"", status=503)
    second = ("stage", {"name": "resolve", "state": "passed", "detail": "", "seconds": 0.1})
    door.says(EVENTS, event_stream(second, final_event("deployed"), first=2), kind="text/event-stream")
    door.says(ONE, release_view("deployed"))
    done = run(*RELEASE)
    assert done.returncode == 0
    assert done.stdout.count("checkout: passed") == 1
    asked = [headers.get("Last-Event-ID") for call, headers, _ in door.requests if call == EVENTS]
    assert asked == ["0", "1", "1"]


def test_it_gives_up_waiting_and_says_how_to_go_on(door: Door, run: Run) -> None:
    door.says("POST /api/v1/releases", release_view(), status=202)
    door.says(EVENTS, event_stream(STAGE), kind="text/event-stream")
    done = run(*RELEASE, "--timeout", "1")
    assert done.returncode == 5
    assert f"deployctl logs {ID} --follow" in done.stderr
    assert f"deployctl cancel {ID}" in done.stderr


def test_ctrl_c_detaches_and_says_how_to_go_on(door: Door, tmp_path: Path) -> None:
    door.says("POST /api/v1/releases", release_view(), status=202)
    door.says(EVENTS, event_stream(STAGE), kind="text/event-stream")
    environment = shell_of(door, tmp_path)
    with subprocess.Popen([PROGRAM, *RELEASE], env=environment, stdout=-1, stderr=-1, text=True) as process:
        eventually(lambda: any(call == EVENTS for call, _, _ in door.requests))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the Release goes on" in errors
    assert not any("cancel" in call for call, _, _ in door.requests)


def test_a_release_is_sent_with_a_key_so_that_it_can_be_repeated(door: Door, run: Run) -> None:
    door.says("POST /api/v1/releases", release_view(), status=202)
    done = run(*RELEASE, "--no-wait", "--dry-run")
    assert ID in done.stdout
    ((_, headers, body),) = door.requests
    assert json.loads(body) == {"app": "checkout", "environment": "staging", "ref": "main", "dry_run": True}
    assert headers["Idempotency-Key"]
    assert headers["Authorization"] == "Bearer dg_x"


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_a_document_is_all_there_is_on_standard_output(door: Door, run: Run, form: str) -> None:
    import yaml

    door.says("POST /api/v1/releases", release_view(), status=202)
    door.says(EVENTS, event_stream(STAGE, final_event("deployed")), kind="text/event-stream")
    door.says(ONE, release_view("deployed"))
    done = run(*RELEASE, "-o", form)
    assert yaml.safe_load(done.stdout)["state"] == "deployed"
    assert "checkout: passed" in done.stderr


def test_findings_say_what_to_write_before_what_is_wrong_and_why(door: Door, run: Run) -> None:
    finding = {
        "rule": "image-pinned",
        "severity": "critical",
        "mode": "enforce",
        "resource": "Deployment/checkout",
        "field": "f",
        "source": "deploy.yaml:4",
        "what": "image is 'x:latest'",
        "why": "because",
        "how": "image: x:1\n# like this",
        "link": "https://example.com",
        "found_by": "policy",
        "blocks": True,
        "also_found_by": ["kube-score/container-image-tag"],
        "values_hint": "image: {tag: '1'}",
        "of_a_newer_gateway": 1,
    }
    other = {**finding, "rule": "newer", "severity": "dreadful", "mode": "newer", "how": "", "source": ""}
    waived = {**finding, "blocks": False, "waiver": "Ada, until 2099-01-01: x", "what": "excepted"}
    warning = {**finding, "rule": "kube-score/replicas", "blocks": False, "what": "few replicas"}
    door.says("POST /api/v1/releases", release_view(), status=202)
    door.says(EVENTS, event_stream(final_event("blocked")), kind="text/event-stream")
    door.says(ONE, release_view("blocked", message="1 finding", findings=[warning, other, finding, waived]))
    out = run(*RELEASE).stdout
    lines = [line.strip() for line in out.splitlines()]
    first = lines.index("deploy.yaml:4  image-pinned  critical")
    assert lines[first + 1 : first + 8] == [
        "write  image: x:1",
        "# like this",
        "values image: {tag: '1'}",
        "what   Deployment/checkout: image is 'x:latest'",
        "why    because",
        "also   kube-score/container-image-tag",
        "more   https://example.com",
    ]
    assert lines[first + 8 : first + 10] == ["Deployment/checkout  newer  low", "write  see the link"]
    assert "1 waived by the platform" in lines
    assert "~ deploy.yaml:4  Deployment/checkout: excepted  [image-pinned; waived by Ada, until 2099-01-01: x]" in lines
    assert "1 warning, which doesn't block here" in lines
    assert "! deploy.yaml:4  Deployment/checkout: few replicas  [kube-score/replicas]" in lines
    assert all(line == line.rstrip() for line in out.splitlines())


def test_escape_codes_of_others_do_not_reach_the_terminal(door: Door, run: Run) -> None:
    door.says("POST /api/v1/releases", release_view(), status=202)
    door.says(EVENTS, event_stream(final_event("failed")), kind="text/event-stream")
    door.says(ONE, release_view("failed", message="pod \x1b]0;owned\x07\x1b[2Jsays hi", commit_subject="\x1b[31mred"))
    out = run(*RELEASE).stdout
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "says hi" in out


def test_a_dry_run_shows_the_changes(door: Door, run: Run) -> None:
    door.says("POST /api/v1/releases", release_view(), status=202)
    door.says(EVENTS, event_stream(final_event("planned")), kind="text/event-stream")
    changes = [
        {"resource": "Deployment/checkout", "action": "update", "diff": "-replicas: 2\n+replicas: 3"},
        {"resource": "Service/checkout", "action": "none", "diff": ""},
    ]
    door.says(ONE, release_view("planned", changes=changes))
    out = run(*RELEASE, "--dry-run").stdout
    assert "update Deployment/checkout" in out
    assert "+replicas: 3" in out
    assert "Service/checkout" not in out
