"""The two teams of the demonstration, and what they push."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tools.installation import Installation
from tools.stack.repositories import Content

_REPOSITORIES = Path(__file__).with_name("repositories")


@dataclass(frozen=True, slots=True)
class Team:
    """A team with one repository, called like its App."""

    name: str
    app: str

    @property
    def folder(self) -> Path:
        return _REPOSITORIES / self.name / self.app

    def files(self, installation: Installation) -> dict[str, Content]:
        """The first version of its repository: path → text, with the registry's address filled in."""
        return {
            str(path.relative_to(self.folder)): path.read_text().replace("REGISTRY", installation.registry)
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }


SHOP = Team("shop", "checkout")
BLOG = Team("blog", "frontpage")
TEAMS = (SHOP, BLOG)
SANDBOX = Team("shop", "sandbox")
"""An App for whatever a visitor wants to try: its repository holds nothing to release yet."""
IMAGES = ("shop/checkout:1.4.2", "shop/checkout:1.5.0", "shop/checkout:1.5.1")


def push(installation: Installation, team: Team, files: dict[str, Content], message: str) -> str:
    """Commits `files` to the team's main branch; the SHA."""
    return installation.push(f"{team.name}/{team.app}", files, message)


def _version(installation: Installation, version: str, extra: str = "") -> dict[str, Content]:
    files = SHOP.files(installation)
    return {**files, "deploy.yaml": str(files["deploy.yaml"]).replace(":1.4.2", f":{version}") + extra}


def never_ready(installation: Installation) -> dict[str, Content]:
    """A version whose pods never become ready: the simulated kubelet reads SIMULATE."""
    return _version(installation, "1.5.0", "env: {SIMULATE: never-ready}\n")


def next_version(installation: Installation) -> dict[str, Content]:
    """A version that works."""
    return _version(installation, "1.5.1")
