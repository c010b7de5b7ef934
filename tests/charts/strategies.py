"""Any valid deploy.yaml of the App checkout, as Hypothesis makes them up from what the schema allows."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

# Texts that have been misread by somebody: YAML, Go templates, shells.
TEXTS = st.one_of(
    st.sampled_from(
        ["on", "12:30", "1e3", "0x1F", "null", "~", "", " x ", "{}", "#", "'", '"', "$(A)", "a\nb: c", "é"]
    ),
    st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn", "Zl", "Zp"], exclude_characters="\ufeff"), max_size=20),
).filter(lambda text: "{{" not in text)
NAMES = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
CONTAINERS = NAMES.filter(lambda name: name not in ("checkout", "http", "grpc", "tcp", "metrics"))
ENV_NAMES = st.from_regex(r"[A-Z_][A-Z0-9_]{0,9}", fullmatch=True)
IMAGES = st.from_regex(r"registry\.example\.com/[a-z]{1,8}/[a-z]{1,8}:[0-9]{1,8}(\.[0-9]{1,3})?", fullmatch=True)
COMMANDS = st.lists(TEXTS, min_size=1, max_size=3)
PROBES = st.one_of(
    st.from_regex(r"/[a-z/]{0,10}", fullmatch=True),
    st.sampled_from(["tcp", "grpc"]),
    COMMANDS,
    st.fixed_dictionaries({"path": st.just("/deep"), "headers": st.dictionaries(st.just("X-Probe"), st.just("1"))}),
)
REFERENCES = st.sampled_from(
    [
        {"secret": "db", "key": "password"},
        {"config_map": "features", "key": "flags"},
        {"field": "ip"},
        {"resource": "memory_limit"},
    ]
)
ENV = st.dictionaries(ENV_NAMES, TEXTS | REFERENCES, max_size=4)


def _question(probe: Any) -> Any:
    return probe["path"] if isinstance(probe, dict) else probe


RESOURCES = st.fixed_dictionaries(
    {"cpu": st.sampled_from(["50m", "1", "0.5"]), "memory": st.sampled_from(["64Mi", "1Gi"])},
    optional={"cpu_limit": st.just("2"), "disk": st.just("1Gi")},
)
HEALTH = st.fixed_dictionaries(
    {"readiness": PROBES, "liveness": PROBES}, optional={"start_seconds": st.integers(2, 3600)}
).filter(lambda health: _question(health["readiness"]) != _question(health["liveness"]))
FILES = st.fixed_dictionaries(
    {}, optional={"/etc/a.conf": TEXTS, "/etc/b.key": st.just({"secret": "tls", "key": "tls.key"})}
)
ALLOW = st.fixed_dictionaries(
    {},
    optional={
        "from": st.lists(st.sampled_from([{"app": "storefront"}, {"app": "x", "namespace": "y"}]), max_size=2),
        "to": st.lists(
            st.sampled_from([{"app": "payments"}, {"host": "api.example.com", "port": 443}]), max_size=2, unique_by=str
        ),
    },
)
SCALE = st.one_of(
    st.fixed_dictionaries({}, optional={"replicas": st.integers(2, 200)}),
    st.just({"autoscale": {"min": 2, "max": 9, "cpu": 70}}),
)
ANY = {
    "command": COMMANDS,
    "args": COMMANDS,
    "env": ENV,
    "env_from": st.just([{"config_map": "features"}, {"secret": "db", "prefix": "DB_"}]),
    "files": FILES,
    "scratch": st.fixed_dictionaries({}, optional={"/tmp": st.just("1Gi"), "/var/run": st.just("8Mi")}),
    "external_secrets": st.just({"db": {"store": "vault", "keys": {"password": {"path": "shop/b"}}}}),
    "init": st.lists(
        st.fixed_dictionaries({"name": CONTAINERS, "command": COMMANDS}), max_size=2, unique_by=lambda one: one["name"]
    ),
    "kubernetes_api": st.just([{"resources": ["configmaps"], "verbs": ["get"]}]),
    "stop": st.fixed_dictionaries({"seconds": st.integers(10, 600)}),
    "user": st.integers(10_000, 2_000_000_000),
    "volumes": st.just([{"name": "media", "path": "/var/media", "size": "1Gi", "shared": True}]),
}
STEPS = {
    "migrate": st.fixed_dictionaries({"command": COMMANDS}, optional={"env": ENV}),
    "verify": st.one_of(st.just({"path": "/ok"}), st.fixed_dictionaries({"command": COMMANDS})),
}
SERVING = {
    "protocol": st.sampled_from(["http", "grpc", "tcp"]),
    "ports": st.just([{"name": "admin", "port": 9090}, {"name": "gossip", "port": 7946, "protocol": "udp"}]),
    "expose": st.sampled_from([{"host": "a.example.com"}, {"host": "a.example.com", "paths": ["/a", "/b"]}]),
    "metrics": st.sampled_from([{}, {"port": 9102}]),
    "allow": ALLOW,
    **STEPS,
}


def _workload(kind: str, needed: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    fixed = {
        "apiVersion": st.just("deploy-gateway/v1"),
        "app": st.just("checkout"),
        "workload": st.just(kind),
        "image": IMAGES,
        "resources": RESOURCES,
    }
    return st.fixed_dictionaries({**fixed, **needed}, optional={**ANY, **optional})


_PORT = {"port": st.sampled_from([1024, 8080, 65535]), "health": HEALTH}
_WEB = st.tuples(_workload("web", _PORT, SERVING), SCALE).map(lambda both: {**both[0], **both[1]})
_WORKER = st.tuples(_workload("worker", {}, {"migrate": STEPS["migrate"]}), SCALE).map(
    lambda both: {**both[0], **both[1]}
)
_STATEFUL = _workload("stateful", _PORT, {**SERVING, "replicas": st.integers(1, 9)})
_CRON = {"schedule": st.sampled_from(["* * * * *", "*/5 3 1-7 * MON-FRI", "0 0 1,15 JAN *"])}
_CRONJOB = _workload(
    "cronjob", {"cron": st.fixed_dictionaries(_CRON, optional={"time_zone": st.just("Europe/Berlin")})}, {}
)
_JOB = _workload("job", {}, {"job": st.just({"parallelism": 2, "completions": 4})})

DEPLOY_FILES = st.one_of(_WEB, _WORKER, _STATEFUL, _CRONJOB, _JOB).map(
    lambda document: json.dumps(document, ensure_ascii=False)
)
