"""What an answer of the API server proves, and what it doesn't."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from pipelines.cluster import VERIFY_NAMESPACE
from tools.backstop.proof import Verdict, judged
from tools.backstop.trials import GATEWAY, PASSES, Trial, path_of

SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x", "namespace": VERIFY_NAMESPACE}}
TRIAL = Trial("service-type", GATEWAY, path_of(SERVICE), SERVICE, "service-type")
DENIED = "services \"x\" is forbidden: ValidatingAdmissionPolicy '{0}' with binding '{0}' denied request: no"
BY_RBAC = 'Error from server (Forbidden): services is forbidden: User "x" cannot create resource "services"'


def answer(stderr: str = "", code: int = 1) -> subprocess.CompletedProcess[str]:
    return subprocess.CompletedProcess((), code, "", stderr)


@pytest.mark.parametrize(
    ("trial", "said", "verdict"),
    [
        pytest.param(TRIAL, answer(DENIED.format("service-type")), Verdict.PROVEN, id="refused by the rule"),
        pytest.param(TRIAL, answer(DENIED.format("team-scope")), Verdict.FAILED, id="refused by another"),
        pytest.param(TRIAL, answer(code=0), Verdict.FAILED, id="not refused"),
        pytest.param(TRIAL, answer(BY_RBAC), Verdict.UNPROVEN, id="refused by RBAC"),
        pytest.param(TRIAL, answer("Error: EOF"), Verdict.UNPROVEN, id="no answer"),
        pytest.param(replace(TRIAL, expected=PASSES), answer(code=0), Verdict.PROVEN, id="passes as it should"),
        pytest.param(replace(TRIAL, expected=PASSES), answer(DENIED.format("x")), Verdict.FAILED, id="does not pass"),
        pytest.param(replace(TRIAL, expected=PASSES), answer(BY_RBAC), Verdict.UNPROVEN, id="RBAC lets it not pass"),
        pytest.param(
            TRIAL, answer("Error: the server could not find the requested resource"), Verdict.ABSENT, id="no such kind"
        ),
        pytest.param(
            replace(TRIAL, may_be_another=True), answer(DENIED.format("other")), Verdict.PROVEN, id="another rule first"
        ),
        pytest.param(
            replace(TRIAL, may_be_another=True), answer(DENIED.format("foreign")), Verdict.FAILED, id="no rule of ours"
        ),
        pytest.param(
            replace(TRIAL, is_warned=True),
            answer("Warning: Validation failed for ValidatingAdmissionPolicy 'service-type' with binding 'x'", 0),
            Verdict.PROVEN,
            id="warned as it should",
        ),
        pytest.param(replace(TRIAL, is_warned=True), answer(code=0), Verdict.FAILED, id="not even warned"),
    ],
)
def test_an_answer_proves(trial: Trial, said: subprocess.CompletedProcess[str], verdict: Verdict) -> None:
    proof = judged(trial, said, {"service-type", "team-scope", "other"})
    assert proof.verdict is verdict
    assert proof.is_good is (verdict in (Verdict.PROVEN, Verdict.ABSENT))


def test_who_is_impersonated_is_told_with_groups_and_the_credential() -> None:
    words = GATEWAY.with_all_rights().words()
    assert words[0] == "--as=system:serviceaccount:deploy-gateway:deploy-gateway"
    assert "--as-group=system:masters" in words
    assert words[-1].startswith("--as-user-extra=authentication.kubernetes.io/credential-id=")
