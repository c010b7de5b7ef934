"""The command as its users run it: what it prints, and what it leaves with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deployctl.config import Config, load_config, store_config
from pipelines.deployfile import read
from tests.deployctl.conftest import Door

Run = Callable[..., subprocess.CompletedProcess[str]]
PROGRAM = str(Path(sys.executable).with_name("deployctl"))
ID = "01m86r1f2k3v9w8y7x6z5a4b3c"
EVENTS = f"GET /api/v1/releases/{ID}/events"
ONE = f"GET /api/v1/releases/{ID}"
RELEASE = ("release", "--app", "checkout", "--env", "staging", "--ref", "main")


def _view(state: str = "accepted", **more: Any) -> dict[str, Any]:
    final = state not in ("accepted", "checking", "ready", "deploying")
    return {
        "id": ID,
        "kind": "release",
        "app": "checkout",
        "environment": "staging",
        "state": state,
        "final": final,
        "code": None,
        "message": "",
        "commit": "a" * 40,
        "commit_subject": "A change",
        "chart": "standard-app 0.1.0",
        "revision": 3,
        "reason": "",
        "requested_by": "somebody",
        "rollback_of": None,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "finished_at": "2026-01-01T00:00:05Z",
        "stages": [],
        "findings": [],
        "changes": [],
        **more,
    }


def _stream(*events: tuple[str, dict[str, Any]], first: int = 1) -> bytes:
    return "".join(
        f"id: {number}\nevent: {kind}\ndata: {json.dumps(data)}\n\n"
        for number, (kind, data) in enumerate(events, first)
    ).encode()


def _final(state: str) -> tuple[str, dict[str, Any]]:
    return "state", {"state": state, "code": None, "message": "", "final": True}


STAGE = ("stage", {"name": "checkout", "state": "passed", "detail": "aaaaaaaa A change", "seconds": 0.2})


@pytest.fixture
def run(door: Door, tmp_path: Path) -> Run:
    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROGRAM, *arguments], env=_environment(door, tmp_path) | more, capture_output=True, text=True, timeout=60
        )

    return run


def _environment(door: Door, home: Path) -> dict[str, str]:
    coverage = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_PROCESS")}
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "DEPLOYCTL_URL": door.url,
        "DEPLOYCTL_TOKEN": "dg_x",
        **coverage,
    }


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
    door.says("POST /api/v1/releases", _view(), status=202)
    door.says(EVENTS, _stream(STAGE, _final(state)), kind="text/event-stream")
    door.says(ONE, _view(state, message="what happened"))
    done = run(*RELEASE)
    assert done.returncode == code, done.stderr
    assert "checkout: passed in 0.2 s: aaaaaaaa A change" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_failure_by_what_the_team_wrote_is_wrong_input(door: Door, run: Run) -> None:
    door.says("POST /api/v1/releases", _view(), status=202)
    door.says(EVENTS, _stream(_final("failed")), kind="text/event-stream")
    door.says(ONE, _view("failed", code="invalid-deploy-file", message="deploy.yaml:3: no"))
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
    door.says("POST /api/v1/releases", _view(), status=202)
    door.says(EVENTS, _stream(STAGE), kind="text/event-stream")
    door.says(EVENTS, b"", status=503)
    second = ("stage", {"name": "resolve", "state": "passed", "detail": "", "seconds": 0.1})
    door.says(EVENTS, _stream(second, _final("deployed"), first=2), kind="text/event-stream")
    door.says(ONE, _view("deployed"))
    done = run(*RELEASE)
    assert done.returncode == 0
    assert done.stdout.count("checkout: passed") == 1
    asked = [headers.get("Last-Event-ID") for call, headers, _ in door.requests if call == EVENTS]
    assert asked == ["0", "1", "1"]


def test_it_gives_up_waiting_and_says_how_to_go_on(door: Door, run: Run) -> None:
    door.says("POST /api/v1/releases", _view(), status=202)
    door.says(EVENTS, _stream(STAGE), kind="text/event-stream")
    done = run(*RELEASE, "--timeout", "1")
    assert done.returncode == 5
    assert f"deployctl logs {ID} --follow" in done.stderr
    assert f"deployctl cancel {ID}" in done.stderr


def test_ctrl_c_detaches_and_says_how_to_go_on(door: Door, tmp_path: Path) -> None:
    door.says("POST /api/v1/releases", _view(), status=202)
    door.says(EVENTS, _stream(STAGE), kind="text/event-stream")
    environment = _environment(door, tmp_path)
    with subprocess.Popen([PROGRAM, *RELEASE], env=environment, stdout=-1, stderr=-1, text=True) as process:
        deadline = time.monotonic() + 20
        while not any(call == EVENTS for call, _, _ in door.requests) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "the Release goes on" in errors
    assert not any("cancel" in call for call, _, _ in door.requests)


def test_a_release_is_sent_with_a_key_so_that_it_can_be_repeated(door: Door, run: Run) -> None:
    door.says("POST /api/v1/releases", _view(), status=202)
    done = run(*RELEASE, "--no-wait", "--dry-run")
    assert ID in done.stdout
    ((_, headers, body),) = door.requests
    assert json.loads(body) == {"app": "checkout", "environment": "staging", "ref": "main", "dry_run": True}
    assert headers["Idempotency-Key"]
    assert headers["Authorization"] == "Bearer dg_x"


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_a_document_is_all_there_is_on_standard_output(door: Door, run: Run, form: str) -> None:
    import yaml

    door.says("POST /api/v1/releases", _view(), status=202)
    door.says(EVENTS, _stream(STAGE, _final("deployed")), kind="text/event-stream")
    door.says(ONE, _view("deployed"))
    done = run(*RELEASE, "-o", form)
    assert yaml.safe_load(done.stdout)["state"] == "deployed"
    assert "checkout: passed" in done.stderr


def test_findings_say_what_where_why_and_what_to_write(door: Door, run: Run) -> None:
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
    }
    warning = {**finding, "rule": "kube-score/replicas", "blocks": False, "what": "few replicas"}
    door.says("POST /api/v1/releases", _view(), status=202)
    door.says(EVENTS, _stream(_final("blocked")), kind="text/event-stream")
    door.says(ONE, _view("blocked", message="1 finding", findings=[finding, warning]))
    out = run(*RELEASE).stdout
    for part in (
        "✗ image-pinned  critical",
        "deploy.yaml:4  Deployment/checkout: image is 'x:latest'",
        "why    because",
        "write  image: x:1",
        "# like this",
        "more   https://example.com",
        "1 warning, which doesn't block here",
        "few replicas  [kube-score/replicas]",
    ):
        assert part in out
    assert all(line == line.rstrip() for line in out.splitlines())


def test_escape_codes_of_others_do_not_reach_the_terminal(door: Door, run: Run) -> None:
    door.says("POST /api/v1/releases", _view(), status=202)
    door.says(EVENTS, _stream(_final("failed")), kind="text/event-stream")
    door.says(ONE, _view("failed", message="pod \x1b]0;owned\x07\x1b[2Jsays hi", commit_subject="\x1b[31mred"))
    out = run(*RELEASE).stdout
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "says hi" in out


def test_a_dry_run_shows_the_changes(door: Door, run: Run) -> None:
    door.says("POST /api/v1/releases", _view(), status=202)
    door.says(EVENTS, _stream(_final("planned")), kind="text/event-stream")
    changes = [
        {"resource": "Deployment/checkout", "action": "update", "diff": "-replicas: 2\n+replicas: 3"},
        {"resource": "Service/checkout", "action": "none", "diff": ""},
    ]
    door.says(ONE, _view("planned", changes=changes))
    out = run(*RELEASE, "--dry-run").stdout
    assert "update Deployment/checkout" in out
    assert "+replicas: 3" in out
    assert "Service/checkout" not in out


PLAN = ("plan", "--app", "checkout", "--env", "staging", "--ref", "main")
UPDATE = {
    "resource": "Deployment/checkout",
    "action": "update",
    "diff": "--- runs now\n+++ after this Release\n@@ -1 +1 @@\n-replicas: 2\n+replicas: 3",
}
SAME = {"resource": "Service/checkout", "action": "none", "diff": ""}


def _planned(door: Door, state: str = "planned", **more: Any) -> None:
    door.says("POST /api/v1/releases", _view(), status=202)
    door.says(EVENTS, _stream(STAGE, _final(state)), kind="text/event-stream")
    door.says(ONE, _view(state, **more))


def test_a_plan_asks_for_a_dry_run_by_the_chart_that_is_named(door: Door, run: Run) -> None:
    _planned(door)
    assert run(*PLAN, "--chart-version", "next").returncode == 0
    _, headers, body = door.requests[0]
    wanted = {"app": "checkout", "environment": "staging", "ref": "main", "dry_run": True, "chart_version": "next"}
    assert json.loads(body) == wanted
    assert headers["Idempotency-Key"]


def test_a_plan_without_a_chart_leaves_it_to_the_platform(door: Door, run: Run) -> None:
    _planned(door)
    run(*PLAN)
    assert "chart_version" not in json.loads(door.requests[0][2])


def test_a_plan_shows_what_changes_and_counts_what_does_not(door: Door, run: Run) -> None:
    _planned(door, changes=[UPDATE, SAME, SAME], chart="standard-app 0.2.0")
    lines = run(*PLAN).stdout.splitlines()
    begin = lines.index("update Deployment/checkout")
    assert lines[begin + 1 : begin + 6] == [f"  {line}" for line in UPDATE["diff"].splitlines()]
    assert "2 objects stay as they are" in lines
    assert f"  release {ID}, rendered by standard-app 0.2.0" in lines


def test_a_plan_that_changes_one_thing_less_says_so_in_the_singular(door: Door, run: Run) -> None:
    _planned(door, changes=[SAME])
    assert "1 object stays as it is" in run(*PLAN).stdout.splitlines()


@pytest.mark.parametrize(("state", "code", "exit_code"), [("blocked", None, 3), ("failed", "invalid-input", 2)])
def test_a_plan_that_would_not_do_has_its_exit_code(
    door: Door, run: Run, state: str, code: str | None, exit_code: int
) -> None:
    _planned(door, state, code=code)
    assert run(*PLAN).returncode == exit_code


def test_a_chart_that_there_is_not_is_wrong_usage(door: Door, run: Run) -> None:
    problem = {"title": "No", "detail": "there is no standard chart '9'", "where": "chart_version", "solution": "S"}
    door.says("POST /api/v1/releases", problem, status=400, kind="application/problem+json")
    done = run(*PLAN, "--chart-version", "9")
    assert done.returncode == 2
    assert "chart_version: there is no standard chart '9'" in done.stderr


def test_a_plan_for_scripts_is_a_document(door: Door, run: Run) -> None:
    _planned(door, changes=[UPDATE])
    assert json.loads(run(*PLAN, "-o", "json").stdout)["changes"] == [UPDATE]


def test_a_rollback_says_from_what_to_what(door: Door, run: Run) -> None:
    target = {**_view("deployed"), "revision": 2, "commit": "b" * 40, "commit_subject": "The one before"}
    place = {"name": "staging", "running": _view("deployed"), "rollback_to": target, "history": [target]}
    door.says("GET /api/v1/apps/checkout/environments/staging", place)
    rollback = _view(kind="rollback", rollback_of="01earlier", commit="b" * 40)
    door.says("POST /api/v1/apps/checkout/environments/staging/rollback", rollback, status=202)
    done = run("rollback", "--app", "checkout", "--env", "staging", "--reason", "Because", "--no-wait")
    assert done.returncode == 0
    assert "from  revision 3, commit aaaaaaaa A change" in done.stderr
    assert "to    revision 2, commit bbbbbbbb The one before" in done.stderr
    assert json.loads(door.requests[-1][2]) == {"reason": "Because"}


def test_a_rollback_where_nothing_runs_says_so(door: Door, run: Run) -> None:
    door.says(
        "GET /api/v1/apps/checkout/environments/staging",
        {"name": "staging", "running": None, "rollback_to": None, "history": []},
    )
    problem = {"title": "Nothing to go back to", "detail": "d", "solution": "s"}
    door.says("POST /api/v1/apps/checkout/environments/staging/rollback", problem, status=409)
    done = run("rollback", "--app", "checkout", "--env", "staging", "--reason", "x", "--revision", "2")
    assert done.returncode == 2
    assert "from  nothing" in done.stderr


def test_a_rollback_to_a_revision_says_what_that_was(door: Door, run: Run) -> None:
    target = {**_view("deployed"), "revision": 2, "commit": "b" * 40, "commit_subject": "The one before"}
    place = {"name": "staging", "running": _view("deployed"), "rollback_to": None, "history": [target]}
    door.says("GET /api/v1/apps/checkout/environments/staging", place)
    door.says("POST /api/v1/apps/checkout/environments/staging/rollback", _view(kind="rollback"), status=202)
    more = ("--reason", "x", "--revision", "2", "--no-wait")
    done = run("rollback", "--app", "checkout", "--env", "staging", *more)
    assert "to    revision 2, commit bbbbbbbb The one before" in done.stderr


def test_status_is_a_table_of_what_runs_where(door: Door, run: Run) -> None:
    places = [
        {"name": "staging", "cluster": "c", "namespace": "n", "running": _view("deployed"), "latest": _view("failed")},
        {"name": "production", "cluster": "c", "namespace": "n", "running": None, "latest": None},
    ]
    app = {"name": "checkout", "team": "shop", "repository": "r", "environments": places}
    door.says("GET /api/v1/apps", {"items": [app], "next_cursor": "more"})
    door.says("GET /api/v1/apps", {"items": [], "next_cursor": None})
    out = run("status").stdout
    assert "standard-app 0.1.0" in out
    assert "checkout  staging" in " ".join(out.split("\n")[1].split("   "))
    assert "nothing" in out
    door.says("GET /api/v1/apps/checkout", app)
    one = json.loads(run("status", "checkout", "--env", "production", "-o", "json").stdout)
    assert [place["name"] for place in one["environments"]] == ["production"]


def test_a_first_deploy_yaml_is_written_and_valid(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "deploy.yaml"
    command = ("init", "--app", "checkout", "--image", "r.example.com/a:1", "--file", str(path))
    assert "Wrote" in run(*command).stdout
    assert read(path.read_bytes(), "deploy.yaml", app="checkout", environments=()).file.port == 8080
    before = path.read_bytes()
    again = run(*command)
    assert again.returncode == 2
    assert "is there already" in again.stderr
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--app", "Check out", "--image", "r.example.com/a:1"), "app"),
        (("--app", "checkout", "--image", "a b"), "image"),
    ],
)
def test_what_would_be_no_deploy_yaml_is_not_written(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = run("init", *arguments, "--file", str(tmp_path / "deploy.yaml"))
    assert done.returncode == 2
    assert words in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_told(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "absent" / "deploy.yaml"
    done = run("init", "--app", "a", "--image", "r.example.com/a:1", "--file", str(path))
    assert done.returncode == 2
    assert "No such file" in done.stderr


def test_history_lists_releases_with_reason(door: Door, run: Run) -> None:
    rollback = _view("deployed", kind="rollback", reason="Baskets lose items")
    door.says("GET /api/v1/releases", {"items": [rollback, _view("blocked")], "next_cursor": None})
    out = run("history", "--app", "checkout", "--env", "staging", COLUMNS="200").stdout
    assert "rollback: Baskets lose items" in out
    assert "standard-app 0.1.0" in out
    document = json.loads(run("history", "--app", "checkout", "--env", "staging", "-o", "json").stdout)
    assert len(document["items"]) == 2


def test_history_of_a_place_that_there_is_not_is_no_empty_table(door: Door, run: Run) -> None:
    door.says("GET /api/v1/releases", {"items": [], "next_cursor": None})
    problem = {"title": "Not found", "status": 404, "code": "not-found", "detail": "there is no App 'nope'"}
    door.says("GET /api/v1/apps/nope/environments/staging", problem, status=404, kind="application/problem+json")
    done = run("history", "--app", "nope", "--env", "staging")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no App 'nope'" in done.stderr


def test_status_of_an_environment_that_there_is_not_is_no_empty_table(door: Door, run: Run) -> None:
    door.says("GET /api/v1/apps/checkout", {"name": "checkout", "environments": []})
    problem = {"title": "Not found", "detail": "there is no Environment 'nope'", "solution": "s"}
    door.says("GET /api/v1/apps/checkout/environments/nope", problem, status=404)
    done = run("status", "checkout", "--env", "nope")
    assert done.returncode == 2
    assert "there is no Environment 'nope'" in done.stderr


def test_rows_of_a_piped_table_end_without_blanks(door: Door, run: Run) -> None:
    items = [_view("deployed"), _view("failed", commit_subject="")]
    door.says("GET /api/v1/releases", {"items": items, "next_cursor": None})
    lines = run("history", "--app", "checkout", "--env", "staging").stdout.splitlines()
    assert [line for line in lines if line != line.rstrip()] == []
    assert len(lines) == 3


def test_logs_tell_a_release_again(door: Door, run: Run) -> None:
    door.says(ONE, _view("deployed"))
    log = ("log", {"stage": "rollout", "line": "recovered"})
    progress = ("progress", {"resource": "Deployment/x", "ready": 1, "wanted": 2, "troubles": []})
    door.says(EVENTS, _stream(STAGE, log, progress, _final("deployed")), kind="text/event-stream")
    door.says("GET /api/v1/releases", {"items": [_view("deployed")], "next_cursor": None})
    for arguments in ((ID,), ("--app", "checkout", "--env", "staging"), (ID, "--follow")):
        done = run("logs", *arguments)
        assert done.returncode == 0
        assert "rollout: recovered" in done.stdout
        assert "Deployment/x 1 of 2 ready" in done.stdout


def test_logs_of_an_unfinished_release_do_not_wait(door: Door, run: Run) -> None:
    stage = {"name": "checkout", "state": "running", "detail": ""}
    door.says(ONE, _view("checking", stages=[stage]))
    assert "checking; watch it:" in run("logs", ID).stdout


SUBJECT = "remove [/api] route, [bold]really\x1b[2J"
PRINTED = "remove [/api] route, [bold]really"


def test_what_looks_like_markup_is_printed_as_it_is(door: Door, run: Run) -> None:
    stage = {"name": "checkout", "state": "passed", "detail": SUBJECT}
    release = _view("deployed", commit_subject=SUBJECT)
    place = {"name": "staging", "running": release, "latest": release}
    door.says("GET /api/v1/apps/checkout", {"name": "checkout", "environments": [place]})
    door.says("GET /api/v1/releases", {"items": [release], "next_cursor": None})
    door.says(ONE, _view("checking", stages=[stage]))
    for command in (("status", "checkout"), ("history", "--app", "checkout", "--env", "staging"), ("logs", ID)):
        done = run(*command)
        assert done.returncode == 0, done.stderr
        assert PRINTED in done.stdout
        assert "\x1b" not in done.stdout


def test_logs_want_to_know_which(door: Door, run: Run) -> None:
    assert run("logs").returncode == 2
    door.says("GET /api/v1/releases", {"items": [], "next_cursor": None})
    done = run("logs", "--app", "checkout", "--env", "staging")
    assert done.returncode == 2
    assert "has had no Release" in done.stderr


@pytest.mark.parametrize(("state", "says"), [("cancelled", "cancelled"), ("checking", "asked to stop")])
def test_cancel_says_whether_it_has_ended(door: Door, run: Run, state: str, says: str) -> None:
    door.says(f"POST /api/v1/releases/{ID}/cancel", _view(state), status=202)
    assert says in run("cancel", ID).stdout
    assert json.loads(run("cancel", ID, "-o", "json").stdout)["state"] == state


def test_login_keeps_the_token_for_this_user_alone(door: Door, tmp_path: Path) -> None:
    door.says("GET /api/v1/apps", {"items": [], "next_cursor": None})
    environment = {**_environment(door, tmp_path), "DEPLOYCTL_TOKEN": "", "DEPLOYCTL_URL": ""}
    login = [PROGRAM, "login", "--url", door.url]
    done = subprocess.run(login, input="dg_secret\n", env=environment, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    kept = tmp_path / ".config" / "deployctl" / "config.toml"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert "dg_secret" not in done.stdout + done.stderr
    again = subprocess.run([PROGRAM, "status"], env=environment, capture_output=True, text=True, timeout=30)
    assert again.returncode == 0
    assert door.requests[-1][1]["Authorization"] == "Bearer dg_secret"
    kept.write_text("url = [")
    broken = subprocess.run([PROGRAM, "status"], env=environment, capture_output=True, text=True, timeout=30)
    assert broken.returncode == 2
    assert "can't be read" in broken.stderr


@pytest.mark.parametrize("text", ['a"b', "a\\b", "ä\t😀", "a'b"])
def test_what_login_keeps_is_read_again_whatever_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    for name in ("DEPLOYCTL_URL", "DEPLOYCTL_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    kept = Config(f"https://{text}", text)
    store_config(kept)
    assert load_config() == kept


def test_the_catalogue_works_without_a_gateway(run: Run) -> None:
    assert "image-pinned" in run("policy", "list", DEPLOYCTL_URL="").stdout
    explained = run("policy", "explain", "image-pinned").stdout
    assert "Write:" in explained
    assert "Holds: in the cluster and at the gateway. It blocks" in explained
    assert "A rule since 0.1." in explained
    unknown = run("policy", "explain", "image-pined")
    assert unknown.returncode == 2
    assert "Did you mean 'image-pinned'?" in unknown.stderr


def test_the_catalogue_is_told_to_scripts(run: Run) -> None:
    listed = json.loads(run("policy", "list", "-o", "json").stdout)
    one = json.loads(run("policy", "explain", "kube-score/pod-probes", "-o", "json").stdout)
    assert one in listed
    assert (one["holds"], one["mode"], one["severity"]) == ("kube-score", "enforce", "high")


def test_help_names_every_command_and_the_exit_codes(run: Run) -> None:
    out = run("--help").stdout
    for name in ("release", "status", "logs", "history", "rollback", "cancel", "login", "policy"):
        assert name in out
        assert "deployctl" in run(name, "--help").stdout
    assert "3 blocked by policy" in out
    assert run("releas").returncode == 2


def test_nothing_of_the_server_is_imported() -> None:
    code = "import sys, deployctl.cli, deployctl.following, deployctl.commands.release; print(sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30).stdout
    for name in ("'flask'", "'rq'", "'sqlalchemy'", "'redis'", "'gateway'", "'workers'", "'store'", "'kubernetes'"):
        assert name not in loaded
