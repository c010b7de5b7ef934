"""checkout: the commit, its `deploy.yaml`, and the manifests that it names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.apps import App
from pipelines.deployfile import LARGEST_BYTES, LARGEST_FILE_BYTES, Declaration, read, repository_files
from pipelines.deployfile.texts import is_text
from pipelines.errors import InvalidChart, InvalidDeployFile, UnsafeCheckout
from pipelines.ports import Checkout, Git
from pipelines.third_party.archive import LARGEST_ARCHIVE_BYTES, MOST_FILES, unpacked, with_subcharts
from pipelines.third_party.chart import ThirdPartyChart, read_chart

_LARGEST_MANIFEST_BYTES = 1024 * 1024
_MOST_MANIFESTS = 200
_MOST_MANIFEST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """What the team wrote. `manifests` maps paths in the repository to contents; empty for the standard chart.

    `files` are the texts of those that `files:` in deploy.yaml takes from the repository, by path there. `chart` is
    a third-party chart that is in the repository.
    """

    checkout: Checkout
    declaration: Declaration
    manifests: Mapping[str, bytes]
    files: Mapping[str, str] = field(default_factory=dict)
    chart: ThirdPartyChart | None = None


def checkout(
    app: App, ref: str, environments: Collection[str], git: Git, into: Path, *, timeout_seconds: float
) -> Source:
    """`ref` of the App's repository, below `into`, with its declaration read.

    Raises what `pipelines.ports.Git.checkout` raises, `InvalidDeployFile` and `UnsafeCheckout`.
    """
    commit = git.checkout(app.repository, ref, into, timeout_seconds=timeout_seconds)
    return read_source(app, commit, environments)


def read_source(app: App, commit: Checkout, environments: Collection[str]) -> Source:
    """What the team wrote in the tree of `commit`. Raises `InvalidDeployFile` and `UnsafeCheckout`."""
    content = read_deploy_file(app.deploy_file, commit)
    declaration = read(content, app.deploy_file, app=app.name, environments=environments)
    folder = declaration.file.manifests
    manifests = _manifests(commit, folder) if folder else {}
    return Source(commit, declaration, manifests, texts_of(commit, declaration), _vendored(commit, declaration))


def read_deploy_file(name: str, commit: Checkout) -> bytes:
    """The file called `name` in the tree, unread. Raises `InvalidDeployFile` and `UnsafeCheckout`."""
    return _read(commit, name, LARGEST_BYTES)


def _read(commit: Checkout, name: str, most_bytes: int, where: str = "") -> bytes:
    path = commit.path / name
    if name in commit.links or any(str(parent) in commit.links for parent in Path(name).parents):
        raise UnsafeCheckout(
            f"{name} is a symbolic link, and links are not followed", "Commit the file itself in its place", where=name
        )
    if path.is_dir():
        raise InvalidDeployFile(f"{name} is a folder", "Commit a file by that name", where=name)
    if not path.is_file():
        raise InvalidDeployFile(
            f"the commit {commit.commit[:8]} has no {name}",
            "Commit it, or correct the path"
            if where
            else "Add it (`deployctl init` writes one), or have the platform correct deploy_file of this App",
            where=where or name,
        )
    size = path.stat().st_size
    if size > most_bytes:
        raise InvalidDeployFile(
            f"it has {size} bytes, and {most_bytes} is the most",
            "Move data elsewhere: this is read as a whole",
            where=name,
        )
    return path.read_bytes()


def texts_of(commit: Checkout, declaration: Declaration) -> dict[str, str]:
    """What `files:` takes from the repository, by path there. Raises `InvalidDeployFile`, `UnsafeCheckout`."""
    return {
        name: _text(name, _read(commit, name, LARGEST_FILE_BYTES, declaration.source("files")), declaration)
        for name in sorted(repository_files(declaration.file))
    }


def _text(name: str, content: bytes, declaration: Declaration) -> str:
    text = content.decode("utf-8", "surrogateescape")
    if not is_text(text):
        raise InvalidDeployFile(
            f"{name} holds something else than text in UTF-8",
            "Put binary data into the image",
            where=declaration.source("files"),
        )
    return text


def _vendored(commit: Checkout, declaration: Declaration) -> ThirdPartyChart | None:
    """The chart at `chart.path`: a folder, or an archive. Raises subclasses of `InvalidInput`."""
    path = declaration.file.chart.path if declaration.file.chart else None
    if path is None:
        return None
    if path.endswith(".tgz"):
        archive = _read(commit, path, LARGEST_ARCHIVE_BYTES, declaration.source("chart", "path"))
        return read_chart(unpacked(archive, path), path)
    top = commit.path / path
    if not top.is_dir():
        raise InvalidDeployFile(
            f"there is no folder {path}", "Commit it, or correct the path", where=declaration.source("chart", "path")
        )
    return read_chart(with_subcharts(_tree(commit, top), path), path)


def _tree(commit: Checkout, top: Path) -> dict[str, bytes]:
    files = sorted(path for path in top.rglob("*") if path.is_file() or path.is_symlink())
    if len(files) > MOST_FILES:
        reason = f"it has {len(files)} files, and {MOST_FILES} are the most"
        raise InvalidChart(reason, "Leave out what the chart doesn't need", where=top.name)
    names = {path.relative_to(top).as_posix(): path.relative_to(commit.path).as_posix() for path in files}
    return {inside: _read(commit, name, LARGEST_ARCHIVE_BYTES) for inside, name in names.items()}


def _manifests(commit: Checkout, folder: str) -> dict[str, bytes]:
    top = commit.path / folder
    if not top.is_dir():
        raise InvalidDeployFile(f"there is no folder {folder}", "Correct `manifests:` in deploy.yaml", where=folder)
    names = sorted(
        path.relative_to(commit.path).as_posix()
        for path in top.rglob("*")
        if path.suffix in (".yaml", ".yml") and path.is_file()
    )
    if not names or len(names) > _MOST_MANIFESTS:
        raise InvalidDeployFile(
            f"{folder} has {len(names)} .yaml files, and 1 to {_MOST_MANIFESTS} are read",
            "Put the manifests of this App, and only those, into the folder",
            where=folder,
        )
    manifests = {name: _read(commit, name, _LARGEST_MANIFEST_BYTES) for name in names}
    size = sum(map(len, manifests.values()))
    if size > _MOST_MANIFEST_BYTES:
        raise InvalidDeployFile(
            f"the manifests in {folder} have {size} bytes, and {_MOST_MANIFEST_BYTES} are the most",
            "Put the manifests of this App, and only those, into the folder",
            where=folder,
        )
    return manifests
