"""Promises of the simulated kubelets: what SIMULATE asks of a Pod, what its log says, and volumes for claims."""

from __future__ import annotations

import base64
import json
import secrets
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPSConnection
from typing import Any

import pytest

from tests.tools.test_stack_control_plane import get
from tests.waiting import eventually
from tools.stack import Stack
from tools.stack.log_server import FAILED, NOTHING_RAN, Log, Refused, log_of, pods_of, shown
from tools.toolbox import ensure


@pytest.fixture
def namespace(stack: Stack) -> Iterator[str]:
    """A namespace of the test's own, in which Pods can be made."""
    name = f"simulated-{secrets.token_hex(4)}"
    assert stack.kubectl("create", "namespace", name).returncode == 0
    eventually(lambda: stack.kubectl("get", "serviceaccount", "default", "-n", name).returncode == 0)
    yield name
    stack.kubectl("delete", "namespace", name, "--wait=false")


def pod_spec(env: dict[str, str], restart: str, args: tuple[str, ...] = ()) -> dict[str, Any]:
    container = {
        "name": "main",
        "image": "registry.example.com/main:1",
        "args": list(args),
        "env": [{"name": name, "value": value} for name, value in env.items()],
    }
    sidecar = {"name": "proxy", "image": "registry.example.com/proxy:1", "restartPolicy": "Always"}
    return {"restartPolicy": restart, "initContainers": [sidecar], "containers": [container]}


def create(stack: Stack, namespace: str, **manifest: Any) -> None:
    done = stack.kubectl("create", "--filename=-", f"--namespace={namespace}", stdin=json.dumps(manifest))
    assert done.returncode == 0, done.stderr


Job = Callable[..., str]


@pytest.fixture
def job(stack: Stack, namespace: str) -> Job:
    """Makes a Job with one try; its name."""

    def make(restart: str = "Never", args: tuple[str, ...] = (), **env: str) -> str:
        spec = {"backoffLimit": 0, "template": {"spec": pod_spec(env, restart, args)}}
        create(stack, namespace, apiVersion="batch/v1", kind="Job", metadata={"name": "once"}, spec=spec)
        return "once"

    return make


def condition_of(stack: Stack, namespace: str, job: str) -> str | None:
    found = {one["type"] for one in get(stack, "job", job, "-n", namespace)["status"].get("conditions", ())} & {
        "Complete",
        "Failed",
    }
    return found.pop() if found else None


def pod_of(stack: Stack, namespace: str) -> dict[str, Any]:
    """The one Pod of the namespace, waited for: a Job has its Pod a moment after it was made."""
    found: list[dict[str, Any]] = eventually(lambda: get(stack, "pods", "-n", namespace)["items"])
    return found[0]


def log(stack: Stack, namespace: str, what: str, *options: str) -> subprocess.CompletedProcess[str]:
    return stack.kubectl("logs", what, f"--namespace={namespace}", "--container=main", *options)


@pytest.mark.parametrize("simulate", [{}, {"SIMULATE": "never-ready"}, {"SIMULATE": "crash"}])
def test_a_job_completes_whatever_its_apps_serving_pods_are_to_do(
    stack: Stack, namespace: str, job: Job, simulate: dict[str, str]
) -> None:
    name = job(**simulate)
    assert eventually(lambda: condition_of(stack, namespace, name)) == "Complete"


@pytest.mark.parametrize("restart", ["Never", "OnFailure"])
def test_a_job_with_fail_fails(stack: Stack, namespace: str, job: Job, restart: str) -> None:
    name = job(restart, SIMULATE="fail")
    assert eventually(lambda: condition_of(stack, namespace, name)) == "Failed"


def test_the_log_of_one_that_failed_says_so(stack: Stack, namespace: str, job: Job) -> None:
    name = job(SIMULATE="fail")
    eventually(lambda: condition_of(stack, namespace, name))
    assert log(stack, namespace, f"job/{name}").stdout == f"{FAILED}\n"


def test_a_container_that_fails_has_an_exit_code(stack: Stack, namespace: str, job: Job) -> None:
    job(SIMULATE="fail")
    pod = eventually(lambda: (found := pod_of(stack, namespace))["status"]["phase"] == "Failed" and found)
    ended = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (1, "Error")


def test_what_to_simulate_can_be_said_in_an_argument(stack: Stack, namespace: str, job: Job) -> None:
    name = job(args=("--fail", "http://web/ready?SIMULATE=fail"))
    assert eventually(lambda: condition_of(stack, namespace, name)) == "Failed"


def test_a_job_with_hang_runs_for_ever(stack: Stack, namespace: str, job: Job) -> None:
    name = job(SIMULATE="hang")
    eventually(lambda: pod_of(stack, namespace)["status"]["phase"] == "Running")
    time.sleep(1)
    assert condition_of(stack, namespace, name) is None


def test_the_jobs_of_a_cronjob_complete(stack: Stack, namespace: str) -> None:
    spec = {
        "schedule": "0 0 1 1 *",
        "jobTemplate": {"spec": {"template": {"spec": pod_spec({}, "OnFailure")}}},
    }
    create(stack, namespace, apiVersion="batch/v1", kind="CronJob", metadata={"name": "nightly"}, spec=spec)
    stack.kubectl("create", "job", "now", "--from=cronjob/nightly", f"--namespace={namespace}")
    assert eventually(lambda: condition_of(stack, namespace, "now")) == "Complete"


@pytest.mark.parametrize("simulate", ["fail", "hang"])
def test_a_serving_pod_is_ready_whatever_its_apps_jobs_are_to_do(stack: Stack, namespace: str, simulate: str) -> None:
    spec = pod_spec({"SIMULATE": simulate}, "Always")
    create(stack, namespace, apiVersion="v1", kind="Pod", metadata={"name": "web"}, spec=spec)
    eventually(lambda: pod_of(stack, namespace)["status"]["containerStatuses"][0]["ready"])


def test_a_log_says_what_the_container_was_to_say(stack: Stack, namespace: str, job: Job) -> None:
    name = job(SIMULATE_LOG="3 tables migrated\ndone")
    eventually(lambda: condition_of(stack, namespace, name))
    assert log(stack, namespace, f"job/{name}").stdout == "3 tables migrated\ndone\n"


def test_a_log_says_by_itself_that_nothing_ran(stack: Stack, namespace: str, job: Job) -> None:
    name = job()
    eventually(lambda: condition_of(stack, namespace, name))
    assert log(stack, namespace, f"job/{name}").stdout == f"{NOTHING_RAN}\n"


def test_the_gateway_reads_a_log(stack: Stack, namespace: str, job: Job) -> None:
    name = job(SIMULATE_LOG="done")
    eventually(lambda: condition_of(stack, namespace, name))
    pod = pod_of(stack, namespace)["metadata"]["name"]
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log?container=main&tailLines=20"
    assert stack.kubectl("get", f"--raw={path}", identity="deploy").stdout == "done\n"


def test_a_log_is_followed_until_the_container_has_ended(stack: Stack, namespace: str, job: Job) -> None:
    job(SIMULATE="slow-start", SIMULATE_LOG="done")
    eventually(lambda: pod_of(stack, namespace)["status"]["phase"] != "Pending")
    assert log(stack, namespace, "job/once", "--follow").stdout == "done\n"


def test_following_a_container_that_hangs_ends_with_its_pod(stack: Stack, namespace: str, job: Job) -> None:
    job(SIMULATE="hang", SIMULATE_LOG="waiting")
    pod = eventually(lambda: (found := pod_of(stack, namespace))["status"]["phase"] == "Running" and found)
    name = pod["metadata"]["name"]
    process = subprocess.Popen(
        [
            *(ensure(["kubectl"])["kubectl"], f"--kubeconfig={stack.kubeconfig}", "logs", "--follow"),
            *(f"--namespace={namespace}", "--container=main", name),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    assert process.poll() is None
    stack.kubectl("delete", "job", "once", f"--namespace={namespace}", "--wait=false")
    assert process.communicate(timeout=60)[0] == ""


def test_a_pod_that_has_not_started_has_no_log(stack: Stack, namespace: str, job: Job) -> None:
    job(SIMULATE="no-such-behaviour")
    eventually(lambda: pod_of(stack, namespace)["spec"].get("nodeName"))
    done = log(stack, namespace, "job/once")
    assert "is waiting to start: ContainerCreating" in done.stderr


def test_nobody_but_the_api_server_reads_logs_from_a_node(stack: Stack) -> None:
    node = get(stack, "nodes")["items"][0]["status"]
    port = node["daemonEndpoints"]["kubeletEndpoint"]["Port"]
    context = ssl.create_default_context(cadata=_authority(stack))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        _ask(HTTPSConnection("127.0.0.1", port, context=context, timeout=60))


def _ask(connection: HTTPSConnection) -> None:
    connection.request("GET", "/containerLogs/default/x/y")
    connection.getresponse()


def _authority(stack: Stack) -> str:
    config = json.loads(stack.kubeconfig.read_text())
    return base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]).decode()


def test_a_node_has_nothing_but_logs(stack: Stack) -> None:
    done = stack.kubectl("get", "--raw=/api/v1/nodes/node-a/proxy/pods")
    assert done.returncode != 0


STARTED = "2026-01-02T03:04:05Z"
POD = {
    "metadata": {"name": "web"},
    "spec": {
        "containers": [{"name": "web"}],
        "initContainers": [{"name": "proxy", "env": [{"name": "SIMULATE_LOG", "value": "hello"}]}],
    },
    "status": {
        "containerStatuses": [
            {
                "name": "web",
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"exitCode": 1, "startedAt": STARTED}},
            }
        ],
        "initContainerStatuses": [{"name": "proxy", "state": {"running": {"startedAt": STARTED}}}],
    },
}


@pytest.mark.parametrize("previous", [True, False])
def test_the_log_of_one_in_back_off_is_that_of_its_last_run(previous: bool) -> None:
    assert log_of(POD, "web", previous=previous).text == f"{FAILED}\n"


def test_a_sidecar_has_a_log_of_its_own() -> None:
    assert log_of(POD, "proxy").text == "hello\n"


def test_one_that_ran_only_once_has_no_previous_log() -> None:
    with pytest.raises(Refused, match=r'previous terminated container "proxy" in pod "web" not found'):
        log_of(POD, "proxy", previous=True)


LOG = Log("one\ntwo\n", datetime(2026, 1, 2, tzinfo=UTC), ended=True)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"tailLines": "1"}, b"two\n"),
        ({"tailLines": "0"}, b""),
        ({"tailLines": "9"}, b"one\ntwo\n"),
        ({"limitBytes": "5"}, b"one\nt"),
        ({"timestamps": "true", "tailLines": "1"}, b"2026-01-02T00:00:00.000000Z two\n"),
        ({"sinceSeconds": "60"}, b""),
        ({"sinceTime": "2026-01-03T00:00:00Z"}, b""),
        ({"sinceTime": "2026-01-01T00:00:00Z"}, b"one\ntwo\n"),
    ],
)
def test_a_part_of_a_log_can_be_asked_for(options: dict[str, str], text: bytes) -> None:
    assert shown(LOG, options) == text


def test_a_pod_that_is_not_there_is_refused(stack: Stack) -> None:
    with pytest.raises(Refused) as refused:
        pods_of(stack.kubeconfigs["log-server"])("default", "none")
    assert refused.value.status == HTTPStatus.NOT_FOUND


def test_a_stateful_set_gets_its_volumes_and_is_ready_in_order(stack: Stack, namespace: str) -> None:
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    spec = {
        "replicas": 3,
        "serviceName": "db",
        "selector": {"matchLabels": {"app": "db"}},
        "template": {"metadata": {"labels": {"app": "db"}}, "spec": pod_spec({}, "Always")},
        "volumeClaimTemplates": [claim],
    }
    create(stack, namespace, apiVersion="apps/v1", kind="StatefulSet", metadata={"name": "db"}, spec=spec)
    eventually(lambda: get(stack, "statefulset", "db", "-n", namespace)["status"].get("readyReplicas") == 3)
    pods = sorted(get(stack, "pods", "-n", namespace)["items"], key=lambda pod: pod["metadata"]["creationTimestamp"])
    assert [pod["metadata"]["name"] for pod in pods] == ["db-0", "db-1", "db-2"]
    claims = get(stack, "persistentvolumeclaims", "-n", namespace)["items"]
    assert [one["status"]["phase"] for one in claims] == ["Bound"] * 3


def test_a_claim_that_several_share_is_bound_and_its_volume_goes_with_it(stack: Stack, namespace: str) -> None:
    claim = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "2Gi"}}}
    create(stack, namespace, apiVersion="v1", kind="PersistentVolumeClaim", metadata={"name": "shared"}, spec=claim)
    volume = {"name": "shared", "persistentVolumeClaim": {"claimName": "shared"}}
    spec = {**pod_spec({}, "Always"), "volumes": [volume]}
    create(stack, namespace, apiVersion="v1", kind="Pod", metadata={"name": "web"}, spec=spec)
    bound = eventually(
        lambda: (found := get(stack, "pvc", "shared", "-n", namespace))["status"]["phase"] == "Bound" and found
    )
    stack.kubectl("delete", "pod/web", "pvc/shared", f"--namespace={namespace}", "--wait=false")
    name = bound["spec"]["volumeName"]
    eventually(lambda: "NotFound" in stack.kubectl("get", "pv", name).stderr)
