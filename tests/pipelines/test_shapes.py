"""What may be a secret is told by its shape alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.shapes import shape, shown, without_quoted, without_values


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "nothing"),
        (True, "true or false"),
        (1, "a number"),
        (1.5, "a number"),
        ("hunter2", "a text"),
        ({"a": "hunter2"}, "a mapping"),
        (["hunter2"], "a list"),
    ],
)
def test_a_shape_is_no_value(value: Any, told: str) -> None:
    assert shape(value) == told


@pytest.mark.parametrize(
    ("value", "path", "told"),
    [
        (80, ("port",), "80"),
        ("x" * 100, ("app",), "'" + "x" * 79),
        ([{"name": "DB", "value": "hunter2"}], ("env",), "a list"),
        ({"password": "hunter2"}, ("resources",), "a mapping"),
        ("hunter2", ("environments", "staging", "env", "DB"), "a text"),
        ("--password=hunter2", ("args",), "a text"),
        (918273645, ("spec", "containers", 0, "env", 0, "value"), "a number"),
    ],
)
def test_only_short_values_in_places_without_secrets_are_told(
    value: Any, path: tuple[str | int, ...], told: str
) -> None:
    assert shown(value, path) == told


def test_what_a_program_quotes_is_left_out() -> None:
    assert without_quoted(r'time "a \"b\" c" as `!!str hunter2`') == "time … as …"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            "execution error at (c/templates/a.yaml:1:6): bad hunter2",
            "execution error at (c/templates/a.yaml:1:6): bad …",
        ),
        ("at <.Values.hunter2>: range can't iterate over hunter2", "at <.Values.hunter2>: range can't iterate over …"),
        ("- at '/pw': 'hunter2' does not match pattern '^a$'", "- at '/pw': '…' does not match pattern '^a$'"),
        ('c/templates/hunter2.yaml:1 executing "hunter2"', 'c/templates/hunter2.yaml:1 executing "…"'),
        ("cannot parse 918273645", "cannot parse …"),
        ("line 2 of a text", "… of a text"),
        ("got string, want hunter22", "got string, want hunter22"),
    ],
)
def test_what_helm_says_has_no_values_in_it(words: str, told: str) -> None:
    values = {"pw": ["hunter2", 918273645], "on": True, "file": "short\nline 2", "port": 80, "list": ("abc",)}
    assert without_values(words, values) == told


def test_without_values_words_stay_as_they_are() -> None:
    assert without_values("all is well", {"a": None, "b": "x"}) == "all is well"


@given(st.text(st.characters(categories=("L", "N")), min_size=4, max_size=20))
def test_no_value_of_a_secret_is_left(secret: str) -> None:
    assert without_values(f"it is {secret}!", {"a": secret}) == "it is …!"
