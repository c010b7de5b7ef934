"""Whoever writes YAML that can't be read is told what to write, and not only what a parser expected."""

from __future__ import annotations

import pytest

from pipelines.yaml_nodes import InvalidYaml, compose


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("a: [", "close the bracket"),
        ("a: ]", "close the bracket"),
        ("a: {b: 1\nc: 2", "Close the bracket"),
        ("{a: 1}}", "Leave out the bracket that closes nothing"),
        ("a: b: c", "in quotes"),
        ("a: 1\n b: 2", "indent keys alike"),
        ("a:\n  - b\n c: d", "Indent it as the keys beside it"),
        ("- a\nb: 1", "Indent it as the other items of the list"),
        ("a:\n\tb: 1", "not by tabs"),
        ("a: >\n\tb", "not by tabs"),
        ("a: @x", "in quotes"),
        ("a: 'x", "Close the quotation mark"),
        ('a: "\\q"', "Write the backslash twice"),
        ("a: - b", "Begin the list on a line of its own"),
        ("\x01", "Leave out that character"),
        ("a: *y", "Write the value itself"),
        ("a: !!int 3", "Leave out the tag"),
        ("[a]: 1", "Put the key in quotes"),
        ("a: 1\na: 2", "Leave out one of the two"),
        ("a: |x", "Correct that line, or what is unfinished before it"),
    ],
)
def test_a_mistake_has_its_way_out(text: str, instead: str) -> None:
    with pytest.raises(InvalidYaml) as told:
        list(compose(text.encode()))
    assert instead in told.value.solution


def test_another_encoding_is_told() -> None:
    with pytest.raises(InvalidYaml) as told:
        list(compose(b"a: \xff"))
    assert told.value.solution == "Save the file as UTF-8"
