"""The parameters of a cluster's policies, written beside others who write them too."""

from __future__ import annotations

from typing import Any, cast

import pytest

from pipelines.adapters.kube.connection import Connection, Refused
from pipelines.adapters.kube.dry_run import DryRun
from pipelines.adapters.kube.parameters import write_parameters
from pipelines.errors import ClusterUnavailable, PreflightRefused
from pipelines.rules import PARAMETERS_NAME

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

    def apply(self, path: str, manifest: Any, *, dry_run: bool, force: bool) -> Any:
        assert (dry_run, force) == (False, False)
        self.replace(path, manifest)


def _write(served: Served) -> bool:
    return write_parameters(cast(Connection, served), WANTED)


def test_what_differs_is_written_with_the_version_that_was_read() -> None:
    served = Served({"metadata": {"resourceVersion": "7"}})
    assert _write(served)
    assert served.found == {"metadata": {"resourceVersion": "7"}, "data": WANTED}


def test_nothing_is_written_where_it_is_the_same() -> None:
    assert not _write(Served({"data": WANTED}, failures=9))


def test_what_somebody_took_away_is_made_again() -> None:
    served = Served(None)
    assert _write(served)
    assert (served.found["metadata"]["name"], served.found["data"]) == (PARAMETERS_NAME, WANTED)


@pytest.mark.parametrize("status", [403, 404])
def test_it_is_not_made_without_the_right_to_or_without_the_namespace_of_the_gateway(status: int) -> None:
    assert not _write(Served(None, failures=9, status=status))


def test_who_is_second_to_make_it_again_looks_again() -> None:
    assert _write(Served(None, failures=1))


def test_who_comes_second_looks_again() -> None:
    assert _write(Served({}, failures=2))


def test_it_does_not_go_on_for_ever() -> None:
    with pytest.raises(ClusterUnavailable, match="5 times"):
        _write(Served({}, failures=99))


def test_a_right_that_is_missing_is_told() -> None:
    with pytest.raises(Refused, match="403"):
        _write(Served({}, failures=1, status=403))


class WithoutParameters:
    """Stands in for `Connection`: its policies have no parameters, so they refuse what is tried."""

    def path_of(self, manifest: Any, namespace: str) -> str:
        return "/api/v1/namespaces/shop/configmaps/settings"

    def find(self, path: str) -> None:
        return None

    def apply(self, path: str, manifest: Any, *, dry_run: bool) -> None:
        words = "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"
        raise Refused(422, words)


def test_a_refusal_for_want_of_parameters_says_which_command_brings_them_back() -> None:
    one = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}
    with pytest.raises(PreflightRefused) as refused:
        DryRun(cast(Connection, WithoutParameters()), "shop").changes((one,))
    assert "run `deploy-gateway cluster install`" in refused.value.errors[0].solution
