"""How a Release goes: a live list of stages on a terminal, a line for each event elsewhere."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from deployctl.client import StreamEvent
from deployctl.render.text import safe, seconds

_MARKS = {"passed": ("✓", "green"), "failed": ("✗", "red"), "blocked": ("✗", "red")}


class Progress(Protocol):
    """Shows events while they come."""

    def __enter__(self) -> Progress: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, event: StreamEvent) -> None:
        """Shows one more event."""


def make_progress(console: Console) -> Progress:
    """The form that fits where `console` prints to."""
    return LiveProgress(console) if console.is_terminal else PlainProgress(console)


def trouble_lines(trouble: dict[str, Any]) -> list[str]:
    """A pod in trouble: which, why, its last events, the end of its log."""
    head = f"{safe(trouble['pod'])}, container {safe(trouble['container'])}: {safe(trouble['condition'])}"
    if trouble["message"]:
        head += f" ({safe(trouble['message'])})"
    events = [f"  event  {safe(line)}" for line in trouble["events"][-2:]]
    return [head, *events, *(f"  log    {safe(line)}" for line in trouble["log_tail"][-3:])]


class PlainProgress:
    """A line for each event: for CI, files and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last = ""
        self._how_far: dict[str, str] = {}

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, event: StreamEvent) -> None:
        """See `Progress.show`."""
        line = _line(event)
        if event.type == "progress":
            # Log lines may stand between two events that say the same.
            if self._how_far.get(event.data["resource"]) == line:
                return
            self._how_far[event.data["resource"]] = line
        if line and line != self._last:
            self._last = line
            self._console.print(Text(line), soft_wrap=True)


def _line(event: StreamEvent) -> str:
    data = event.data
    if event.type == "stage" and data["state"] != "running":
        took = f" in {seconds(data['seconds'])}" if data.get("seconds") is not None else ""
        return f"{data['name']}: {data['state']}{took}{_detail(data)}"
    if event.type == "progress":
        return f"rollout: {_how_far(data)}"
    if event.type == "log":
        return f"{data['stage'] or 'release'}: {safe(data['line'])}"
    return ""


def _how_far(data: dict[str, Any]) -> str:
    """`Deployment/x 1 of 3 ready`; a Job is never ready, but done."""
    resource = safe(data["resource"])
    if data.get("failure"):
        return f"{resource} failed"
    if data.get("goes_back"):
        return f"going back: {resource} {data['ready']} of {data['wanted']} ready"
    return f"{resource} {data['ready']} of {data['wanted']} {'done' if resource.startswith('Job/') else 'ready'}"


def _detail(data: dict[str, Any]) -> str:
    text = safe(data.get("detail") or "")
    # The whole reason comes at the end, with what to do.
    shown = text.split(". ")[0] if data["state"] == "failed" else text
    return f": {shown}" if shown else ""


@dataclass(slots=True)
class _Stage:
    state: str
    began: float
    took: float | None = None
    detail: str = ""


@dataclass(slots=True)
class _Picture:
    stages: dict[str, _Stage] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


class LiveProgress:
    """A list of stages that is drawn again as they go on."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._picture = _Picture()
        self._spinner = Spinner("dots", style="cyan")
        self._live = Live(get_renderable=self._draw, console=console, refresh_per_second=10, transient=False)

    def __enter__(self) -> LiveProgress:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._picture.troubles = []
        self._live.__exit__(kind, error, trace)

    def show(self, event: StreamEvent) -> None:
        """See `Progress.show`."""
        data, picture = event.data, self._picture
        if event.type == "stage":
            known = picture.stages.setdefault(data["name"], _Stage(data["state"], time.monotonic()))
            if data["state"] == "running":
                known.began = time.monotonic()
            known.state, known.took, known.detail = data["state"], data.get("seconds"), safe(data["detail"])
        elif event.type == "progress":
            rollout = picture.stages.get("rollout")
            if rollout is not None and rollout.state == "running":
                rollout.detail = _how_far(data)
            picture.troubles = [line for trouble in data["troubles"][:1] for line in trouble_lines(trouble)]
        elif event.type == "log":
            picture.lines = [*picture.lines, safe(data["line"])][-3:]
        self._live.refresh()

    def _draw(self) -> Table:
        table = Table.grid(padding=(0, 1))
        # Rich narrows the columns that may wrap: only the last one, whose cells are cut instead.
        table.add_column(width=1, no_wrap=True)
        table.add_column(width=10, no_wrap=True)
        table.add_column(width=9, no_wrap=True, justify="right")
        table.add_column(ratio=1)
        for name, stage in self._picture.stages.items():
            took = stage.took if stage.took is not None else time.monotonic() - stage.began
            mark, style = _MARKS.get(stage.state, ("", ""))
            first = Text(mark, style=f"{style} bold") if mark else self._spinner
            table.add_row(
                first,
                Text(safe(name)),
                Text(seconds(took), style="dim"),
                _cut(stage.detail.splitlines()[0] if stage.detail else ""),
            )
        for line in self._picture.lines:
            table.add_row("", "", "", _cut(line, style="dim"))
        for line in self._picture.troubles:
            table.add_row("", "", "", _cut(line, style="yellow"))
        return table


def _cut(text: str, style: str = "") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")
