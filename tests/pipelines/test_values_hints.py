"""The search for values: what is kept, what is told where nothing is, and that it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from pipelines.findings import Finding, Mode, Severity
from pipelines.third_party.values_candidates import Candidate
from pipelines.third_party.values_hints import NOT_FOUND, NOT_LOOKED_FOR, Hints, Outcome, hints, key_of

FINDING = Finding("root", Severity.HIGH, Mode.ENFORCE, "Deployment/x", "user", "", "is 0", "", "", "", "policy")
ROOT, PULL = FINDING, replace(FINDING, rule="pull", field="pull")
OBJECTS = frozenset({"Deployment/x", "ClusterRole/x", "ClusterRoleBinding/x"})
Chart = Callable[[Mapping[str, Any]], Outcome | None]


@dataclass
class Trying:
    """Implements `Trials`: `chart` says what comes of values; each takes a second of those that there are."""

    chart: Chart
    seconds: float = 100.0
    asked: list[Mapping[str, Any]] = field(default_factory=list)

    def outcome(self, values: Mapping[str, Any]) -> Outcome | None:
        self.asked.append(values)
        return self.chart(values)

    def seconds_left(self) -> float:
        return self.seconds - len(self.asked)


def _writing(key: str, value: Any = 1, leaves_out: str | None = None) -> Candidate:
    return Candidate((key,), {key: value}, leaves_out)


def _found(trials: Trying, **options: list[Candidate]) -> Hints:
    now = trials.chart({})
    assert now is not None
    return hints(now, lambda finding: tuple(options.get(finding.rule, ())), trials)


def _ending(**by_key: Finding) -> Chart:
    """Each key ends its finding."""
    return lambda values: Outcome(OBJECTS, tuple(one for key, one in by_key.items() if key not in values))


def test_the_value_that_ends_a_finding_is_kept_and_what_has_no_effect_is_not() -> None:
    found = _found(Trying(_ending(user=ROOT)), root=[_writing("nothing"), _writing("user", {"id": 1})])
    assert found.values == {"user": {"id": 1}}
    assert yaml.safe_load(found.text(ROOT)) == {"user": {"id": 1}}


def test_a_finding_without_a_key_says_so_and_a_warning_or_a_waived_one_says_nothing() -> None:
    warning, waived = replace(PULL, mode=Mode.WARN), replace(FINDING, rule="waived", waiver="by Ada")
    trials = Trying(lambda _: Outcome(OBJECTS, (ROOT, warning, waived)))
    found = _found(trials, root=[_writing("a")], waived=[_writing("b")])
    assert [found.text(one) for one in (ROOT, warning, waived)] == [NOT_FOUND, "", ""]
    assert trials.asked == [{"a": 1}]


def test_findings_that_one_key_may_end_are_tried_together() -> None:
    def chart(values: Mapping[str, Any]) -> Outcome:
        said = values.get("context", {})
        return Outcome(OBJECTS, tuple(one for one in (ROOT, PULL) if one.rule not in said))

    trials = Trying(chart)
    options = {rule: [Candidate(("context",), {"context": {rule: 1}})] for rule in ("root", "pull")}
    found = _found(trials, **options)
    assert trials.asked == [{"context": {"root": 1, "pull": 1}}]
    assert yaml.safe_load(found.text(PULL)) == {"context": {"pull": 1}}


def test_of_several_that_are_tried_together_those_without_effect_are_left_out() -> None:
    def chart(values: Mapping[str, Any]) -> Outcome:
        return Outcome(OBJECTS, (PULL,) if "root" in values.get("context", {}) else (ROOT, PULL))

    options = {rule: [Candidate(("context",), {"context": {rule: 1}})] for rule in ("root", "pull")}
    found = _found(Trying(chart), **options)
    assert found.values == {"context": {"root": 1}}
    assert found.text(PULL) == NOT_FOUND


def test_what_needs_another_key_of_its_block_to_have_an_effect_is_found_with_it_or_not_at_all() -> None:
    def chart(values: Mapping[str, Any]) -> Outcome:
        return Outcome(OBJECTS, (PULL,) if values.get("context") == {"root": 1, "pull": 1} else (ROOT, PULL))

    options = {rule: [Candidate(("context",), {"context": {rule: 1}})] for rule in ("root", "pull")}
    assert _found(Trying(chart), **options).values == {}


def test_of_several_one_that_brings_something_new_doesnt_spoil_the_others() -> None:
    def chart(values: Mapping[str, Any]) -> Outcome | None:
        said = values.get("context", {})
        return None if "pull" in said else Outcome(OBJECTS, (PULL,) if "root" in said else (ROOT, PULL))

    options = {rule: [Candidate(("context",), {"context": {rule: 1}})] for rule in ("root", "pull")}
    found = _found(Trying(chart), **options)
    assert found.values == {"context": {"root": 1}}
    assert found.text(PULL) == NOT_FOUND


def test_the_same_key_is_tried_apart_for_each_container() -> None:
    first, second = (replace(ROOT, field=f"spec.containers[{at}].user") for at in range(2))

    def chart(values: Mapping[str, Any]) -> Outcome:
        return Outcome(OBJECTS, (second,) if values else (first, second))

    trials = Trying(chart)
    found = _found(trials, root=[_writing("user")])
    assert (found.text(first), found.text(second)) == ("user: 1", NOT_FOUND)


def test_what_brings_a_finding_that_blocks_is_not_kept() -> None:
    other = replace(FINDING, rule="other")
    trials = Trying(lambda values: Outcome(OBJECTS, (other,) if values else (ROOT,)))
    assert _found(trials, root=[_writing("user")]).values == {}


def test_a_warning_may_come_in_place_of_what_blocks_and_not_of_a_warning() -> None:
    warning, other = (replace(FINDING, rule=rule, mode=Mode.WARN) for rule in ("warning", "other"))

    def chart(values: Mapping[str, Any]) -> Outcome:
        left = [*([] if "user" in values else [ROOT]), *([] if "w" in values else [warning])]
        return Outcome(OBJECTS, (*left, *[replace(other, field=key) for key in values]))

    found = _found(Trying(chart), root=[_writing("user")], warning=[_writing("w")])
    assert found.values == {"user": 1}


def test_what_could_not_be_taken_is_tried_again_when_something_else_was_kept() -> None:
    other = replace(FINDING, rule="other")

    def chart(values: Mapping[str, Any]) -> Outcome:
        left = [one for key, one in (("user", ROOT), ("tag", PULL)) if key not in values]
        return Outcome(OBJECTS, (*left, other) if values.keys() == {"user"} else tuple(left))

    trials = Trying(chart)
    found = _found(trials, root=[_writing("user")], pull=[_writing("nothing"), _writing("tag")])
    assert found.values == {"tag": 1, "user": 1}


def test_what_was_ended_by_the_way_says_by_which_value() -> None:
    all_three = (ROOT, PULL, replace(ROOT, field="b"))
    found = hints(
        Outcome(OBJECTS, all_three),
        lambda one: (_writing("user"),) if one == ROOT else (),
        Trying(lambda values: Outcome(OBJECTS, () if values else all_three)),
    )
    assert {found.text(one) for one in all_three} == {"user: 1"}


def test_no_object_may_go_but_one_that_is_found_fault_with_and_told() -> None:
    role = replace(FINDING, rule="role", resource="ClusterRole/x", field="")

    def chart(values: Mapping[str, Any]) -> Outcome:
        gone = {"rbac": {"ClusterRole/x", "ClusterRoleBinding/x"}, "all": {"Deployment/x"}}
        left = OBJECTS - {one for key in values for one in gone.get(key, ())}
        found = [ROOT] * ("Deployment/x" in left) + [role] * ("ClusterRole/x" in left)
        return Outcome(left, tuple(found))

    options = [_writing("rbac"), _writing("all"), _writing("all", False, "")]
    found = _found(Trying(chart), root=options, role=[_writing("rbac", False, "")])
    assert found.values == {"rbac": False}
    assert found.leaves_out == ("ClusterRole/x", "ClusterRoleBinding/x")
    assert found.text(role) == "# leaves out ClusterRole/x, ClusterRoleBinding/x\nrbac: false"
    assert found.text(ROOT) == NOT_FOUND


def test_a_secret_that_the_chart_makes_may_go_where_that_is_the_finding() -> None:
    secret = replace(FINDING, rule="secret", resource="Secret/x", field="data")

    def chart(values: Mapping[str, Any]) -> Outcome:
        return Outcome(OBJECTS, ()) if values else Outcome(OBJECTS | {"Secret/x"}, (secret, ROOT))

    options = [_writing("make", False, "")]
    assert _found(Trying(chart), secret=options).text(secret) == "# leaves out Secret/x\nmake: false"
    assert _found(Trying(chart), root=options).values == {}


def test_an_init_container_that_is_left_out_is_told() -> None:
    found = _found(Trying(_ending(init=ROOT)), root=[_writing("init", False, "the init container a")])
    assert found.leaves_out == ("the init container a",)


def test_what_there_was_no_time_for_says_so() -> None:
    trials = Trying(_ending(user=ROOT, pull=PULL), seconds=1)
    found = _found(trials, root=[_writing("user")], pull=[_writing("pull")])
    assert (found.text(ROOT), found.text(PULL)) == ("user: 1", NOT_LOOKED_FOR)


def test_time_that_runs_out_between_two_of_a_group_leaves_them_unsought() -> None:
    options = {rule: [Candidate(("context",), {"context": {rule: 1}})] for rule in ("root", "pull")}
    trials = Trying(lambda values: None if values else Outcome(OBJECTS, (ROOT, PULL)), seconds=1)
    found = _found(trials, **options)
    assert {found.text(ROOT), found.text(PULL)} == {NOT_LOOKED_FOR}
    trials = Trying(lambda values: Outcome(OBJECTS, (PULL,) if values else (ROOT, PULL)), seconds=1)
    assert _found(trials, **options).text(ROOT) == NOT_LOOKED_FOR


def test_it_ends_after_so_many_renderings() -> None:
    trials = Trying(lambda _: Outcome(OBJECTS, (ROOT,)))
    many = [_writing(f"key{number}") for number in range(100)]
    found = hints(Outcome(OBJECTS, (ROOT,)), lambda _: tuple(many), trials, most_renderings=7)
    assert (len(trials.asked), found.text(ROOT)) == (7, NOT_LOOKED_FOR)


def test_findings_that_name_no_field_are_told_apart_by_their_words() -> None:
    first = replace(FINDING, rule="kube-score/x", what="a limit is not set")
    assert key_of(first) != key_of(replace(first, what="a request is not set"))
    assert key_of(ROOT) == key_of(replace(ROOT, what="is 1"))
