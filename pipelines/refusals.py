"""What an API server says when one of its policies refuses or warns (k8s.io/apiserver, plugin/policy/validating)."""

from __future__ import annotations

import re

_DENIED = re.compile(r"ValidatingAdmissionPolicy '([^']+)' with binding '[^']+' denied request")
_WARNED = re.compile(r"Validation failed for ValidatingAdmissionPolicy '([^']+)' with binding '[^']+'")
_WITHOUT_PARAMETERS = "no params found for policy binding"


def policy_of(message: str) -> str:
    """The policy that refuses, in the words of an API server's answer; empty: none of them does."""
    found = _DENIED.search(message)
    return found[1] if found else ""


def policies_that_warn(said: str) -> frozenset[str]:
    """The policies that an API server warns of."""
    return frozenset(_WARNED.findall(said))


def is_without_parameters(message: str) -> bool:
    """Whether it refuses because the parameters of a policy are gone."""
    return _WITHOUT_PARAMETERS in message
