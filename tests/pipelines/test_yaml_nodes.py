"""YAML: bounded, with lines, and read as Go reads it."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import RenderFailed
from pipelines.manifests import name_of, parse, without_nulls
from pipelines.yaml_nodes import (
    Budget,
    InvalidYaml,
    Mapping,
    Path,
    Scalar,
    Sequence,
    compose,
    line_at,
    lines,
    nearest_line,
)


def _value(text: str) -> object:
    (manifest,) = parse(f"apiVersion: v1\nkind: X\nvalue: {text}\n".encode())
    return manifest["value"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12:30", "12:30"),
        ("1e3", 1000.0),
        ("on", True),
        ("No", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("'on'", "on"),
        ('"8080"', "8080"),
        ("8080", 8080),
        ("-7", -7),
        ("0755", 493),
        ("0o755", 493),
        ("0x1F", 31),
        ("0b11", 3),
        ("1_000", 1000),
        ("0", 0),
        (".5", 0.5),
        ("1.2.3", "1.2.3"),
        ("2026-01-01", "2026-01-01"),
        ("1e3x", "1e3x"),
    ],
)
def test_plain_scalars_mean_what_they_mean_to_go(text: str, value: object) -> None:
    assert _value(text) == value


def test_lists_are_taken_apart_and_empty_documents_left_out() -> None:
    content = (
        b"---\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: A}\n- {apiVersion: v1, kind: B}\n"
    )
    assert [one["kind"] for one in parse(content)] == ["A", "B"]


def test_an_empty_list_has_no_objects() -> None:
    assert parse(b"apiVersion: v1\nkind: List\nitems: []\n") == ()
    assert parse(b"null\n") == ()


@pytest.mark.parametrize("content", [b"just text", b"- a\n- b\n", b"kind: X\n", b"apiVersion: v1\nkind: [x]\n"])
def test_what_is_no_object_is_refused_with_its_line(content: bytes) -> None:
    with pytest.raises(RenderFailed) as caught:
        parse(content)
    assert caught.value.where == "manifest:1"


def test_a_blank_tab_at_the_end_of_a_line_is_no_mistake() -> None:
    (manifest,) = parse(b"apiVersion: v1\t\nkind: X\n")
    assert name_of(manifest) == "X/(without a name)"
    assert name_of({"kind": "X", "metadata": {"name": "y"}}) == "X/y"


@pytest.mark.parametrize("style", ["|", "|-", ">+", "|2", "!!str |", "&text |  # as it is"])
@pytest.mark.parametrize("before", ["", "image: x\t\n"])
def test_blanks_at_the_end_of_a_text_are_part_of_it(style: str, before: str) -> None:
    text = f"{before}table: {style}\n  a\tb\t\n\n  c  \n\t\nafter: z\t\n"
    (got,) = compose(text.encode())
    assert isinstance(got, Mapping)
    values = {key.text: value.text for key, value in got.items if isinstance(value, Scalar)}
    assert values["after"] == "z"
    stripped = text.replace("x\t", "x").replace("z\t", "z").replace("\n\t\n", "\n\n")
    assert values["table"] == yaml.safe_load(stripped)["table"]
    assert "b\t" in values["table"]


def test_a_text_in_a_list_of_mappings_ends_where_its_indent_does() -> None:
    text = "- run: |\n    make\t\n  name: x\t\n- empty: |\nlast: y\t\n".replace("last", "- last")
    (got,) = compose(text.encode())
    assert isinstance(got, Sequence)
    first = got.items[0]
    assert isinstance(first, Mapping)
    assert [value.text for _, value in first.items if isinstance(value, Scalar)] == ["make\t\n", "x"]


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join(f'*{a}' for _ in range(9))}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("content", "says", "line"),
    [
        (b"a: 1\na: 2\n", "stands here and in line 1", 2),
        (b"? [a, b]\n: 1\n", "a key has to be a text", 1),
        (b"!!python/object:os.system x", "tag", 1),
        (b"a: !mine x", "tag !mine is not accepted", 1),
        (b"a: [1", "not YAML", 2),
        (b"x: \xff", "not UTF-8", 1),
        (BOMB.encode(), "aliases written out", None),
        (b"[" * 200 + b"]" * 200, "nested deeper", 1),
        (b"[" * 100_000, "nest", None),
        (b"{a: " * 100_000, "nest", None),
        (b"a: &a [*a]", "names nothing that is complete", 1),
        (b"\x00", "not YAML", 1),
    ],
)
def test_what_is_not_accepted_is_named_with_its_line(content: bytes, says: str, line: int | None) -> None:
    with pytest.raises(InvalidYaml) as caught:
        list(compose(content))
    assert says in caught.value.reason
    assert line is None or caught.value.line == line


def _aliases(values: int) -> bytes:
    """A document of few bytes that has ten times `values` by aliases."""
    return f"a: &a [{','.join('x' * values)}]\nb: [{','.join(['*a'] * 10)}]\n---\n".encode()


def test_what_aliases_stand_for_is_bounded_over_all_documents() -> None:
    assert len(list(compose(_aliases(1_000) * 19))) == 19
    with pytest.raises(InvalidYaml, match="aliases stand for more than 200000 values, all documents together"):
        list(compose(_aliases(1_000) * 20))


def test_what_is_written_out_is_bounded_in_each_document_alone() -> None:
    text = f"[{','.join('x' * 150_000)}]\n---\n".encode()
    assert len(list(compose(text * 2))) == 2
    with pytest.raises(InvalidYaml, match="more than 200000 values"):
        list(compose(text.replace(b"]\n---\n", b",") + text.replace(b"[", b"")))


def test_a_release_has_one_bound_for_all_that_it_brings() -> None:
    text = f"[{','.join('x' * 199_999)}]\n".encode()
    budget = Budget.of_a_release()
    for _ in range(2):
        list(compose(text, budget=budget))
    with pytest.raises(InvalidYaml, match="more than 500000 values in all"):
        list(compose(text, budget=budget))


@given(st.binary(max_size=200))
def test_whatever_the_bytes_the_answer_is_nodes_or_invalid_yaml(content: bytes) -> None:
    with contextlib.suppress(InvalidYaml):
        list(compose(content))


def test_each_path_has_its_line() -> None:
    (node,) = compose(b"a:\n  b:\n    - x\n    - c: 1\n")
    known = dict(lines(node))
    assert known == {("a",): 1, ("a", "b"): 2, ("a", "b", 0): 3, ("a", "b", 1): 4, ("a", "b", 1, "c"): 4}
    assert nearest_line(known, ("a", "b", 1, "missing", "deep")) == 4
    assert nearest_line(known, ("nothing",), 7) == 7
    assert {path: line_at(node, path) for path in known} == known


@pytest.mark.parametrize(
    ("path", "line"), [((), 1), (("nothing",), 1), (("a", "b", 2), 2), (("a", 0), 1), (("a", "b", 0, "deep"), 3)]
)
def test_what_is_not_there_has_the_line_of_what_is_around_it(path: Path, line: int) -> None:
    (node,) = compose(b"a:\n  b:\n    - x\n    - c: 1\n")
    assert line_at(node, path) == line


def test_nulls_are_pruned_at_every_depth() -> None:
    assert without_nulls({"a": None, "b": [None, {"c": None}], "d": 1}) == {"b": [{}, {}], "d": 1}


@pytest.mark.parametrize(("items", "read"), [([None], [{}]), ([None, "a"], ["", "a"]), ([1, None], [1, 0])])
def test_an_item_that_is_null_is_empty_and_not_gone(items: list[Any], read: list[Any]) -> None:
    assert without_nulls({"a": items}) == {"a": read}


def test_a_null_in_a_map_of_texts_or_amounts_is_an_empty_one() -> None:
    assert without_nulls({"labels": {"a": None}, "limits": {"cpu": None, "memory": "1Gi"}, "requests": None}) == {
        "labels": {"a": ""},
        "limits": {"cpu": "0", "memory": "1Gi"},
    }
