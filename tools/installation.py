"""A whole gateway on a running stack: its configuration, its tokens, its store, and its four processes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from configuration.file import load
from configuration.identity import Role
from pipelines.adapters.cel import CelRules
from pipelines.backstop import backstop
from pipelines.rules import as_json, load_rules, parameters
from store import migrate
from tools.commands.token import new_token
from tools.stack import Stack
from tools.stack.images import push_image
from tools.stack.repositories import Content, push_commit

SMOKE_IMAGE = "platform/curl:8.17.0"
"""The platform's HTTP client, which smoke checks run."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody with a token."""

    name: str
    role: Role
    team: str | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """An App of the installation; its repository is TEAM/NAME on the stack's Git server. `chart` pins its chart."""

    name: str
    team: str
    chart: str | None = None


class Installation:
    """A gateway that runs. Made by `install`."""

    def __init__(self, stack: Stack, config: Path, tokens: Mapping[str, str]) -> None:
        self.stack = stack
        self.config = config
        self.tokens = tokens

    @property
    def url(self) -> str:
        """Where the front door is."""
        return self.stack.gateway_url

    @property
    def registry(self) -> str:
        """`host:port` of the image registry."""
        return self.stack.registry

    @property
    def deployctl(self) -> str:
        """The program, from the environment that this runs in."""
        return str(Path(sys.executable).with_name("deployctl"))

    def client_environment(self, holder: str) -> dict[str, str]:
        """The environment of somebody who uses deployctl as `holder`, and has nothing else of ours."""
        kept = {
            name: os.environ[name]
            for name in ("PATH", "TERM", "LANG", "NO_COLOR", "CI", "COLUMNS")
            if name in os.environ
        }
        home = self.stack.state / "clients" / holder
        home.mkdir(parents=True, exist_ok=True)
        return {**kept, "HOME": str(home), "DEPLOYCTL_URL": self.url, "DEPLOYCTL_TOKEN": self.tokens[holder]}

    def push(self, repository: str, files: Mapping[str, Content], message: str, *, branch: str = "main") -> str:
        """Commits exactly `files` to `branch` of TEAM/NAME; the SHA."""
        return push_commit(self.stack.git_root / f"{repository}.git", files, message, branch=branch)

    def api(self, holder: str, path: str) -> Any:
        """The JSON that a GET as `holder` answers. Raises httpx.HTTPStatusError."""
        headers = {"Authorization": f"Bearer {self.tokens[holder]}"}
        return httpx.get(f"{self.url}{path}", headers=headers, timeout=10).raise_for_status().json()


def install(
    stack: Stack,
    apps: tuple[Registered, ...],
    holders: tuple[Holder, ...],
    *,
    port: int | None = None,
    rollout_timeout_seconds: int = 60,
    environments: Mapping[str, Mapping[str, Any]] | None = None,
    registries: Collection[str] = (),
    webhooks: Mapping[str, Mapping[str, Any]] | None = None,
    secrets: Mapping[str, str] | None = None,
) -> Installation:
    """Writes the configuration, migrates the store, puts the rules into the cluster, and starts the processes.

    `environments` are there beside staging and production, written as in gateway.yaml, without their cluster;
    `registries` are prefixes that images may come from beside the stack's own. `webhooks` are written as in
    gateway.yaml, and `secrets` put beside it, by file name.
    """
    tokens = {holder.name: new_token() for holder in holders}
    folder = stack.state / "gateway"
    folder.mkdir(mode=0o700)
    for name, content in {"redis-url": stack.redis_url, **(secrets or {})}.items():
        secret = folder / name
        secret.touch(mode=0o600)
        secret.write_text(content)
    digests = {name: digest for name, (_, digest) in tokens.items()}
    config = folder / "gateway.yaml"
    document = _gateway_yaml(stack, apps, holders, digests, rollout_timeout_seconds, environments or {}, registries)
    # JSON is YAML, and says for certain what is a text.
    config.write_text(json.dumps({**document, "webhooks": dict(webhooks or {})}, indent=1))
    settings = load(config)
    migrate(settings.database_url)
    rules = load_rules()
    CelRules(rules)  # a rule that does not compile stops the start, here and not at the first Release
    prefixes = tuple(registry.prefix for registry in settings.registries)
    places = tuple(settings.environments.values())
    objects = backstop(rules, parameters(prefixes, places, apps=settings.apps.values()), places, settings.exceptions)
    applied = stack.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=as_json(objects))
    if applied.returncode != 0:
        raise RuntimeError(f"the rules could not be installed: {applied.stderr}")
    push_image(stack.registry, SMOKE_IMAGE)
    stack.start_system(config, port)
    return Installation(stack, config, {name: text for name, (text, _) in tokens.items()})


def _gateway_yaml(
    stack: Stack,
    apps: tuple[Registered, ...],
    holders: tuple[Holder, ...],
    digests: Mapping[str, str],
    rollout_timeout_seconds: int,
    environments: Mapping[str, Mapping[str, Any]],
    registries: Collection[str],
) -> dict[str, Any]:
    environment = {"cluster": "local", "rollout_timeout_seconds": rollout_timeout_seconds}
    return {
        "apiVersion": "deploy-gateway/v1",
        "public_url": "http://127.0.0.1",
        "store": {"url": "sqlite:///gateway.db"},
        "queue": {"url": "file:redis-url"},
        "work_dir": "work",
        "clusters": {"local": {}},
        "environments": {
            "staging": {**environment, "namespace": "{app}-staging"},
            "production": {**environment, "namespace": "{app}"},
            **{name: {**environment, **more} for name, more in environments.items()},
        },
        "teams": {app.team: {} for app in apps},
        "apps": {app.name: _app(stack, app) for app in apps},
        "tokens": [
            {
                "name": holder.name,
                "role": holder.role.value,
                "sha256": digests[holder.name],
                **({"team": holder.team} if holder.team else {}),
            }
            for holder in holders
        ],
        "images": {
            "registries": [
                {"prefix": f"{stack.registry}/", "plain_http": True},
                *({"prefix": prefix} for prefix in registries),
            ],
            "smoke": f"{stack.registry}/{SMOKE_IMAGE}",
        },
        "chart_repositories": [{"prefix": f"oci://{stack.registry}/", "plain_http": True}],
        "git": {"allowed_hosts": [stack.git_url.removeprefix("http://")]},
    }


def _app(stack: Stack, app: Registered) -> dict[str, str]:
    entry = {"team": app.team, "repository": f"{stack.git_url}/{app.team}/{app.name}.git"}
    return entry if app.chart is None else {**entry, "chart": app.chart}
