"""What several threads ask for at the same moment is done in one go, by one of them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Together(Generic[Asked, Answer]):
    """Calls `do` with what has been asked for since it was last called, in one thread at a time.

    `do` gives an answer for each, in their order: an exception is raised for the one who asked. What `do` raises
    itself is raised for all. It must end by itself in bounded time: nobody who waits for it gives up.
    """

    def __init__(self, do: Callable[[Sequence[Asked]], Sequence[Answer | Exception]]) -> None:
        self._do = do
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._waiting: list[_Request[Asked, Answer]] = []
        self._is_led = False

    def __call__(self, asked: Asked) -> Answer:
        """The answer for `asked`."""
        if self._process != os.getpid():
            self._begin_anew()  # forked: whoever led is a thread of the parent's
        request = _Request[Asked, Answer](asked)
        with self._lock:
            self._waiting.append(request)
            leads, self._is_led = not self._is_led, True
        if not leads:
            request.told.wait()
        if not request.answers:
            self._lead()
        answer = request.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _lead(self) -> None:
        with self._lock:
            requests, self._waiting = self._waiting, []
        answers: Sequence[Answer | BaseException]
        try:
            answers = self._do([request.asked for request in requests])
        except BaseException as error:  # noqa: BLE001 (whatever it is, each of those who wait has to be told)
            answers = [error] * len(requests)
        with self._lock:
            # Whoever came meanwhile goes on: woken without an answer, it leads.
            following = self._waiting[0] if self._waiting else None
            self._is_led = following is not None
        for request, answer in zip(requests, answers, strict=True):
            request.answers.append(answer)
            request.told.set()
        if following is not None:
            following.told.set()


class _Request(Generic[Asked, Answer]):
    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.answers: list[Answer | BaseException] = []
        self.told = threading.Event()
