"""What kube-bench measured on one node: read strictly, so that a report which can't be trusted never counts as good.

The shape is that of kube-bench's `--json`: `{"Controls": […], "Totals": {…}}`, or with `--nototals` the bare array.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, NoReturn

from pipelines.errors import UnreadableBenchmark

LARGEST_REPORT_BYTES = 2 * 1024 * 1024
"""A report of all sections is about 250 KiB."""

CONTROL_PLANE, WORKER = "control-plane", "worker"
NODE_CLASSES: Mapping[str, tuple[str, ...]] = {
    CONTROL_PLANE: ("master", "etcd", "controlplane", "policies"),
    WORKER: ("node",),
}
"""Kinds of nodes, and the sections (kube-bench's node types) that a report from one of them must have."""

PRIVILEGES = ("root", "DAC_READ_SEARCH", "hostPID", "read-only hostPath")
"""What kube-bench runs with, and no App may: all of it, as somebody has to review it."""

_MOST_CHECKS = 2000
_LONGEST_TEXT = 20_000
_LONGEST_REASON = 500
_CHECK_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,31}")


class Status(StrEnum):
    """How one check ended. Only `PASS` is one: kube-bench warns of what it could not find out."""

    PASS = "PASS"  # noqa: S105 (kube-bench's own word)
    FAIL = "FAIL"
    WARN = "WARN"
    INFO = "INFO"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check of the benchmark. What it found on the node is not kept: command lines may hold secrets."""

    id: str
    text: str
    status: Status
    scored: bool
    remediation: str
    reason: str

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CheckResult:
        """The inverse of `asdict`."""
        return cls(**{**data, "status": Status(data["status"])})


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One report. `version` is the benchmark's name (`cis-1.11`), `sections` kube-bench's node types in it."""

    version: str
    sections: tuple[str, ...]
    checks: tuple[CheckResult, ...]

    def count(self, status: Status) -> int:
        """How many checks ended so."""
        return sum(check.status is status for check in self.checks)

    def failed(self) -> dict[str, CheckResult]:
        """The checks that failed, by id."""
        return {check.id: check for check in self.checks if check.status is Status.FAIL}

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Benchmark:
        """The inverse of `to_json`."""
        checks = tuple(CheckResult.from_json(check) for check in data["checks"])
        return cls(data["version"], tuple(data["sections"]), checks)


def parse(report: bytes | str, required: Collection[str]) -> Benchmark:
    """What `report` says, which has to have the sections `required`.

    Raises `UnreadableBenchmark` for whatever is not one whole report of kube-bench, and says where it isn't.
    """
    document = _document(report)
    controls = _controls(document)
    checks = tuple(check for at, control in enumerate(controls) for check in _section(control, f"Controls[{at}]"))
    if isinstance(document, dict):
        _insist_on_counts(_object(document["Totals"], "Totals"), Counter(check.status for check in checks), "Totals")
    sections = tuple(_text(control, "node_type", f"Controls[{at}]") for at, control in enumerate(controls))
    _insist_on_one_each("section", sections)
    _insist_on_one_each("check", [check.id for check in checks])
    if len(checks) > _MOST_CHECKS:
        _refuse("Controls", f"there are {len(checks)} checks, and no benchmark has more than {_MOST_CHECKS}")
    missing = [section for section in required if section not in sections]
    if missing:
        _refuse(
            "Controls",
            f"not measured: {', '.join(missing)}; the report has {', '.join(sections)}",
            f"Run it on a node of that class, as `kube-bench run --targets {','.join(required)} --json`",
        )
    return Benchmark(_text(controls[0], "version", "Controls[0]"), sections, checks)


def _document(report: bytes | str) -> Any:
    content = report if isinstance(report, bytes) else report.encode("utf-8", "surrogatepass")
    if len(content) > LARGEST_REPORT_BYTES:
        _refuse("report", f"it is larger than {LARGEST_REPORT_BYTES >> 20} MiB")
    if not content.strip():
        _refuse("report", "it is empty")
    try:
        return json.loads(content.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except UnicodeDecodeError:
        _refuse("report", "it is not UTF-8 text")
    except RecursionError:
        _refuse("report", "it is nested too deeply")
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        if error.msg == "Extra data":
            _refuse(place, "something follows the report", "Send one report, and nothing before or after it")
        _refuse(place, f"it is no JSON, or breaks off there ({error.msg})")
    except ValueError:
        _refuse("report", "it holds a number with too many digits")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        key = Counter(key for key, _ in pairs).most_common(1)[0][0]
        _refuse("report", f"the key {key[:80]!r} stands in one object twice")
    return result


def _no_constant(name: str) -> NoReturn:
    _refuse("report", f"{name} is not a JSON number")


def _controls(document: Any) -> list[Mapping[str, Any]]:
    if isinstance(document, dict):
        if set(document) != {"Controls", "Totals"}:
            known = ", ".join(sorted(document))[:80] or "none"
            _refuse("report", f"its keys should be Controls and Totals, not {known}")
        document = document["Controls"]
    return [_object(control, f"Controls[{at}]") for at, control in enumerate(_some(document, "Controls"))]


def _section(control: Mapping[str, Any], where: str) -> Iterator[CheckResult]:
    counted: Counter[Status] = Counter()
    for at, group in enumerate(_some(control.get("tests"), f"{where}.tests")):
        place = f"{where}.tests[{at}]"
        checks = list(_group(_object(group, place), place))
        _insist_on_counts(group, Counter(check.status for check in checks), place, prefix="")
        counted.update(check.status for check in checks)
        yield from checks
    _insist_on_counts(control, counted, where)


def _group(group: Mapping[str, Any], where: str) -> Iterator[CheckResult]:
    for at, one in enumerate(_some(group.get("results"), f"{where}.results")):
        place = f"{where}.results[{at}]"
        check = _object(one, place)
        id, status, scored = (
            _text(check, "test_number", place),
            _text(check, "status", place),
            check.get("scored"),
        )
        if not _CHECK_ID.fullmatch(id):
            _refuse(f"{place}.test_number", f"{id[:40]!r} is not the number of a check")
        if status not in Status.__members__:
            _refuse(f"{place}.status", f"{status[:40]!r} is none of {', '.join(Status)}")
        if not isinstance(scored, bool):
            _refuse(f"{place}.scored", "it should be true or false")
        yield CheckResult(
            id,
            _text(check, "test_desc", place),
            Status(status),
            scored,
            _text(check, "remediation", place).strip(),
            _text({"reason": "", **check}, "reason", place)[:_LONGEST_REASON],
        )


def _insist_on_counts(
    totals: Mapping[str, Any], counted: Mapping[Status, int], where: str, *, prefix: str = "total_"
) -> None:
    for status in Status:
        key = f"{prefix}{status.lower()}"
        said = totals.get(key)
        if isinstance(said, bool) or not isinstance(said, int):
            _refuse(f"{where}.{key}", "it should be a whole number")
        if said != counted.get(status, 0):
            _refuse(
                f"{where}.{key}", f"it says {said}, and there are {counted.get(status, 0)}: the report does not add up"
            )


def _insist_on_one_each(kind: str, names: Collection[str]) -> None:
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        _refuse("Controls", f"the {kind} {name[:40]!r} is in it {times} times")


def _object(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        _refuse(where, "it should be an object")
    return value


def _some(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        _refuse(where, "it should be a list with something in it: what measured nothing is no pass")
    return value


def _text(part: Mapping[str, Any], key: str, where: str) -> str:
    value = part.get(key)
    if not isinstance(value, str):
        _refuse(f"{where}.{key}", "it should be text")
    if len(value) > _LONGEST_TEXT:
        _refuse(f"{where}.{key}", f"it is longer than {_LONGEST_TEXT} characters")
    return value


def _refuse(
    where: str, reason: str, solution: str = "Send what `kube-bench run --json` printed, whole and unchanged"
) -> NoReturn:
    raise UnreadableBenchmark(reason, solution, where=where)
