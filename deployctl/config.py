"""Where the gateway is and who is asking: from the environment, or from the file that `deployctl login` writes."""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from deployctl.exits import Exit
from deployctl.problems import CommandFailed


@dataclass(frozen=True, slots=True)
class Config:
    """The gateway's address without a slash at its end, and a bearer token."""

    url: str
    token: str


def config_path() -> Path:
    """`~/.config/deployctl/config.toml`, or below $XDG_CONFIG_HOME."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "deployctl" / "config.toml"


def load_config(url: str | None = None) -> Config:
    """`url`, then DEPLOYCTL_URL and DEPLOYCTL_TOKEN, then the file. Raises `CommandFailed` for what is missing."""
    stored = _stored()
    address = url or os.environ.get("DEPLOYCTL_URL") or stored.get("url", "")
    token = os.environ.get("DEPLOYCTL_TOKEN") or stored.get("token", "")
    if not address.startswith(("http://", "https://")):
        raise _incomplete("the gateway's address", "DEPLOYCTL_URL=https://deploy.example.com")
    if not token or any(character in token for character in "\r\n "):
        raise _incomplete("a token", "DEPLOYCTL_TOKEN=dgw_…")
    return Config(address.rstrip("/"), token)


def schema_url() -> str | None:
    """Where the gateway serves the schema of deploy.yaml; None when DEPLOYCTL_URL doesn't say where the gateway is."""
    address = os.environ.get("DEPLOYCTL_URL", "")
    return f"{address.rstrip('/')}/schemas/deploy.yaml.json" if address.startswith(("http://", "https://")) else None


def platform_file() -> Path | None:
    """The gateway.yaml that offline commands take the platform's settings from: DEPLOYCTL_PLATFORM, or `platform`."""
    name = os.environ.get("DEPLOYCTL_PLATFORM") or _stored().get("platform")
    return Path(name).expanduser() if name else None


def store_config(config: Config) -> Path:
    """Writes the file, for this user alone; what else stands in it stays."""
    path = config_path()
    try:
        kept = _stored()
    except CommandFailed:  # a file that can't be read is what `login` is there to mend
        kept = {}
    content = {**kept, "url": config.url, "token": config.token}
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(f"{key} = {_quoted(value)}\n" for key, value in content.items())
    path.chmod(0o600)
    return path


def _quoted(text: str) -> str:
    """A JSON string, which is one of TOML as well."""
    return json.dumps(text, ensure_ascii=False)


def _stored() -> dict[str, str]:
    try:
        found = tomllib.loads(config_path().read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CommandFailed(
            "The configuration can't be read",
            f"{config_path()}: {error}",
            "Write it anew: deployctl login",
            Exit.WRONG_USAGE,
        ) from error
    return {key: value for key, value in found.items() if isinstance(value, str)}


def _incomplete(what: str, example: str) -> CommandFailed:
    return CommandFailed(
        f"deployctl does not know {what}",
        f"neither the environment nor {config_path()} says {what}",
        f"Run `deployctl login`, or set {example}",
        Exit.WRONG_USAGE,
    )
