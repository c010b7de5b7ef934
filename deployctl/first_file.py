"""The text of a first deploy.yaml: what each kind of workload needs, and short words on why."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import get_args

from pipelines.deployfile import API_VERSION, DeployFile
from pipelines.deployfile.schema import KEYS_NEEDED

KINDS = {
    "web": "answers requests",
    "worker": "works by itself, and answers nobody",
    "stateful": "keeps data of its own",
    "cronjob": "runs at set times",
    "job": "runs once a Release",
}


@dataclass(frozen=True, slots=True)
class Answers:
    """What is asked. Port and health paths are for kinds that serve, the schedule is for a cronjob."""

    app: str
    kind: str
    image: str
    port: int
    readiness: str
    liveness: str
    schedule: str


def known_kinds() -> tuple[str, ...]:
    """The kinds that this version's schema has."""
    options = get_args(DeployFile.model_fields["workload"].annotation)
    return tuple(kind for option in options for kind in get_args(option))


def needs(kind: str, key: str) -> bool:
    """Whether `key` has to be written for this kind."""
    return key in KEYS_NEEDED.get(kind, ())


def text(answers: Answers, schema_url: str | None) -> str:
    """The file; `schema_url` is where an editor finds its schema."""
    kind = answers.kind
    lines = [
        f"# yaml-language-server: $schema={schema_url}" if schema_url else "",
        f"apiVersion: {API_VERSION}",
        f"app: {_scalar(answers.app)}",
        f"workload: {_scalar(kind)}",
        f"image: {_scalar(answers.image)}",
        f"port: {answers.port}" if needs(kind, "port") else "",
        _health(answers) if needs(kind, "health") else "",
        f"# Minute, hour, day, month, weekday.\ncron: {{schedule: {json.dumps(answers.schedule)}}}"
        if needs(kind, "cron")
        else "",
        "# What it is sure to get; of memory also the most that it may take.",
        "resources: {cpu: 100m, memory: 128Mi}",
        "# Storage that outlives its pods:\n# volumes: [{name: data, path: /var/lib/data, size: 10Gi}]"
        if kind == "stateful"
        else "",
        _allow(kind),
    ]
    return "\n".join(line for line in lines if line) + "\n"


def _health(answers: Answers) -> str:
    paths = f"readiness: {_scalar(answers.readiness)}, liveness: {_scalar(answers.liveness)}"
    return (
        "# readiness: may it get requests now? liveness: must it be restarted? Two different questions.\n"
        f"health: {{{paths}}}"
    )


def _allow(kind: str) -> str:
    if needs(kind, "port"):
        return (
            "# Nobody may call it, and it may call nobody, but who stands here:\n"
            "#   from: [{app: storefront}]\n"
            "#   to: [{app: payments}, {host: api.stripe.com, port: 443}]\n"
            "allow: {from: [], to: []}"
        )
    return "# It may call nobody but who stands here, such as {host: api.stripe.com, port: 443}.\nallow: {to: []}"


def _scalar(value: str) -> str:
    """`value` as YAML that is read as exactly that text."""
    return (
        value if re.fullmatch(r"[A-Za-z/][A-Za-z0-9._/@:-]*", value) and not value.endswith(":") else json.dumps(value)
    )
