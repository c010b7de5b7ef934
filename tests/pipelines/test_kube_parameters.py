"""The parameters of a cluster's policies, written beside others who write them too."""

from __future__ import annotations

from typing import Any, cast

import pytest

from pipelines.adapters.kube.connection import Connection, Refused
from pipelines.adapters.kube.parameters import write_parameters
from pipelines.errors import ClusterUnavailable

WANTED = {"waivers": "seccomp shop checkout *"}


class Served:
    """Stands in for `Connection`: one ConfigMap or none, and so many writes that fail with `status`."""

    def __init__(self, found: Any, failures: int = 0, status: int = 409) -> None:
        self.found, self.failures, self.status = found, failures, status

    def find(self, path: str) -> Any:
        return self.found

    def replace(self, path: str, manifest: Any) -> Any:
        if self.failures:
            self.failures -= 1
            raise Refused(self.status, "no")
        self.found = manifest


def _write(served: Served) -> bool:
    return write_parameters(cast(Connection, served), WANTED)


def test_what_differs_is_written_with_the_version_that_was_read() -> None:
    served = Served({"metadata": {"resourceVersion": "7"}})
    assert _write(served)
    assert served.found == {"metadata": {"resourceVersion": "7"}, "data": WANTED}


@pytest.mark.parametrize("found", [None, {"data": WANTED}])
def test_nothing_is_written_where_it_is_the_same_and_where_no_policies_are(found: Any) -> None:
    assert not _write(Served(found, failures=9))


def test_who_comes_second_looks_again() -> None:
    assert _write(Served({}, failures=2))


def test_it_does_not_go_on_for_ever() -> None:
    with pytest.raises(ClusterUnavailable, match="5 times"):
        _write(Served({}, failures=99))


def test_a_right_that_is_missing_is_told() -> None:
    with pytest.raises(Refused, match="403"):
        _write(Served({}, failures=1, status=403))
