from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from store.together import Together


class Doubling:
    """Doubles numbers, the first time only once `go` is set; `calls` is what it was called with."""

    def __init__(self) -> None:
        self.go, self.began, self.calls = threading.Event(), threading.Event(), list[list[int]]()

    def __call__(self, numbers: Sequence[int]) -> Sequence[int | Exception]:
        self.calls.append(list(numbers))
        self.began.set()
        assert self.go.wait(30)
        if 13 in numbers:
            raise KeyError
        return [ValueError(number) if number < 0 else 2 * number for number in numbers]


@pytest.fixture
def doubling() -> Doubling:
    return Doubling()


def _ask(doubling: Doubling, *numbers: int) -> list[int | BaseException]:
    """The answers, where the first is being worked on while all others ask."""
    double = Together(doubling)

    def ask(number: int) -> int | BaseException:
        try:
            return double(number)
        except Exception as error:  # noqa: BLE001 (what is raised is what is looked at)
            return error

    with ThreadPoolExecutor(len(numbers)) as pool:
        asked = [pool.submit(ask, numbers[0])]
        assert doubling.began.wait(30)
        asked += [pool.submit(ask, number) for number in numbers[1:]]
        while len(double._waiting) < len(numbers) - 1:
            threading.Event().wait(0.001)
        doubling.go.set()
        return [one.result(30) for one in asked]


def test_who_asks_alone_is_answered(doubling: Doubling) -> None:
    assert _ask(doubling, 4) == [8]


def test_those_who_ask_meanwhile_are_answered_in_one_go(doubling: Doubling) -> None:
    assert _ask(doubling, 1, 2, 3, 4) == [2, 4, 6, 8]
    assert [sorted(call) for call in doubling.calls] == [[1], [2, 3, 4]]


def test_an_error_is_for_the_one_who_asked(doubling: Doubling) -> None:
    first, failed, third = _ask(doubling, 1, -1, 3)
    assert (first, third) == (2, 6)
    assert isinstance(failed, ValueError)


def test_what_fails_as_a_whole_fails_for_all_of_it_and_not_for_the_next(doubling: Doubling) -> None:
    first, *others = _ask(doubling, 1, 13, 3)
    assert first == 2
    assert [type(one) for one in others] == [KeyError, KeyError]


def test_after_a_failure_the_next_is_answered(doubling: Doubling) -> None:
    doubling.go.set()
    double = Together(doubling)
    with pytest.raises(KeyError):
        double(13)
    assert double(1) == 2


def test_a_forked_process_waits_for_no_thread_of_its_parent(doubling: Doubling) -> None:
    double = Together(doubling)
    leading = threading.Thread(target=double, args=(1,))
    leading.start()
    assert doubling.began.wait(30)
    doubling.calls.clear()
    child = os.fork()
    if child == 0:  # pragma: no cover
        doubling.go = threading.Event()
        doubling.go.set()
        os._exit(double(21))
    doubling.go.set()
    leading.join(30)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42
