"""Every error a user can meet has a code of its own, a reason and a solution."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.errors import Fault, GatewayError, InvalidInput


def _all(cls: type[GatewayError]) -> Iterator[type[GatewayError]]:
    yield cls
    for sub in cls.__subclasses__():
        yield from _all(sub)


def test_no_two_errors_share_a_code() -> None:
    classes = {cls for cls in _all(GatewayError) if cls.__module__ == "pipelines.errors"}
    assert len({cls.code for cls in classes}) == len(classes)


def test_an_error_says_where_what_and_what_to_do() -> None:
    error = InvalidInput("replicas is 0", "Write 1 or more", where="deploy.yaml:7")
    assert str(error) == "deploy.yaml:7: replicas is 0. Write 1 or more"


def test_an_error_without_a_place_says_what_and_what_to_do() -> None:
    assert str(InvalidInput("no body", "Send JSON")) == "no body. Send JSON"


def test_all_faults_of_one_input_are_told_at_once() -> None:
    faults = [Fault("a:1", "x is wrong", "Write y"), Fault("a:2", "z is wrong", "Leave it out")]
    error = InvalidInput("2 things are wrong", "Mend them", errors=faults)
    assert str(error) == "a:1: x is wrong. Write y\na:2: z is wrong. Leave it out"
