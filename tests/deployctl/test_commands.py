"""The other commands of `deployctl` as people and scripts call them."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deployctl.config import Config, load_config, store_config
from pipelines.deployfile import read
from tests.deployctl.answers import EVENTS, ID, ONE, PROGRAM, STAGE, event_stream, final_event, release_view
from tests.deployctl.conftest import Door, Run, shell_of


def test_a_rollback_says_from_what_to_what(door: Door, run: Run) -> None:
    target = {**release_view("deployed"), "revision": 2, "commit": "b" * 40, "commit_subject": "The one before"}
    place = {"name": "staging", "running": release_view("deployed"), "rollback_to": target, "history": [target]}
    door.says("GET /api/v1/apps/checkout/environments/staging", place)
    rollback = release_view(kind="rollback", rollback_of="01earlier", commit="b" * 40)
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
    target = {**release_view("deployed"), "revision": 2, "commit": "b" * 40, "commit_subject": "The one before"}
    place = {"name": "staging", "running": release_view("deployed"), "rollback_to": None, "history": [target]}
    door.says("GET /api/v1/apps/checkout/environments/staging", place)
    door.says("POST /api/v1/apps/checkout/environments/staging/rollback", release_view(kind="rollback"), status=202)
    more = ("--reason", "x", "--revision", "2", "--no-wait")
    done = run("rollback", "--app", "checkout", "--env", "staging", *more)
    assert "to    revision 2, commit bbbbbbbb The one before" in done.stderr


def test_status_is_a_table_of_what_runs_where(door: Door, run: Run) -> None:
    places = [
        {
            "name": "staging",
            "cluster": "c",
            "namespace": "n",
            "running": release_view("deployed"),
            "latest": release_view("failed"),
        },
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


def test_status_says_what_will_block_and_when(door: Door, run: Run) -> None:
    def begins(rule: str, days: int) -> dict[str, Any]:
        day = datetime.now(UTC).date() + timedelta(days=days)
        because = f"the rule blocks from {day}"
        return {"rule": rule, "day": f"{day}", "days_left": days, "resources": ["Deployment/a"], "because": because}

    running = release_view("deployed")
    ahead = [begins("image-pinned", 40), begins("seccomp", 0)]
    place = {"name": "staging", "running": running, "latest": running, "beginning": ahead}
    door.says("GET /api/v1/apps/checkout", {"name": "checkout", "environments": [place]})
    lines = run("status", "checkout").stdout.splitlines()
    assert lines[-3] == "Will block, if nothing is changed"
    assert lines[-2].startswith("  checkout → staging  seccomp  blocks the next Release  Deployment/a: ")
    assert lines[-1].startswith("  checkout → staging  image-pinned  blocks from ")
    assert lines[-1].endswith(f"  Deployment/a: {ahead[0]['because']}")


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
    rollback = release_view("deployed", kind="rollback", reason="Baskets lose items")
    door.says("GET /api/v1/releases", {"items": [rollback, release_view("blocked")], "next_cursor": None})
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
    items = [release_view("deployed"), release_view("failed", commit_subject="")]
    door.says("GET /api/v1/releases", {"items": items, "next_cursor": None})
    lines = run("history", "--app", "checkout", "--env", "staging").stdout.splitlines()
    assert [line for line in lines if line != line.rstrip()] == []
    assert len(lines) == 3


def test_logs_tell_a_release_again(door: Door, run: Run) -> None:
    door.says(ONE, release_view("deployed"))
    log = ("log", {"stage": "rollout", "line": "recovered"})
    progress = ("progress", {"resource": "Deployment/x", "ready": 1, "wanted": 2, "troubles": []})
    door.says(EVENTS, event_stream(STAGE, log, progress, final_event("deployed")), kind="text/event-stream")
    door.says("GET /api/v1/releases", {"items": [release_view("deployed")], "next_cursor": None})
    for arguments in ((ID,), ("--app", "checkout", "--env", "staging"), (ID, "--follow")):
        done = run("logs", *arguments)
        assert done.returncode == 0
        assert "rollout: recovered" in done.stdout
        assert "Deployment/x 1 of 2 ready" in done.stdout


def test_logs_of_an_unfinished_release_do_not_wait(door: Door, run: Run) -> None:
    stage = {"name": "checkout", "state": "running", "detail": ""}
    door.says(ONE, release_view("checking", stages=[stage]))
    assert "checking; watch it:" in run("logs", ID).stdout


SUBJECT = "remove [/api] route, [bold]really\x1b[2J"
PRINTED = "remove [/api] route, [bold]really"


def test_what_looks_like_markup_is_printed_as_it_is(door: Door, run: Run) -> None:
    stage = {"name": "checkout", "state": "passed", "detail": SUBJECT}
    release = release_view("deployed", commit_subject=SUBJECT)
    place = {"name": "staging", "running": release, "latest": release}
    door.says("GET /api/v1/apps/checkout", {"name": "checkout", "environments": [place]})
    door.says("GET /api/v1/releases", {"items": [release], "next_cursor": None})
    door.says(ONE, release_view("checking", stages=[stage]))
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
    door.says(f"POST /api/v1/releases/{ID}/cancel", release_view(state), status=202)
    assert says in run("cancel", ID).stdout
    assert json.loads(run("cancel", ID, "-o", "json").stdout)["state"] == state


def test_login_keeps_the_token_for_this_user_alone(door: Door, tmp_path: Path) -> None:
    door.says("GET /api/v1/apps", {"items": [], "next_cursor": None})
    environment = {**shell_of(door, tmp_path), "DEPLOYCTL_TOKEN": "", "DEPLOYCTL_URL": ""}
    login = [PROGRAM, "login", "--url", door.url]
    done = subprocess.run(login, input="dg_secret\n", env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    kept = tmp_path / ".config" / "deployctl" / "config.toml"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert "dg_secret" not in done.stdout + done.stderr
    again = subprocess.run([PROGRAM, "status"], env=environment, capture_output=True, text=True, timeout=60)
    assert again.returncode == 0
    assert door.requests[-1][1]["Authorization"] == "Bearer dg_secret"
    kept.write_text("url = [")
    broken = subprocess.run([PROGRAM, "status"], env=environment, capture_output=True, text=True, timeout=60)
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
    listed = run("policy", "list", DEPLOYCTL_URL="").stdout
    assert "  image-pinned  " in listed
    assert max(map(len, listed.splitlines())) <= 100
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
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    for name in ("'flask'", "'rq'", "'sqlalchemy'", "'redis'", "'gateway'", "'workers'", "'store'", "'kubernetes'"):
        assert name not in loaded
