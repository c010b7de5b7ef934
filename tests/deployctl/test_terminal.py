"""On a terminal: stages that move, and nothing left behind."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys

import click
import pytest
from rich.console import Console
from rich.text import Text

from deployctl.client import StreamEvent
from deployctl.render.outcome import print_changes
from deployctl.render.progress import LiveProgress, PlainProgress, make_progress
from deployctl.render.text import ago, put, put_whole, safe, seconds


def _event(kind: str, **data: object) -> StreamEvent:
    return StreamEvent("1", kind, dict(data))


TROUBLE = {
    "pod": "checkout-1",
    "container": "checkout",
    "condition": "CrashLoopBackOff",
    "message": "back-off",
    "events": ["BackOff: restarting"],
    "log_tail": ["no such file"],
}


def test_a_terminal_gets_the_live_form_and_a_pipe_lines() -> None:
    assert isinstance(make_progress(Console(file=io.StringIO(), force_terminal=True)), LiveProgress)
    assert isinstance(make_progress(Console(file=io.StringIO())), PlainProgress)


def test_stages_troubles_and_log_lines_are_drawn() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80, color_system=None)
    with LiveProgress(console) as progress:
        progress.show(_event("stage", name="checkout", state="running", detail="", seconds=None))
        progress.show(_event("stage", name="checkout", state="passed", detail="abc A change", seconds=0.2))
        progress.show(_event("stage", name="rollout", state="running", detail="", seconds=None))
        progress.show(_event("log", stage="rollout", line="recovered"))
        progress.show(_event("progress", resource="Deployment/x", ready=1, wanted=3, troubles=[TROUBLE]))
        drawn = screen.getvalue()
        progress.show(_event("stage", name="rollout", state="failed", detail="no", seconds=8.0))
    for part in ("✓ checkout", "0.2 s abc A change", "Deployment/x 1 of 3 ready", "recovered", "checkout-1, container"):
        assert part in drawn
    assert "BackOff: restarting" in drawn
    assert "no such file" in drawn
    assert "✗ rollout" in screen.getvalue()


def test_a_job_is_done_or_failed_and_never_ready() -> None:
    screen = io.StringIO()
    progress = PlainProgress(Console(file=screen))
    progress.show(_event("progress", resource="Job/x-migrate", ready=0, wanted=1, troubles=[], failure=""))
    progress.show(_event("progress", resource="Job/x-migrate", ready=0, wanted=1, troubles=[], failure="Deadline: 1"))
    assert screen.getvalue().splitlines() == ["rollout: Job/x-migrate 0 of 1 done", "rollout: Job/x-migrate failed"]


def test_a_long_detail_leaves_mark_name_and_time_whole_at_80_columns() -> None:
    screen = io.StringIO()
    detail = "d90f2233 registry.example.com/shop/checkout@sha256:" + "a" * 64
    with LiveProgress(Console(file=screen, force_terminal=True, width=80, color_system=None)) as progress:
        progress.show(_event("stage", name="checkout", state="passed", detail=detail, seconds=0.2))
        progress.show(_event("log", stage="rollout", line="word " * 40))
    last = screen.getvalue().rpartition("✓")[2].splitlines()
    assert last[0].startswith(" checkout       0.2 s d90f2233")
    assert "…" in last[0]
    assert "…" in last[1]


def test_how_far_a_job_is_stands_there_once_though_its_log_goes_on() -> None:
    screen = io.StringIO()
    progress = PlainProgress(Console(file=screen))
    for line in ("one", "two"):
        progress.show(_event("progress", resource="Job/x", ready=0, wanted=1, troubles=[], failure=""))
        progress.show(_event("log", stage="rollout", line=line))
    assert screen.getvalue().splitlines() == ["rollout: Job/x 0 of 1 done", "rollout: one", "rollout: two"]


def test_what_runs_again_is_not_taken_for_what_was_to_run() -> None:
    screen = io.StringIO()
    PlainProgress(Console(file=screen)).show(
        _event("progress", resource="Deployment/x", ready=3, wanted=3, troubles=[], goes_back=True)
    )
    assert screen.getvalue() == "rollout: going back: Deployment/x 3 of 3 ready\n"


def test_long_texts_fold_on_a_terminal_and_stay_whole_elsewhere() -> None:
    for is_terminal, lines in ((True, 2), (False, 1)):
        screen = io.StringIO()
        put(Console(file=screen, force_terminal=is_terminal, width=40, color_system=None), Text("word " * 12), indent=2)
        assert len(screen.getvalue().splitlines()) == lines


def test_a_diff_has_the_colours_of_a_diff() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80, color_system="standard", no_color=False)
    diff = "--- runs now\n+++ after this Release\n@@ -1 +1 @@\n-old\n+new\n same"
    print_changes(console, [{"resource": "Deployment/x", "action": "update", "diff": diff}])
    drawn = screen.getvalue()
    for text, code in (("--- runs now", 2), ("@@ -1 +1 @@", 36), ("-old", 31), ("+new", 32)):
        assert f"\x1b[{code}m  {text}\x1b[0m" in drawn
    assert "\n   same" in drawn


def test_times_are_short() -> None:
    assert [seconds(value) for value in (None, 0.44, 12.0, 185.0)] == ["", "0.4 s", "12 s", "3 min 5 s"]
    assert ago(None) == ""
    assert ago("2020-01-01T00:00:00Z").endswith(" d ago")
    assert ago("2999-01-01T00:00:00Z") == "0 s ago"


def test_texts_from_elsewhere_are_safe() -> None:
    assert safe("a\x1b[31mb\x07\u202ec\td") == "abc    d"


_TABLE = """
from deployctl.render.tables import print_table
headings = ("RELEASE", "STATE", "CHART", "BY", "WHAT")
row = ("01m87tezw1n06azpbsqdz4rnk3", "rolled_back", "standard-app 0.2.0", "shop", "x " * 60)
print_table(headings, [row], may_go=("CHART", "BY"))
"""


@pytest.mark.parametrize(("width", "headings"), [(120, "RELEASE STATE CHART BY WHAT"), (54, "RELEASE STATE WHAT")])
def test_a_narrow_terminal_goes_without_what_matters_least(width: int, headings: str) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(width), "NO_COLOR": "1", "TERM": "xterm"}
    subprocess.run([sys.executable, "-c", _TABLE], stdout=theirs, env=environment, check=True, timeout=60)
    first, second = click.unstyle(os.read(ours, 4096).decode()).splitlines()
    os.close(ours)
    os.close(theirs)
    assert " ".join(first.split()) == headings
    assert second.startswith("01m87tezw1n06azpbsqdz4rnk3  rolled_back ")
    assert len(second) <= width


def test_a_line_that_is_to_be_copied_is_never_broken() -> None:
    screen = io.StringIO()
    put_whole(Console(file=screen, force_terminal=True, width=40, color_system=None), Text("word " * 12), indent=2)
    assert screen.getvalue().count("\n") == 1
