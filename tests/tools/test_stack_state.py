"""Promises about the stack's folder: one stack in it, nobody else's files touched, ended by whoever asks."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.errors import Conflict, DiskFull, InvalidInput
from tests.waiting import PATIENCE_SECONDS, eventually
from tools.stack import Stack, processes, services
from tools.stack.component import Component, ComponentFailed, PortTaken
from tools.stack.ports import free_ports
from tools.stack.processes import ProcessId, UnsupportedSystem
from tools.stack.stack import default_state, end_recorded
from tools.stack.state import Record, recorded, write_record
from tools.stack.supervisor import PROJECT

HOLDER = """
import sys
from pathlib import Path
from tools.stack import Stack, processes, services
from tools.stack.ports import free_ports
from tools.stack.processes import ended_like_ctrl_c
with ended_like_ctrl_c():
    try:
        with Stack.up(Path(sys.argv[1]), components={"redis"}) as stack:
            print("up", flush=True)
            stack.watch()
    except KeyboardInterrupt:
        pass
"""


@contextmanager
def holder(state: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process with a stack in `state` that has a Redis."""
    command: list[str | Path] = [sys.executable, "-c", HOLDER, state]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        try:
            yield process
        finally:
            process.kill()


def names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def redis_of(state: Path) -> ProcessId:
    record = recorded(state)
    assert record is not None
    return record.processes["redis"]


def test_the_folder_is_in_the_current_one_unless_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DEPLOY_GATEWAY_STATE", raising=False)
    assert default_state() == tmp_path / ".deploy-gateway"
    monkeypatch.setenv("DEPLOY_GATEWAY_STATE", "/elsewhere")
    assert default_state() == Path("/elsewhere")


def test_a_second_stack_in_the_same_folder_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    with Stack.up(tmp_path / "state", components={"redis"}) as first:
        with pytest.raises(Conflict, match=f"already runs in .*process {os.getpid()}"):
            Stack.up(tmp_path / "state", components=())
        first.check()


def test_a_folder_with_other_files_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years of work")
    with pytest.raises(InvalidInput, match="not the stack's"):
        Stack.up(tmp_path, components=())
    assert names_in(tmp_path) == ["thesis.txt"]


def test_a_file_in_the_folders_place_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_text("not a folder")
    with pytest.raises(InvalidInput, match="is a file"):
        Stack.up(path, components=())
    assert path.read_text() == "not a folder"


def test_an_unknown_component_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no component kafka.*control-plane, git-server, redis, registry"):
        Stack.up(tmp_path / "state", components={"kafka"})


def test_what_was_there_before_is_gone_after_a_new_start(tmp_path: Path) -> None:
    with Stack.up(tmp_path / "state", components={"git-server"}) as stack:
        (stack.git_root / "old.git").mkdir()
        (tmp_path / "state" / "link").symlink_to(tmp_path)
    with Stack.up(tmp_path / "state", components={"git-server"}) as stack:
        assert list(stack.git_root.iterdir()) == []
    assert tmp_path.exists()


def test_the_folder_and_the_password_in_it_are_for_their_owner_only(tmp_path: Path) -> None:
    with Stack.up(tmp_path / "state", components={"redis"}) as stack:
        assert stat.S_IMODE(stack.state.stat().st_mode) == 0o700
        assert stat.S_IMODE((stack.state / "stack.json").stat().st_mode) == 0o600
        assert stat.S_IMODE((stack.state / "redis" / "redis.conf").stat().st_mode) == 0o600


def test_down_leaves_the_logs_and_nothing_else(tmp_path: Path) -> None:
    with Stack.up(tmp_path / "state", components={"redis"}) as stack:
        process = stack.processes["redis"]
    assert not process.is_alive
    assert names_in(tmp_path / "state") == ["logs", "stack.lock"]
    assert (tmp_path / "state" / "logs" / "redis.log").exists()


def test_down_can_be_repeated(tmp_path: Path) -> None:
    stack = Stack.up(tmp_path / "state", components={"redis"})
    stack.down()
    stack.down()
    assert recorded(stack.state) is None


def test_a_failing_start_leaves_no_process_and_no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[ProcessId] = []

    def fail(stack: Stack) -> None:
        if stack.processes:
            started.extend(stack.processes.values())
            raise KeyboardInterrupt

    monkeypatch.setattr(Stack, "_record", fail)
    with pytest.raises(KeyboardInterrupt):
        Stack.up(tmp_path / "state", components={"redis", "git-server"})
    assert len(started) == 2
    assert not any(process.is_alive for process in started)
    assert names_in(tmp_path / "state") == ["logs", "stack.lock"]


def test_a_failing_addition_leaves_the_rest_as_it_was(tmp_path: Path) -> None:
    path = {"PATH": os.environ["PATH"]}
    with Stack.up(tmp_path / "state", components={"redis"}) as stack:
        fine = Component("fine", ("sleep", "60"), lambda _pid: True, environment=path)
        broken = Component("broken", ("false",), lambda _pid: False, environment=path)
        with pytest.raises(ComponentFailed, match="broken ended with exit code 1"):
            stack.add(fine, broken)
        stack.check()
        assert set(stack.processes) == {"redis"}


def test_a_crash_is_told_by_name(tmp_path: Path) -> None:
    with Stack.up(tmp_path / "state", components={"redis", "git-server"}) as stack:
        os.kill(stack.processes["redis"].pid, signal.SIGKILL)
        with pytest.raises(ComponentFailed, match="redis ended with SIGKILL"):
            stack.watch()


def test_a_port_that_was_taken_meanwhile_is_tried_again_with_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Stack.up(tmp_path / "one", components={"redis"}) as first:
        taken = int(first.redis_url.rpartition(":")[2].split("/")[0])
        offered = [[taken], free_ports(1)]
        monkeypatch.setattr(services, "free_ports", lambda _count: offered.pop(0))
        with Stack.up(tmp_path / "two", components={"redis"}) as second:
            assert str(taken) not in second.redis_url
            second.check()


def test_a_port_that_is_taken_again_and_again_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Stack.up(tmp_path / "one", components={"redis"}) as first:
        taken = int(first.redis_url.rpartition(":")[2].split("/")[0])
        monkeypatch.setattr(services, "free_ports", lambda _count: [taken])
        with pytest.raises(PortTaken, match="redis ended with exit code 1"):
            Stack.up(tmp_path / "two", components={"redis"})


def test_another_process_ends_it(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with holder(state) as process:
        redis = redis_of(state)
        assert end_recorded(state)
        assert process.wait(PATIENCE_SECONDS) == 0
    assert not redis.is_alive
    assert names_in(state) == ["logs", "stack.lock"]


def test_another_process_ends_it_while_it_starts(tmp_path: Path) -> None:
    state = tmp_path / "state"
    command: list[str | Path] = [sys.executable, "-c", HOLDER.replace('{"redis"}', '{"control-plane"}'), state]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        eventually(lambda: (state / "logs" / "etcd.log").exists())
        assert end_recorded(state)
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert output == b""
    assert process.returncode == 0
    assert names_in(state) == ["logs", "stack.lock"]


def test_another_process_ends_what_a_killed_one_left(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with holder(state) as process:
        redis = redis_of(state)
        process.kill()
        process.wait()
        end_recorded(state)
    assert not redis.is_alive
    assert recorded(state) is None


def test_a_holder_that_does_not_end_in_time_is_killed_with_all_it_holds(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with holder(state) as process:
        redis = redis_of(state)
        process.send_signal(signal.SIGSTOP)
        assert end_recorded(state, grace_seconds=0.3)
        assert process.wait(PATIENCE_SECONDS) == -signal.SIGKILL
    assert not redis.is_alive


def test_ending_where_nothing_runs_says_so(tmp_path: Path) -> None:
    assert not end_recorded(tmp_path)


def test_ending_leaves_a_stranger_with_a_recycled_number_alone(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as stranger:
        identity = ProcessId.of(stranger.pid)
        assert identity is not None
        earlier = ProcessId(identity.pid, identity.started - 1)
        write_record(tmp_path, Record(holder=earlier, processes={"redis": earlier}))
        assert not end_recorded(tmp_path)
        assert identity.is_alive
        stranger.kill()


def test_another_process_finds_every_address(tmp_path: Path) -> None:
    with Stack.up(tmp_path / "state", components={"redis", "git-server"}) as stack:
        other = Stack.attach(stack.state)
        assert (other.redis_url, other.git_url, other.registry) == (stack.redis_url, stack.git_url, "")
        assert other.git_root == stack.git_root


def test_another_process_cannot_add_to_it(tmp_path: Path) -> None:
    with Stack.up(tmp_path / "state", components=()) as stack:
        other = Stack.attach(stack.state)
        with pytest.raises(Conflict, match="held by another process"):
            other.add(Component("sleep", ("sleep", "60"), lambda _pid: True))


def test_attaching_to_nothing_says_how_to_start(tmp_path: Path) -> None:
    with pytest.raises(Conflict, match=r"no stack runs in .*dev up"):
        Stack.attach(tmp_path)


def test_attaching_to_one_whose_holder_was_killed_is_attaching_to_nothing(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with holder(state) as process:
        process.kill()
        process.wait()
        with pytest.raises(Conflict, match="no stack runs"):
            Stack.attach(state)


def test_a_record_of_another_version_is_told(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text(json.dumps({"pid": 1}))
    with pytest.raises(InvalidInput, match="not written by this version"):
        Stack.attach(tmp_path)


def test_a_system_without_proc_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_PROC", tmp_path)
    with pytest.raises(UnsupportedSystem, match="has no /proc"):
        Stack.up(tmp_path / "state", components=())


def test_a_full_disk_is_told_with_the_folder(small_disk: Path) -> None:
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "ballast").write_bytes(b"x" * 2 * 1024 * 1024)
    with pytest.raises(DiskFull, match=str(small_disk / "state")) as raised:
        Stack.up(small_disk / "state", components={"redis"})
    assert "DEPLOY_GATEWAY_STATE" in raised.value.solution


def test_a_disk_that_is_too_small_is_told_before_anything_starts(small_disk: Path) -> None:
    with pytest.raises(DiskFull, match="1 MiB is free, and the stack needs 500 MiB"):
        Stack.up(small_disk / "state")
    assert names_in(small_disk / "state") == ["logs", "stack.lock"]
    assert names_in(small_disk / "state" / "logs") == []
