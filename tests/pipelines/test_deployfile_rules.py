"""What each key of `deploy.yaml` refuses, and what the keys say to each other: by line, with what to write."""

from __future__ import annotations

import pytest

from pipelines.deployfile import overlaid, read, repository_files
from pipelines.deployfile.texts import bytes_of
from pipelines.errors import InvalidDeployFile

_HEAD = "apiVersion: deploy-gateway/v1\napp: checkout\n"
_BASE = "image: registry.example.com/shop/checkout:1.4.2\nresources: {cpu: 250m, memory: 256Mi}\n"
_PORT = "port: 8080\nhealth: {readiness: /ready, liveness: /live}\n"
WEB = f"{_HEAD}workload: web\n{_BASE}{_PORT}"
WORKER = f"{_HEAD}workload: worker\n{_BASE}"
STATEFUL = f"{_HEAD}workload: stateful\n{_BASE}{_PORT}"
CRONJOB = f'{_HEAD}workload: cronjob\n{_BASE}cron: {{schedule: "15 3 * * *"}}\n'
JOB = f"{_HEAD}workload: job\n{_BASE}"


def _faults(text: str) -> list[str]:
    with pytest.raises(InvalidDeployFile) as caught:
        read(text.encode(), "deploy.yaml", app="checkout", environments=("staging", "production"))
    return [str(fault) for fault in caught.value.errors] or [str(caught.value)]


@pytest.mark.parametrize(
    "text", [WEB, WORKER, STATEFUL, CRONJOB, JOB], ids=["web", "worker", "stateful", "cron", "job"]
)
def test_a_few_lines_are_enough_for_each_kind_of_workload(text: str) -> None:
    assert read(text.encode(), "deploy.yaml", app="checkout", environments=()).file.workload


@pytest.mark.parametrize(
    ("text", "extra", "expected"),
    [
        (WEB, "cron: {schedule: '0 0 * * *'}", "deploy.yaml:8: cron is no key of a web: only a cronjob has it"),
        (WORKER, "expose: {host: a.example.com}", "expose is no key of a worker: a worker is not called from outside"),
        (STATEFUL, "autoscale: {max: 3, cpu: 70}", "autoscale is no key of a stateful: what keeps state"),
        (CRONJOB, "port: 8080", "deploy.yaml:7: port is no key of a cronjob: a cronjob serves nobody, and ends"),
        (JOB, "migrate: {command: [x]}", "migrate is no key of a job"),
        (JOB, "environments: {staging: {replicas: 3}}", "deploy.yaml:6: replicas is no key of a job"),
        (WEB, "replicas: 3\nautoscale: {max: 9, cpu: 70}", "replicas and autoscale say different things"),
        (WEB, "volumes: [{name: a, path: /a, size: 1Gi}]", "Write shared: true, or workload: stateful"),
        (WORKER, "ports: [{name: admin, port: 9090}]", "ports needs the port that it is about. Add port: 8080"),
        (WORKER, "metrics: {}", "metrics needs the port that it is about"),
        (WORKER, "health: {readiness: /ready, liveness: [x]}", "health needs the port"),
        (WORKER, "allow: {from: [{app: a}]}", "allow needs the port"),
        (WEB, "ports: [{name: admin, port: 8080}]", "the port 8080 or the name 'admin' is taken"),
        (WEB, "ports: [{name: http, port: 9090}]", "or the name 'http' is taken"),
        (WEB, "init: [{name: a, command: [x]}, {name: a, command: [x]}]", "there is a container 'a' already"),
        (
            WEB,
            "sidecars: [{name: checkout, image: a/b:1, resources: {cpu: 1m, memory: 4Mi}}]",
            "a container 'checkout'",
        ),
        (WEB, "scratch: {/a: 1Mi}\nfiles: {/a: x}", "/a stands under scratch already"),
        (STATEFUL, "volumes: [{name: tmp, path: /a, size: 1Gi}]", "the name 'tmp' or the path /a is taken"),
    ],
)
def test_keys_that_do_not_go_together_are_told_with_their_line(text: str, extra: str, expected: str) -> None:
    (fault,) = _faults(f"{text}{extra}\n")
    assert expected in fault


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ("resources: {cpu: '0', memory: 1Gi}", "cpu is 0"),
        ("resources: {cpu: '2', memory: 1Gi, cpu_limit: '1'}", "cpu_limit is below cpu"),
        ("resources: {cpu: '1', memory: 1Mi}", "memory is below 4Mi"),
        ("autoscale: {min: 5, max: 3, cpu: 70}", "max is below min"),
        ("autoscale: {max: 3}", "say what to scale on"),
        ("env: {A: {secret: x}}", "write {config_map"),
        ("env: {A: {field: ip, key: k}}", "write {config_map"),
        ("env: {A: {secrte: x, key: k}}", "unknown key 'env.A.secrte'. Did you mean 'secret'?"),
        ("env_from: [{}]", "write either config_map or secret"),
        ("files: {/a: {file: a, secret: b}}", "write {file: …}"),
        ("files: {/a: {file: ../a}}", "inside the repository"),
        ("files: {/a: {file: .git/FETCH_HEAD}}", "inside the repository"),
        ("files: {/etc/../a: x}", "without . or .."),
        ("files: {/proc/x: y}", "belongs to the container runtime"),
        ("scratch: {/var/run/secrets/x: 1Mi}", "belongs to the container runtime"),
        ("volumes: [{name: a, path: /a}]", "write either size, or existing"),
        ("volumes: [{name: a, path: /a, existing: b, storage_class: c}]", "has its storage_class"),
        ("verify: {}", "write either path or command"),
        ("verify: {path: /a, image: a/b:1}", "image goes with command"),
        ("kubernetes_api: [{resources: [secrets], verbs: [get]}]", "secrets is never granted"),
        ("kubernetes_api: [{resources: [pods/exec], verbs: [create]}]", "pods/exec is never granted"),
        (
            "kubernetes_api: [{resources: [roles], verbs: [get], group: rbac.authorization.k8s.io}]",
            "nothing of rbac.authorization.k8s.io is ever granted",
        ),
        ("kubernetes_api: [{resources: ['*'], verbs: [get]}]", "kubernetes_api.0.resources.0 is '*'"),
        ("kubernetes_api: [{resources: [pods], verbs: ['*']}]", "Write for example verbs: [get, list, watch]"),
        ("health: {readiness: /a, liveness: {path: /a}}", "have to be different"),
        ("health: {readiness: /a, liveness: {path: /a, headers: {X-A: b}}}", "have to be different"),
        ("health: {readiness: ready, liveness: /live}", "Write for example readiness: /ready"),
        ("expose: {host: UPPER.example.com}", "Write for example host: checkout.example.com"),
        ("user: 0", "Write for example user: 10001"),
        ("image: registry.example.com/shop/../other:1", "no .. and no empty parts"),
        ("expose: {host: a.b.svc.cluster.local}", "a name inside the cluster"),
        ("allow: {to: [{host: a.b.svc, port: 80}]}", "a name inside the cluster"),
        ("stop: {seconds: 1}", "stop.seconds is '1'"),
        ("command: x", "Write for example command:"),
    ],
)
def test_a_value_that_can_not_be_is_told_with_what_to_write(extra: str, expected: str) -> None:
    key = extra.split(":", 1)[0]
    text = "".join(line for line in WEB.splitlines(keepends=True) if not line.startswith(f"{key}:"))
    assert any(expected in fault for fault in _faults(f"{text}{extra}\n")), _faults(f"{text}{extra}\n")


@pytest.mark.parametrize("schedule", ["* * * *", "60s", "@daily", "a b c d e f", "* * * * * *", "{{ x }} * * * *"])
def test_a_schedule_of_another_form_is_refused(schedule: str) -> None:
    (fault,) = _faults(CRONJOB.replace("15 3 * * *", schedule))
    assert "minute, hour, day, month, weekday; in quotes" in fault


@pytest.mark.parametrize("zone", ["Local", "europe/berlin", "../etc", "A/../B"])
def test_a_time_zone_that_is_none_is_refused(zone: str) -> None:
    (fault,) = _faults(CRONJOB.replace('"}', f'", time_zone: {zone}}}'))
    assert "time_zone" in fault


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("app", 'app: "check{{out"'),
        ("app", 'app: "checkout\\nevil: x"'),
        ("expose", 'expose: {host: "a.example.com\\nb"}'),
        ("env", 'env: {"A\\nB": x}'),
        ("env", 'env: {A: "{{ .Values }}"}'),
        ("args", 'args: ["a\\u0085"]'),
        ("labels", 'labels: {sidecar.istio.io/inject: "false"}'),
        ("annotations", 'annotations: {sidecar.istio.io/inject: "false"}'),
        ("port", "port: 70000"),
        ("image", 'image: "registry.example.com/a:1\\n- name: evil"'),
        ("securityContext", "securityContext: {privileged: true}"),
        ("health", 'health: {readiness: {path: /a, headers: {"X\\nY": z}}, liveness: /live}'),
    ],
)
def test_an_attempt_to_get_around_is_refused_by_name(key: str, text: str) -> None:
    base = "".join(line for line in WEB.splitlines(keepends=True) if not line.startswith(f"{key}:"))
    faults = _faults(f"{base}{text}\n")
    assert any(f"{key}" in fault for fault in faults)


def test_what_an_overlay_says_is_held_against_the_whole() -> None:
    text = f"{WEB}volumes: [{{name: a, path: /a, size: 1Gi, shared: true}}]\nenvironments:\n  production:\n"
    (fault,) = _faults(f"{text}    volumes: [{{name: a, path: /a, size: 1Gi}}]\n")
    assert fault.startswith("deploy.yaml:11: the volume a")


@pytest.mark.parametrize(
    ("base", "over", "expected"),
    [
        ("replicas: 3", "autoscale: {max: 9, cpu: 70}", (None, 9)),
        ("autoscale: {max: 9, cpu: 70}", "replicas: 4", (4, None)),
    ],
)
def test_a_number_and_a_scale_replace_each_other(base: str, over: str, expected: tuple[int | None, int | None]) -> None:
    text = f"{WEB}{base}\nenvironments:\n  production:\n    {over}\n"
    file = read(text.encode(), "deploy.yaml", app="checkout", environments=("production",)).file
    production = overlaid(file, "production")
    assert (production.replicas, production.autoscale and production.autoscale.max) == expected


def test_files_of_the_repository_are_known_from_everywhere() -> None:
    text = f"{WEB}files: {{/a: {{file: a.conf}}, /b: text}}\n"
    text += "environments: {production: {files: {/a: {file: p.conf}}}}\n"
    file = read(text.encode(), "deploy.yaml", app="checkout", environments=("production",)).file
    assert repository_files(file) == {"a.conf", "p.conf"}


def test_a_quantity_is_counted_in_bytes() -> None:
    assert [bytes_of(text) for text in ("1", "2k", "1Mi", "3Gi")] == [1, 2000, 2**20, 3 * 2**30]
    with pytest.raises(ValueError, match="no quantity"):
        bytes_of("many")
