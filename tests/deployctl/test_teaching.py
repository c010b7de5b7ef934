"""What is printed of findings is fit to be copied, and warnings say what to write as well."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from deployctl.render.summary import summary
from deployctl.render.verdicts import print_verdicts
from deployctl.verdicts import Report, Verdict, VerdictState
from pipelines.findings import Finding, Mode, Severity
from pipelines.third_party.values_hints import NOT_FOUND

_LONG = "image: registry.example.com/shop/checkout:VERSION   # one that you have built"
_BLOCKS = Finding(
    "image-pinned", Severity.HIGH, Mode.ENFORCE, "Deployment/a", "", "a.yaml:7", "no tag", "Why.", _LONG, "l", "policy"
)
_WARNS = replace(_BLOCKS, rule="kube-score/pod-probes", mode=Mode.WARN)


def _printed(*findings: Finding) -> list[str]:
    screen = io.StringIO()
    verdict = Verdict("a.yaml", "", "local", VerdictState.BLOCKED, findings=findings)
    console = Console(file=screen, force_terminal=True, width=40, color_system=None)
    print_verdicts(console, Report((verdict,), (), 1.0))
    return [line.rstrip() for line in screen.getvalue().splitlines()]


def test_on_a_narrow_terminal_a_snippet_stays_on_its_line() -> None:
    assert f"    write  {_LONG}" in _printed(_BLOCKS)


def test_on_a_narrow_terminal_a_command_stays_on_its_line() -> None:
    commands = [
        line for line in _printed(replace(_BLOCKS, rule="image", values_hint=NOT_FOUND)) if "waiver add" in line
    ]
    assert [line.endswith("--until YYYY-MM-DD") for line in commands] == [True]


def test_a_warning_says_what_to_write_once_for_all_that_it_is_the_same_for() -> None:
    printed = _printed(_WARNS, replace(_WARNS, resource="Deployment/b"))
    assert printed.count(f"    write  {_LONG}") == 1
    assert "  kube-score/pod-probes: Why." in printed


def test_a_warning_without_a_snippet_names_where_to_read() -> None:
    assert "    write  see l" in _printed(replace(_WARNS, how=""))


def test_what_blocks_is_counted_where_something_could_not_be_read_too() -> None:
    verdict = Verdict("a.yaml", "", "local", VerdictState.INVALID, findings=(_BLOCKS, _BLOCKS), counted="3 objects")
    assert summary(Report((verdict,), (), 1.0)) == "3 objects: 1 can't be used, 2 findings block, in 1.0 s"
    one = Report((replace(verdict, findings=(_BLOCKS,)),), (), 1.0)
    assert "1 finding blocks" in summary(one)
