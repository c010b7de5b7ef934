"""Bare repositories on disk, written without a work tree: what a team would push."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import GatewayError

_TEAM = "Team <team@example.com>"


class PushFailed(GatewayError):
    """Git did not take a commit; the reason carries its words."""

    code = "push-failed"
    title = "The commit was not taken"


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link in a commit, to `target` whatever that is."""

    target: str


Content = str | bytes | Link


@dataclass(frozen=True, slots=True)
class GitServer:
    """Where repositories are: `shop/checkout` is `url/shop/checkout.git`, on disk `root/shop/checkout.git`."""

    url: str
    root: Path

    def push(self, repository: str, files: Mapping[str, Content], message: str = "A change") -> str:
        """Commits exactly `files` to main of `repository`; the SHA. Raises `PushFailed`."""
        return push_commit(self.root / f"{repository}.git", files, message)


def files_below(folder: Path) -> dict[str, Content]:
    """Every file below `folder`: its path relative to that, and what is in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def push_commit(
    bare: Path, files: Mapping[str, Content], message: str, *, branch: str = "main", tag: str | None = None
) -> str:
    """Makes a commit on `branch` of the repository `bare` (made when it isn't there) that has exactly `files`.

    Returns the commit's full SHA, which `tag` then means too. Raises `PushFailed`.
    """
    if not (bare / "HEAD").exists():
        bare.mkdir(parents=True, exist_ok=True)
        _git(bare, "init", "--quiet", "--bare", f"--initial-branch={branch}")
    parent = _git(bare, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}").strip()
    stream = [f"commit refs/heads/{branch}\ncommitter {_TEAM} now\n".encode(), _data(message.encode())]
    if parent:
        stream.append(f"from {parent}\n".encode())
    stream.append(b"deleteall\n")
    stream += [_file(path, content) for path, content in files.items()]
    _git(bare, "fast-import", "--quiet", "--date-format=now", stdin=b"".join(stream))
    if tag is not None:
        _git(bare, "tag", tag, f"refs/heads/{branch}")
    return _git(bare, "rev-parse", f"refs/heads/{branch}").strip()


def _file(path: str, content: Content) -> bytes:
    # As `git help fast-import` has it: a quoted path may hold any character.
    quoted = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    mode = "120000" if isinstance(content, Link) else "100644"
    text = content.target if isinstance(content, Link) else content
    return f'M {mode} inline "{quoted}"\n'.encode() + _data(text.encode() if isinstance(text, str) else text)


def _data(content: bytes) -> bytes:
    return f"data {len(content)}\n".encode() + content + b"\n"


def _git(bare: Path, *arguments: str, stdin: bytes = b"") -> str:
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(["git", *arguments], cwd=bare, input=stdin, env=environment, capture_output=True, check=False)
    if done.returncode != 0:
        raise PushFailed(
            f"git {arguments[0]}: {done.stderr.decode(errors='replace').strip()}",
            "Check the names of the files, of the branch and of the tag",
            where=str(bare),
        )
    return done.stdout.decode()
