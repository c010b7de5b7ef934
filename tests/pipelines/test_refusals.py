"""Which policy an API server speaks of, in its own words as `api_server` has seen them."""

from __future__ import annotations

import pytest

from pipelines.refusals import is_without_parameters, policies_that_warn, policy_of

POLICY = "ValidatingAdmissionPolicy 'service-type' with binding 'service-type.prod'"
DENIED = f'services "x" is forbidden: {POLICY} denied request: '
WARNED = "Warning: Validation failed for ValidatingAdmissionPolicy '{0}' with binding '{0}-warn': no"


@pytest.mark.parametrize(
    ("said", "policy"),
    [
        (f"{DENIED}spec.type: it is NodePort", "service-type"),
        (f"{DENIED}it is 'seccomp'", "service-type"),
        (WARNED.format("service-type"), ""),
        ("services \"x\" is forbidden: violates PodSecurity 'restricted:latest'", ""),
    ],
)
def test_who_refuses_is_named(said: str, policy: str) -> None:
    assert policy_of(said) == policy


def test_all_that_warn_are_named() -> None:
    said = "\n".join(map(WARNED.format, ("service-type", "seccomp")))
    assert policies_that_warn(said) == {"service-type", "seccomp"}
    assert policies_that_warn(DENIED) == frozenset()


def test_a_policy_without_its_parameters_is_told_apart() -> None:
    assert is_without_parameters(f"{DENIED}no params found for policy binding with `Deny` parameterNotFoundAction")
    assert not is_without_parameters(DENIED)
