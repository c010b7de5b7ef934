"""Real parts for all tests: one stack in a session, of which only that is started which a test asks for."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import coverage
import hypothesis
import psycopg
import pytest

from pipelines.errors import ToolMissing
from tests.postgresql import copied, postgres_bin_dir, wheel_bin_dirs
from tools.stack import INFRASTRUCTURE, Stack
from tools.stack.component import Component
from tools.stack.ports import free_ports
from tools.stack.repositories import GitServer
from tools.stack.stack import PLANE_TOOLS
from tools.stack.supervisor import Supervisor
from tools.toolbox import ensure

# How long one example takes is the machine's doing, so it is no promise of a test.
hypothesis.settings.register_profile("untimed", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("untimed")


def pytest_configure() -> None:
    """Has children take Ctrl-C, which a shell has whatever it starts with `&` ignore, and all that this starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Builds the control plane's programs before any test's timeout runs: once they take minutes."""
    if any("stack" in getattr(item, "fixturenames", ()) for item in session.items):
        ensure((*PLANE_TOOLS, "crane"), progress=session.config.get_terminal_writer().line)


def pytest_sessionfinish() -> None:
    """Writes what coverage measured: a process that shares the tests with others is not waited for at its end."""
    if measured := coverage.Coverage.current():
        measured.save()


@pytest.fixture(scope="session")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The session's stack with nothing in it yet; the fixtures below add to it."""
    with Stack.up(tmp_path_factory.mktemp("stack"), components=()) as stack:
        yield stack
        stack.check()


@pytest.fixture(scope="session")
def stack(parts: Stack) -> Stack:
    """Control plane, kwok, Redis, Git server and registry."""
    parts.start(INFRASTRUCTURE)
    return parts


@pytest.fixture(scope="session")
def redis_url(parts: Stack) -> str:
    """A Redis with a password. It is shared: a test that counts on an empty one empties it."""
    parts.start({"redis"})
    return parts.redis_url


@pytest.fixture(scope="session")
def git_server(parts: Stack) -> GitServer:
    """A Git server over HTTP; each test takes repository names of its own."""
    parts.start({"git-server"})
    return GitServer(parts.git_url, parts.git_root)


@pytest.fixture(scope="session")
def registry(parts: Stack) -> str:
    """`127.0.0.1:PORT` of an image registry that speaks plain HTTP."""
    parts.start({"registry"})
    return parts.registry


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB. Skips where this user may not mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL of the session's own. Where there is none it skips, or fails when CI is set."""
    try:
        programs = postgres_bin_dir()
    except ToolMissing as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    with running_postgresql(programs) as url:
        yield url


@contextmanager
def running_postgresql(programs: Path) -> Iterator[str]:
    """The address of a server that `programs` run for as long as the block lasts."""
    # Not below pytest's folder, which only its owner may enter, and PostgreSQL doesn't run as root.
    folder = Path(tempfile.mkdtemp(prefix="deploy-gateway-postgres-"))
    as_user: tuple[str, ...] = ()
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
        as_user = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
        if programs in wheel_bin_dirs():  # below a folder of root's own, maybe
            programs = copied(programs, folder)
    try:
        yield from _postgres(programs, folder, as_user)
    finally:
        shutil.rmtree(folder)


def _postgres(programs: Path, folder: Path, as_user: tuple[str, ...]) -> Iterator[str]:
    data = folder / "data"
    subprocess.run(
        [*as_user, programs / "initdb", "--auth=trust", "--username=gateway", "--no-sync", f"--pgdata={data}"],
        cwd=folder,
        check=True,
        capture_output=True,
        timeout=60,
    )
    (port,) = free_ports(1)
    url = f"postgresql://gateway@127.0.0.1:{port}/postgres"

    def ready(_pid: int) -> bool:
        try:
            psycopg.connect(url, connect_timeout=1).close()
        except psycopg.OperationalError:
            return False
        return True

    settings = ("fsync=off", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}")
    options = [word for setting in settings for word in ("-c", setting)]
    argv: tuple[str | Path, ...] = (*as_user, programs / "postgres", "-D", data, "-p", str(port), *options)
    supervisor = Supervisor(folder / "logs", lambda _line: None)
    try:
        supervisor.start([Component("postgres", argv, ready, folder=folder, environment={"PATH": os.environ["PATH"]})])
        yield url
    finally:
        supervisor.stop()
