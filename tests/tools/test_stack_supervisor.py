"""Promises of the supervisor: started as needs allow, named when they fail, none left when it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import Conflict, DiskFull, ToolMissing
from tests.waiting import PATIENCE_SECONDS, eventually
from tools.stack import supervisor as supervisors
from tools.stack.component import Component, ComponentFailed, PortTaken
from tools.stack.processes import ProcessId, end_session, members
from tools.stack.supervisor import PROJECT, Supervisor


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, said: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(tmp_path / "logs", said.append)
    yield supervisor
    supervisor.stop()


def python(name: str, program: str, ready: Callable[[int], bool] = lambda _pid: True, **more: Any) -> Component:
    argv = (sys.executable, "-c", textwrap.dedent(program))
    return Component(name, argv, ready, **more)


def sleeper(name: str, ready: Callable[[int], bool] = lambda _pid: True, **more: Any) -> Component:
    return Component(name, ("sleep", "60"), ready, environment={"PATH": os.environ["PATH"]}, **more)


def test_a_component_starts_when_what_it_needs_is_ready(supervisor: Supervisor) -> None:
    seen: list[set[str]] = []
    asked = 0

    def ready_when_asked_three_times(_pid: int) -> bool:
        nonlocal asked
        asked += 1
        seen.append(set(supervisor.processes))
        return asked == 3

    supervisor.start([sleeper("second", needs=("first",)), sleeper("first", ready_when_asked_three_times)])
    assert seen == [{"first"}] * 3
    assert list(supervisor.processes) == ["first", "second"]


def test_components_without_needs_start_side_by_side(supervisor: Supervisor) -> None:
    def both(_pid: int) -> bool:
        return len(supervisor.processes) == 2

    supervisor.start([sleeper("one", both), sleeper("other", both)])
    assert set(supervisor.processes) == {"one", "other"}


def test_each_is_told_of_when_it_is_ready(supervisor: Supervisor, said: list[str]) -> None:
    supervisor.start([sleeper("one")])
    (line,) = said
    assert re.fullmatch(r"one: ready after \d+\.\d s", line)


def test_one_that_ends_while_starting_is_named_with_the_end_of_its_log(supervisor: Supervisor) -> None:
    program = "print('first words'); print('no such file: /etc/what'); raise SystemExit(3)"
    with pytest.raises(ComponentFailed) as raised:
        supervisor.start([sleeper("fine"), python("broken", program, lambda _pid: False)])
    assert raised.value.where == "broken"
    assert "broken ended with exit code 3" in raised.value.reason
    assert "no such file: /etc/what" in raised.value.reason
    assert "broken.log" in raised.value.solution


def test_one_that_ends_later_is_named_with_its_signal(supervisor: Supervisor) -> None:
    supervisor.start([sleeper("victim")])
    os.kill(supervisor.processes["victim"].pid, signal.SIGKILL)
    with pytest.raises(ComponentFailed, match="victim ended with SIGKILL"):
        supervisor.watch()


def test_of_a_long_log_only_the_end_is_told(supervisor: Supervisor) -> None:
    program = "for n in range(100_000): print('line', n)\nraise SystemExit(1)"
    with pytest.raises(ComponentFailed) as raised:
        supervisor.start([python("chatty", program, lambda _pid: False)])
    assert "line 99999" in raised.value.reason
    assert len(raised.value.reason) < 1000


def test_one_that_never_gets_ready_is_named_at_its_deadline(supervisor: Supervisor) -> None:
    with pytest.raises(ComponentFailed, match=r"idle was not ready after \d+ s") as raised:
        supervisor.start([sleeper("idle", lambda _pid: False, deadline_seconds=0.2)])
    assert "(empty)" in raised.value.reason


@pytest.mark.parametrize("program", ["/nowhere/etcd", "/etc/passwd"])
def test_a_program_that_cannot_be_run_is_a_missing_tool(supervisor: Supervisor, program: str) -> None:
    with pytest.raises(ToolMissing, match=program) as raised:
        supervisor.start([Component("etcd", (program,), lambda _pid: True)])
    assert raised.value.where == "etcd"


def test_a_need_that_nobody_meets_is_an_error_and_not_a_wait(supervisor: Supervisor) -> None:
    with pytest.raises(ComponentFailed, match="lonely needs etcd"):
        supervisor.start([sleeper("lonely", needs=("etcd",))])


def test_a_taken_port_in_the_log_is_told_apart(supervisor: Supervisor) -> None:
    program = """
        import socket
        taken = socket.create_server(("127.0.0.1", 0))
        socket.create_server(taken.getsockname())
    """
    with pytest.raises(PortTaken):
        supervisor.start([python("server", program, lambda _pid: False)])


def test_a_full_disk_in_the_log_is_told_apart(supervisor: Supervisor) -> None:
    program = "with open('/dev/full', 'w') as full: full.write('x')"
    with pytest.raises(DiskFull, match="No space left"):
        supervisor.start([python("writer", program, lambda _pid: False)])


def test_a_component_sees_its_own_environment_and_no_other(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/secret")
    program = "import os, time; print(sorted(os.environ), flush=True); time.sleep(60)"
    log = tmp_path / "logs" / "child.log"
    supervisor.start(
        [python("child", program, lambda _pid: log.stat().st_size > 0, environment={"LC_ALL": "C", "ONLY": "this"})]
    )
    assert log.read_text().strip() == "['LC_ALL', 'ONLY']"


def test_stopping_asks_first(supervisor: Supervisor, tmp_path: Path) -> None:
    program = """
        import signal, sys
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(print("in good order", flush=True)))
        print("ready", flush=True)
        while True: signal.pause()
    """
    log = tmp_path / "logs" / "polite.log"
    supervisor.start([python("polite", program, lambda _pid: log.stat().st_size > 0)])
    supervisor.stop()
    assert log.read_text() == "ready\nin good order\n"


def test_one_that_does_not_listen_is_killed_after_its_grace(supervisor: Supervisor, tmp_path: Path) -> None:
    program = """
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("ready", flush=True)
        while True: signal.pause()
    """
    log = tmp_path / "logs" / "deaf.log"
    supervisor.start([python("deaf", program, lambda _pid: log.stat().st_size > 0, grace_seconds=0.3)])
    process = supervisor.processes["deaf"]
    supervisor.stop()
    assert not process.is_alive


def test_one_whose_start_is_interrupted_is_known_and_so_can_be_ended(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(component: Component, output: int) -> subprocess.Popen[bytes]:
        process = popen(component, output)
        signal.raise_signal(signal.SIGINT)
        return process

    popen = supervisors._popen
    monkeypatch.setattr(supervisors, "_popen", interrupted)
    with pytest.raises(KeyboardInterrupt):
        supervisor.start([sleeper("one"), sleeper("other")])
    assert list(supervisor.processes) == ["one"]


def test_in_a_thread_that_hears_no_signals_one_is_started_as_well(supervisor: Supervisor) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(supervisor.start, [sleeper("one")]).result()
    supervisor.check()


CHILD_IN_ITS_OWN_GROUP = """
    import os, subprocess, time
    child = subprocess.Popen(["sleep", "60"], process_group=0)
    print(child.pid, flush=True)
    time.sleep(60)
"""


def test_what_a_component_has_started_ends_with_it(supervisor: Supervisor, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "parent.log"
    environment = {"PATH": os.environ["PATH"]}
    supervisor.start(
        [python("parent", CHILD_IN_ITS_OWN_GROUP, lambda _pid: log.stat().st_size > 0, environment=environment)]
    )
    child = ProcessId.of(int(log.read_text()))
    assert child is not None
    supervisor.stop({"parent"})
    assert not child.is_alive


def test_stopping_one_leaves_the_others(supervisor: Supervisor) -> None:
    supervisor.start([sleeper("one"), sleeper("other")])
    supervisor.stop({"one"})
    supervisor.check()
    assert list(supervisor.processes) == ["other"]


def test_stopping_none_stops_none(supervisor: Supervisor) -> None:
    supervisor.start([sleeper("one")])
    supervisor.stop(())
    supervisor.check()
    assert list(supervisor.processes) == ["one"]


def test_one_that_runs_is_not_started_twice(supervisor: Supervisor) -> None:
    supervisor.start([sleeper("one")])
    first = supervisor.processes["one"]
    with pytest.raises(Conflict, match="one runs already"):
        supervisor.start([sleeper("other"), sleeper("one")])
    assert supervisor.processes == {"one": first}


def test_a_stopped_one_can_be_started_again(supervisor: Supervisor) -> None:
    supervisor.start([sleeper("one")])
    first = supervisor.processes["one"]
    supervisor.stop({"one"})
    supervisor.start([sleeper("one")])
    assert supervisor.processes["one"] != first


def test_killing_one_is_no_crash_that_is_reported(supervisor: Supervisor) -> None:
    supervisor.start([sleeper("one")])
    process = supervisor.processes["one"]
    supervisor.kill("one")
    supervisor.check()
    assert not process.is_alive


HOLDER = """
    import sys
    from pathlib import Path
    from tools.stack.component import Component
    from tools.stack.processes import ended_like_ctrl_c
    from tools.stack.supervisor import Supervisor

    logs = Path(sys.argv[1])
    log = logs / "parent.log"
    supervisor = Supervisor(logs, lambda _line: None)
    program = Path(sys.argv[2]).read_text()
    argv = (sys.executable, "-c", program)
    environment = {"PATH": "/usr/bin:/bin"}
    component = Component("parent", argv, lambda _pid: log.stat().st_size > 0, environment=environment)
    with ended_like_ctrl_c():
        try:
            supervisor.start([component])
            print(supervisor.processes["parent"].pid, flush=True)
            supervisor.watch()
        except KeyboardInterrupt:
            supervisor.stop()
            print("stopped", flush=True)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_nothing_survives_the_holder_however_it_ends(tmp_path: Path, how: signal.Signals) -> None:
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(CHILD_IN_ITS_OWN_GROUP))
    command: list[str | Path] = [sys.executable, "-c", textwrap.dedent(HOLDER), tmp_path / "logs", program]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as holder:
        assert holder.stdout is not None
        leader = ProcessId.of(int(holder.stdout.readline()))
        assert leader is not None
        assert len(members(leader)) == 2
        holder.send_signal(how)
        eventually(lambda: not members(leader))
        assert holder.stdout.read() == ("" if how == signal.SIGKILL else "stopped\n")


def test_a_stranger_with_a_recycled_number_is_not_ended() -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as stranger:
        identity = ProcessId.of(stranger.pid)
        assert identity is not None
        end_session(ProcessId(identity.pid, identity.started - 1))
        assert identity.is_alive
        end_session(identity)
        assert stranger.wait(PATIENCE_SECONDS) == -signal.SIGKILL
