"""Git, by GitPython: checks out one commit of a registered repository, and nothing that it could bring along."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import git

from pipelines.adapters.disk import full, written
from pipelines.apps import CommitSha, host_of, parse_ref
from pipelines.credentials import ReadCredentials
from pipelines.errors import (
    AccessRefused,
    CheckCrashed,
    GatewayError,
    GitUnavailable,
    InvalidInput,
    RefNotFound,
    RepositoryNotFound,
    ToolMissing,
    UnsafeCheckout,
)
from pipelines.ports import Checkout
from pipelines.suggestions import did_you_mean

_WATCH_SECONDS = 0.25
_MOST_FILES = 20_000
_ASK_THE_SERVER = ("fetch", "ls-remote")
_SYMLINK, _SUBMODULE = "120000", "160000"

# For every call: no hooks, filters, submodules, credentials helpers, redirects to elsewhere, other protocols.
_CONFIG = (
    "core.hooksPath=/dev/null",
    "core.symlinks=false",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "credential.helper=",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "http.followRedirects=false",
    "protocol.allow=never",
    "protocol.http.allow=always",
    "protocol.https.allow=always",
    "gc.auto=0",
    "maintenance.auto=false",
    "transfer.fsckObjects=true",
    "advice.detachedHead=false",
)
_FULL = re.compile(r"No space left|Out of diskspace|Disk quota exceeded")
_REFUSED = re.compile(r"Authentication failed|could not read (Username|Password)|returned error: 40[13]")
_UNREACHABLE = re.compile(
    r"Could not resolve|Failed to connect|Connection (refused|reset|timed out)|early EOF|unable to access"
    r"|Operation too slow|unexpected disconnect|RPC failed|Empty reply|bad object|fetch-pack: invalid",
    re.IGNORECASE,
)


class GitRepositories:
    """Implements `pipelines.ports.Git`."""

    def __init__(
        self,
        *,
        allowed_hosts: Collection[str],
        most_bytes: int,
        credentials: Mapping[str, ReadCredentials] | None = None,
    ) -> None:
        """`allowed_hosts` (`host` or `host:port`) are the only ones asked; `most_bytes` bounds one checkout.

        `credentials` are by host, and shown to no other.
        """
        self._allowed_hosts = frozenset(allowed_hosts)
        self._credentials = dict(credentials or {})
        self._most_bytes = most_bytes

    def checkout(self, repository: str, ref: str, into: Path, *, timeout_seconds: float) -> Checkout:
        """See `pipelines.ports.Git.checkout`."""
        parse_ref(ref)
        self._insist_on_allowed(repository)
        deadline = time.monotonic() + timeout_seconds
        run = _Run(into, deadline, self._most_bytes, self._header(repository))
        try:
            with written("the checkout"):
                into.mkdir(parents=True, exist_ok=True)
                run("init", "--quiet", "--template=", ".")
                self._fetch(run, repository, ref)
                commit, subject, author = _commit(run)
                links = _insist_on_bounded_tree(run, self._most_bytes)
                run("checkout", "--quiet", "--detach", "--no-recurse-submodules", commit)
        except _GitFailed as error:
            raise _failed_here(error.output) from error
        return Checkout(into, CommitSha(commit), subject, author, links)

    def _insist_on_allowed(self, repository: str) -> None:
        host = host_of(repository)
        if urlsplit(repository).scheme not in ("http", "https") or (
            self._allowed_hosts and host not in self._allowed_hosts
        ):
            raise InvalidInput(
                f"the repository's host {host} is not one that this gateway may ask",
                "The platform adds it to git.allowed_hosts in gateway.yaml",
                where="repository",
            )

    def _header(self, repository: str) -> tuple[str, str] | None:
        """The setting that has git show the credentials of `repository`'s host, to that host alone."""
        read = self._credentials.get(host_of(repository))
        if read is None:
            return None
        return (
            f"http.{urlsplit(repository).scheme}://{host_of(repository)}/.extraHeader",
            f"Authorization: {read().basic}",
        )

    def _fetch(self, run: _Run, repository: str, ref: str) -> None:
        try:
            run("fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--", repository, ref)
        except _GitFailed as error:
            raise self._explained(run, repository, ref, error.output) from error

    def _explained(self, run: _Run, repository: str, ref: str, output: str) -> GatewayError:
        shown = _without_credentials(repository)
        if "couldn't find remote ref" in output or "not our ref" in output:
            return RefNotFound(
                f"{shown} has no branch, tag or commit {ref!r}", self._near(run, repository, ref), where="ref"
            )
        if _REFUSED.search(output):
            return AccessRefused(
                f"{host_of(repository)} does not let the gateway read {shown}",
                "The platform gives it credentials that may read there: `git.credentials` in gateway.yaml",
                where="repository",
            )
        if re.search(r"repository '.*' not found|returned error: 404", output):
            return RepositoryNotFound(
                f"there is no repository {shown}, or the gateway may not read it",
                "The platform corrects `repository` of this App in gateway.yaml, or gives the gateway read access",
                where="repository",
            )
        if _FULL.search(output):
            return full("the checkout")
        reason = _without_credentials(output.strip().splitlines()[-1]) if output.strip() else "no answer"
        if not _UNREACHABLE.search(output):
            reason = f"git said: {reason}"
        return GitUnavailable(
            f"{shown} can't be fetched: {reason}",
            "It is tried again. See whether the Git server is up",
            where="repository",
        )

    def _near(self, run: _Run, repository: str, ref: str) -> str:
        if re.fullmatch(r"[0-9a-f]{4,39}", ref):
            return f"Write the full SHA of 40 digits: `git rev-parse {ref}`"
        try:
            listed = run("ls-remote", "--quiet", "--heads", "--tags", "--refs", "--", repository)
        except (_GitFailed, GatewayError):
            return "See whether it was pushed"
        names = {line.split("\t")[1].split("/", 2)[2] for line in listed.splitlines() if "\t" in line}
        return f"See whether it was pushed. {did_you_mean(ref, names)}".strip()


class _GitFailed(Exception):
    def __init__(self, output: str) -> None:
        super().__init__(output)
        self.output = output


class _Run:
    """Runs git in one directory until one deadline, watching how much it writes there."""

    def __init__(
        self, folder: Path, deadline: float, most_bytes: int, secret_setting: tuple[str, str] | None = None
    ) -> None:
        self._folder = folder
        self._deadline = deadline
        self._most_bytes = most_bytes
        self._secret_setting = secret_setting
        self._git = git.Git(str(folder))

    def __call__(self, *arguments: str) -> str:
        """Standard output. Raises `_GitFailed`, `GitUnavailable` at the deadline, `UnsafeCheckout` for too much."""
        options = [word for setting in _CONFIG for word in ("-c", setting)]
        slow = ["-c", "http.lowSpeedLimit=1000", "-c", f"http.lowSpeedTime={max(1, int(self._left()))}"]
        try:
            started: Any = self._git.execute(
                ["git", *options, *slow, *arguments],
                as_process=True,
                env=self._environment(arguments[0]),
                start_new_session=True,
            )
        except git.exc.GitCommandNotFound as error:
            raise ToolMissing("git was not found on PATH", "Install git", where="git") from error
        process: subprocess.Popen[bytes] = started.proc
        try:
            stdout, stderr = self._wait(process)
        finally:
            # Also what git started: git-remote-http outlives a killed git.
            _kill_group(process)
        if process.returncode != 0:
            raise _GitFailed(stderr.decode("utf-8", "replace"))
        return stdout.decode("utf-8", "replace")

    def _wait(self, process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
        while True:
            try:
                return process.communicate(timeout=_WATCH_SECONDS)
            except subprocess.TimeoutExpired:
                if self._left() <= 0:
                    raise GitUnavailable(
                        "the Git server was too slow: the time for a checkout is over",
                        "It is tried again. See whether the Git server is well",
                        where="repository",
                    ) from None
                if _size(self._folder) > self._most_bytes:
                    raise _too_large(self._most_bytes) from None

    def _left(self) -> float:
        return self._deadline - time.monotonic()

    def _environment(self, command: str) -> dict[str, str]:
        secret = {}
        if self._secret_setting is not None and command in _ASK_THE_SERVER:
            # In the environment, which only this user can see, and not among the arguments, which all can.
            name, value = self._secret_setting
            secret = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": name, "GIT_CONFIG_VALUE_0": value}
        return {
            **secret,
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(self._folder),
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "/bin/false",
            "GIT_LFS_SKIP_SMUDGE": "1",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_PROTOCOL_FROM_USER": "0",
        }


def _commit(run: _Run) -> tuple[str, str, str]:
    try:
        text = run("log", "-1", "--no-show-signature", "--format=%H%x00%s%x00%an", "FETCH_HEAD^{commit}")
    except _GitFailed as error:
        raise RefNotFound("the ref does not name a commit", "Name a branch, a tag or a commit", where="ref") from error
    commit, subject, author = text.rstrip("\n").split("\0")
    return commit, subject, author


def _insist_on_bounded_tree(run: _Run, most_bytes: int) -> frozenset[str]:
    """Before anything is written: how many files, how large; returns the paths of symbolic links."""
    total, links = 0, set()
    entries = [entry for entry in run("ls-tree", "-r", "-l", "-z", "FETCH_HEAD").split("\0") if entry]
    if len(entries) > _MOST_FILES:
        raise UnsafeCheckout(
            f"the tree has {len(entries)} files, and {_MOST_FILES} is the most",
            "Move what is deployed into a repository of its own",
        )
    for entry in entries:
        fields, _, path = entry.partition("\t")
        mode, _kind, _sha, size = fields.split()
        if mode == _SYMLINK:
            links.add(path)
        if mode != _SUBMODULE:  # a submodule is left out, as an empty folder
            total += int(size)
    if total > most_bytes:
        raise _too_large(most_bytes)
    return frozenset(links)


def _failed_here(output: str) -> GatewayError:
    """What git could not do with what it has fetched already, or before."""
    if _FULL.search(output):
        return full("the checkout")
    return CheckCrashed(
        f"git failed: {(output.strip().splitlines() or ['without a word'])[-1]}", "Report it to the platform"
    )


def _too_large(most_bytes: int) -> UnsafeCheckout:
    return UnsafeCheckout(
        f"the commit is larger than {most_bytes // (1024 * 1024)} MiB",
        "Keep large files elsewhere: only deploy.yaml and what it names are needed here",
    )


def _size(folder: Path) -> int:
    total = 0
    for parent, _, files in os.walk(folder):
        for name in files:
            try:
                total += (Path(parent) / name).lstat().st_size
            except FileNotFoundError:
                continue  # git renames its temporary files
    return total


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # nothing is left of it
    process.wait()


def _without_credentials(text: str) -> str:
    return re.sub(r"(https?://)[^/@\s]+@", r"\1***@", text)
