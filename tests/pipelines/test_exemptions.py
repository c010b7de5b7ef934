"""An image that the platform looks at less closely is named in the Release, with the entry that says so."""

from __future__ import annotations

from pipelines.adapters.helm import HelmClient
from pipelines.check import JudgePorts, Made, Terms, judge
from pipelines.exemptions import Exemption, in_short
from pipelines.findings import Finding
from pipelines.ports import CheckSubject
from pipelines.stages.render import render
from pipelines.stages.resolve import resolve
from pipelines.states import StageName, StageState
from tests.pipelines.conftest import FACTS, place, source
from tests.pipelines.deploying import Told
from tests.pipelines.test_image_check import pod

EXEMPT = Exemption("base_images.exempt", "base", ("registry.example.com/", "registry.example.com/vendor/"))
VENDORS = "registry.example.com/vendor/nexus:3.70.1"
NOTE = f"{VENDORS}: its base is not looked at, registry.example.com/vendor/ is in base_images.exempt of gateway.yaml"

POD = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: a}}
spec: {{containers: [{{name: a, image: "{VENDORS}"}}]}}
"""


class FindsNothing:
    """Implements `pipelines.ports.Check`."""

    name = "nothing"

    def findings(self, subject: CheckSubject) -> tuple[Finding, ...]:
        """See `pipelines.ports.Check.findings`."""
        return ()


def test_each_exempt_image_is_told_once_with_the_narrowest_entry() -> None:
    objects = (pod(VENDORS, VENDORS, "elsewhere.example.com/a:1"), pod(VENDORS, kind="DaemonSet"))
    assert EXEMPT.notes(objects) == (NOTE,)


def test_where_nothing_is_exempt_nothing_is_told() -> None:
    assert Exemption("signatures.exempt", "signature", ()).notes((pod(VENDORS),)) == ()


def test_a_release_tells_it_in_its_log_and_is_not_blocked(helm_client: HelmClient) -> None:
    written = source("apiVersion: deploy-gateway/v1\napp: checkout\nmanifests: k8s\n", {"k8s/a.yaml": POD.encode()})
    resolved = resolve(written, place(), None, timeout_seconds=1)
    made = Made(resolved, render(resolved, place(), FACTS, helm_client, timeout_seconds=20))
    nothing, told = (FindsNothing(),), Told()
    ports = JudgePorts(registry=None, helm=helm_client, lint=nothing, policy=nothing, exemptions=(EXEMPT,))
    assert judge(written, made, Terms(place=place(), facts=FACTS, parameters={}), ports, told) == ()
    assert told.lines == [NOTE]
    policy = (StageName.POLICY, StageState.PASSED, f"nothing found; not looked at: base of {VENDORS}")
    assert policy in told.stages


def test_in_short_several_images_are_a_number_and_what_has_none_is_left_out() -> None:
    signed = Exemption("signatures.exempt", "signature", ("registry.example.com/vendor/",))
    none = Exemption("signatures.exempt", "signature", ())
    objects = (pod(f"{VENDORS}@sha256:{'0' * 64}", "registry.example.com/a:1", "elsewhere.example.com/a:1"),)
    assert in_short((EXEMPT, signed), objects) == f"not looked at: base of 2 images, signature of {VENDORS}"
    assert in_short((none,), objects) == ""
