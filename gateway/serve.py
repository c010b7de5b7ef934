"""Runs the front door under gunicorn: threads for requests that wait, a few processes for those that work."""

from __future__ import annotations

import os
import socket
import struct
import sys
from typing import Any

import structlog
from flask import Flask

# gunicorn has no type information: hence the marks here and below.
# gunicorn has no type information, so that what comes from it is of any type.
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]
from gunicorn.workers.gthread import TConn, ThreadWorker  # type: ignore[import-untyped]

from configuration import logs
from configuration.settings import Settings
from gateway.app import create_app
from gateway.context import EXTENSION, Gateway
from gateway.webhooks.signatures import insist_on_secrets
from pipelines.apps import undated_warnings
from pipelines.errors import GatewayError
from store import open_store
from store.queue import RedisQueue

THREADS = 40
WAITERS = 32
_MOST_PROCESSES = 4
_SILENCE_SECONDS = 20
_STOP_SECONDS = 20
_log = structlog.get_logger("gateway.serve")


class AddressInUse(GatewayError):
    """The address to listen on can't be had."""

    code = "address-in-use"
    exit_code = 2
    title = "Can't listen there"


class _Worker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker, its threads safe from silent clients, its end from open streams."""

    def enqueue_req(self, conn: TConn) -> None:
        # A thread that reads or writes gives up on a client that neither sends nor takes anything.
        wait = struct.pack("ll", _SILENCE_SECONDS, 0)
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, wait)
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, wait)
        super().enqueue_req(conn)

    def handle_exit(self, sig: int, frame: Any) -> None:
        self._end_waiting()
        super().handle_exit(sig, frame)

    def handle_quit(self, sig: int, frame: Any) -> None:
        self._end_waiting()
        super().handle_quit(sig, frame)

    def _end_waiting(self) -> None:
        # A signal may come before the application is loaded.
        application = getattr(self, "wsgi", None)
        if isinstance(application, Flask):
            parts: Gateway = application.extensions[EXTENSION]
            parts.waiters.stop.set()
            parts.wakeups.close()


class _Log(Logger):  # type: ignore[misc]
    """gunicorn's own lines, as JSON like all others."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, settings: Settings, host: str, port: int) -> None:
        self._settings, self._bind = settings, f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        super().__init__()

    def load_config(self) -> None:
        for name, value in {
            "bind": self._bind,
            "worker_class": "gateway.serve._Worker",
            "workers": min(_MOST_PROCESSES, max(2, os.cpu_count() or 1)),
            "threads": THREADS,
            "worker_connections": 1000,
            "timeout": 60,
            "graceful_timeout": _STOP_SECONDS,
            "keepalive": 5,
            "limit_request_line": 4094,
            "limit_request_fields": 50,
            "limit_request_field_size": 4096,
            "accesslog": None,
            "logger_class": "gateway.serve._Log",
            "loglevel": "warning",
            "control_socket_disable": True,
            "proc_name": "deploy-gateway",
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        # In the worker, after the fork: connections are never shared between processes.
        queue = RedisQueue(self._settings.redis_url)
        store = open_store(self._settings.database_url, queue.notify)
        return create_app(self._settings, store, queue, waiters=WAITERS)


def serve(settings: Settings, host: str = "127.0.0.1", port: int = 8080) -> None:
    """Serves until SIGTERM or SIGINT; then finishes what has begun, for 20 s at most, and exits 0.

    Raises `AddressInUse`, `InvalidConfiguration` for a webhook's secret that can't be used, and what `open_store`
    raises for a store that is away or not migrated, before anything is started.
    """
    logs.configure()
    _probe(host, port)
    open_store(settings.database_url).close()
    insist_on_secrets(settings.webhooks.values())
    for environment, rule in undated_warnings(settings.environments.values()):
        _log.warning(
            "a rule only warns, and no day is set on which it blocks",
            environment=environment,
            rule=rule,
            write=f"environments.{environment}.rules.{rule}: {{mode: warn, enforce_from: DAY}}",
        )
    _log.info("listening", host=host, port=port, pid=os.getpid())
    sys.stderr.flush()
    _Server(settings, host, port).run()


def _probe(host: str, port: int) -> None:
    """Raises `AddressInUse` where gunicorn would retry for seconds and then leave with a stack of log lines."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise AddressInUse(
                f"port {port} on {host} can't be used: {error.strerror}",
                "Choose another with --port, or stop what listens there",
                where=f"{host}:{port}",
            ) from error
