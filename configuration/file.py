"""Reads `gateway.yaml` into `Settings`: once, at start, and with all its mistakes told together."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from configuration.announcements import webhooks
from configuration.bases import base_images, signed
from configuration.consistency import contradictions, ingress_kind
from configuration.document import Document, Location, parse
from configuration.explanation import explain
from configuration.granting import issuers, sign_in, tokens
from configuration.references import BrokenReference, Reference, resolve
from configuration.schema import GatewayFile
from configuration.schema.apps import AppEntry
from configuration.schema.environments import EnvironmentEntry, PlacementEntry
from configuration.settings import ChartPlace, ImageRegistry, KubeBench, Limits, Settings
from pipelines.apps import (
    ApiServer,
    App,
    AppName,
    BenchmarkRequirement,
    ClusterName,
    Environment,
    EnvironmentName,
    Ingress,
    Placement,
    RuleSetting,
    Scraper,
    host_of,
)
from pipelines.backstop import Exceptions
from pipelines.benchmark import NODE_CLASSES
from pipelines.charts import STANDARD_CHARTS, StandardCharts
from pipelines.errors import Fault, InvalidConfiguration

_LARGEST_FILE_BYTES = 4 * 1024 * 1024
_DATABASES = ("sqlite:///", "postgresql://", "postgresql+psycopg://")
_STAND_INS = {
    "apiVersion": "deploy-gateway/v1",
    "public_url": "http://localhost",
    "store": {"url": "?"},
    "queue": {"url": "?"},
}
_QUEUES = ("redis://", "rediss://", "unix://")


def load(
    path: Path,
    *,
    known_rules: Collection[str] | None = None,
    environ: Mapping[str, str] | None = None,
    with_secrets: bool = True,
) -> Settings:
    """The settings in the file at `path`.

    `known_rules` are the ids that `environments.*.rules` may name (None: not checked). `environ` is where
    `env:` references are looked up (None: the environment of this process). Without `with_secrets` no
    reference is followed, and the addresses of store and queue are empty: for whoever has the file alone.
    Relative paths are relative to the file. Raises `InvalidConfiguration` with one Fault for each mistake, none
    quoting a secret.
    """
    path = Path(path)
    document = parse(_text(path), path.name)
    file, faults = _validated(document)
    folder = path.resolve().parent
    charts = _charts(file, folder, document, faults)
    if file is not None and isinstance(document.value, dict):
        faults += contradictions(file, document, known_rules, charts)
    secrets = _Secrets(document, folder, os.environ if environ is None else environ)
    database_url = secrets.read("store", _DATABASES, _absolute_sqlite(folder)) if with_secrets else ""
    redis_url = secrets.read("queue", _QUEUES, lambda url: url) if with_secrets else ""
    faults += secrets.faults
    if faults or file is None or charts is None:
        raise _invalid(path, faults)
    return _settings(file, document, folder, database_url, redis_url, charts)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of `gateway.yaml`, for editors and for the reference."""
    return GatewayFile.model_json_schema(by_alias=True)


def _invalid(path: Path, faults: Iterable[Fault]) -> InvalidConfiguration:
    ordered = sorted(set(faults), key=lambda fault: (int(fault.where.rpartition(":")[2]), fault.reason))
    if len(ordered) == 1:
        only = ordered[0]
        return InvalidConfiguration(only.reason, only.solution, where=only.where, errors=ordered)
    reason = f"{path.name} has {len(ordered)} mistakes"
    return InvalidConfiguration(reason, "Correct each of them", where=path.name, errors=ordered)


def _text(path: Path) -> str:
    solution = "Pass the path of your gateway.yaml by --config or DEPLOY_GATEWAY_CONFIG"
    try:
        with path.open("rb") as stream:
            content = stream.read(_LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise InvalidConfiguration(f"it can't be read: {error.strerror}", solution, where=str(path)) from error
    if len(content) > _LARGEST_FILE_BYTES:
        raise InvalidConfiguration(f"it is larger than {_LARGEST_FILE_BYTES >> 20} MiB", solution, where=str(path))
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InvalidConfiguration("it is not UTF-8 text", "Save it as UTF-8", where=f"{path}:{line}") from error


def _validated(document: Document) -> tuple[GatewayFile | None, list[Fault]]:
    faults = list(document.faults)
    if document.value is None:
        return None, faults
    try:
        return GatewayFile.model_validate(document.value), faults
    except ValidationError as error:
        # A key that could not be read is named already: its value would only be called wrong once more.
        unreadable = {fault.where for fault in document.faults}
        faults += [fault for fault in explain(error, document, json_schema()) if fault.where not in unreadable]
        return _without_faulty_entries(document.value, error), faults


def _without_faulty_entries(value: Any, error: ValidationError) -> GatewayFile | None:
    """The file without the entries that have faults, so that the rest can still be cross-checked."""
    if not isinstance(value, dict):
        return None
    pruned = {key: dict(part) if isinstance(part, dict) else part for key, part in value.items()}
    for detail in error.errors():
        section, *rest = detail["loc"]
        if section in ("apps", "environments", "clusters", "teams", "webhooks", "issuers") and rest:
            pruned[str(section)].pop(rest[0], None)
        else:
            pruned.pop(str(section), None)
    pruned = {**_STAND_INS, **pruned}
    try:
        return GatewayFile.model_validate(pruned)
    except ValidationError:
        return None


class _Secrets:
    """Reads the two addresses that may be references, and keeps what is wrong with them."""

    def __init__(self, document: Document, folder: Path, environ: Mapping[str, str]) -> None:
        self._document, self._folder, self._environ = document, folder, environ
        self.faults: list[Fault] = []

    def read(self, section: str, schemes: tuple[str, ...], complete: Callable[[str], str]) -> str:
        location: Location = (section, "url")
        part = self._document.value.get(section) if isinstance(self._document.value, dict) else None
        written = part.get("url") if isinstance(part, dict) else None
        if not isinstance(written, str) or not written:
            return ""
        where = self._document.where(location)
        try:
            url = resolve(written, folder=self._folder, environ=self._environ)
        except BrokenReference as error:
            solution = f"Write `{section}: {{url: env:NAME}}` or `file:PATH`, and put the address there"
            self.faults.append(Fault(where, f"{section}.url: {error}", solution))
            return ""
        if not url.startswith(schemes):
            known = ", ".join(f"{scheme}…" for scheme in schemes)
            self.faults.append(Fault(where, f"{section}.url: not an address that can be used", f"Write one of {known}"))
        return complete(url)


def _absolute_sqlite(folder: Path) -> Callable[[str], str]:
    def complete(url: str) -> str:
        scheme, separator, name = url.partition("sqlite:///")
        return f"sqlite:///{folder / name}" if separator and not scheme and name != ":memory:" else url

    return complete


def _charts(file: GatewayFile | None, folder: Path, document: Document, faults: list[Fault]) -> StandardCharts | None:
    try:
        return StandardCharts(folder / file.charts if file is not None and file.charts else STANDARD_CHARTS)
    except InvalidConfiguration as error:
        faults.append(Fault(document.where(("charts",)), f"charts: {error.where}: {error.reason}", error.solution))
        return None


def _settings(
    file: GatewayFile, document: Document, folder: Path, database_url: str, redis_url: str, charts: StandardCharts
) -> Settings:
    def reference(text: str, location: Location) -> Reference:
        return Reference(text, folder, document.where(location))

    return Settings(
        database_url=database_url,
        redis_url=redis_url,
        public_url=file.public_url.rstrip("/"),
        work_dir=folder / file.work_dir,
        charts=charts,
        clusters=tuple(ClusterName(name) for name in file.clusters),
        apps={
            name: App(
                AppName(name),
                entry.team,
                entry.repository,
                entry.deploy_file,
                entry.chart,
                dict(entry.cloud_identities),
                tuple(entry.paths),
            )
            for name, entry in file.apps.items()
        },
        environments={name: _environment(name, entry, file.apps) for name, entry in file.environments.items()},
        tokens=tokens(file),
        contact=file.contact,
        teams=tuple(file.teams),
        issuers=issuers(file),
        sign_in=sign_in(file, document, folder),
        registries=tuple(
            ImageRegistry(
                entry.prefix,
                entry.plain_http,
                reference(entry.credentials, ("images", "registries", index, "credentials"))
                if entry.credentials
                else None,
            )
            for index, entry in enumerate(file.images.registries)
        ),
        chart_repositories=tuple(
            ChartPlace(
                entry.prefix,
                entry.plain_http,
                reference(entry.credentials, ("chart_repositories", index, "credentials"))
                if entry.credentials
                else None,
            )
            for index, entry in enumerate(file.chart_repositories)
        ),
        smoke_image=file.images.smoke,
        base_images=base_images(file.base_images) if file.base_images is not None else None,
        signed=signed(file.signatures) if file.signatures is not None else None,
        public_keys=tuple(
            reference(text, ("signatures", "public_keys", index))
            for index, text in enumerate(file.signatures.public_keys if file.signatures is not None else ())
        ),
        base_credentials={
            entry.repository: reference(entry.credentials, ("base_images", "approved", index, "credentials"))
            for index, entry in enumerate(file.base_images.approved if file.base_images is not None else ())
            if entry.credentials
        },
        git_hosts=tuple(file.git.allowed_hosts)
        or tuple(sorted({host_of(entry.repository) for entry in file.apps.values()})),
        git_credentials={
            host: reference(text, ("git", "credentials", host)) for host, text in file.git.credentials.items()
        },
        limits=Limits(**file.limits.model_dump()),
        node_classes={
            name: {kind: tuple(sections) for kind, sections in (entry.node_classes or NODE_CLASSES).items()}
            for name, entry in file.clusters.items()
        },
        kube_bench={
            name: KubeBench(
                entry.kube_bench.namespace,
                entry.kube_bench.exempted_by,
                entry.kube_bench.reason,
                date.fromisoformat(entry.kube_bench.until),
            )
            for name, entry in file.clusters.items()
            if entry.kube_bench
        },
        webhooks=webhooks(file, document, folder),
        exceptions=Exceptions(**{key: tuple(names) for key, names in file.backstop.model_dump().items()}),
    )


def _environment(name: str, entry: EnvironmentEntry, apps: Mapping[str, AppEntry]) -> Environment:
    return Environment(
        name=EnvironmentName(name),
        cluster=ClusterName(entry.cluster),
        namespace=entry.namespace,
        mode=entry.mode,
        rule_modes={rule: one.mode for rule, one in entry.rules.items()},
        rollout_timeout_seconds=entry.rollout_timeout_seconds,
        chart=entry.chart,
        mesh=entry.mesh,
        ingress=_ingress(entry),
        scraper=Scraper(entry.metrics.namespace, entry.metrics.service_account),
        api_server=ApiServer(entry.api_server.cidr, tuple(entry.api_server.ports)),
        placements={name: _placement(placement) for name, placement in entry.placements.items()},
        pull_secrets=tuple(entry.pull_secrets),
        cloud=entry.cloud,
        benchmark=_requirement(entry),
        secret_stores=dict(entry.secret_stores),
        allowed_kinds=tuple(entry.allowed_kinds),
        enforce_from=_day(entry.enforce_from),
        rule_dates={
            rule: date.fromisoformat(one.enforce_from) for rule, one in entry.rules.items() if one.enforce_from
        },
        app_rules={
            app: {rule: RuleSetting(one.mode, _day(one.enforce_from)) for rule, one in written.rules[name].items()}
            for app, written in apps.items()
            if name in written.rules
        },
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _requirement(entry: EnvironmentEntry) -> BenchmarkRequirement | None:
    written = entry.requires.benchmark
    if written is None:
        return None
    return BenchmarkRequirement(written.not_older_than_days, tuple(written.passing), written.no_new_failures)


def _placement(entry: PlacementEntry) -> Placement:
    return Placement(
        dict(entry.node_selector),
        tuple(one.model_dump(exclude_none=True) for one in entry.tolerations),
        entry.priority_class,
        entry.runtime_class,
    )


def _ingress(entry: EnvironmentEntry) -> Ingress:
    written = entry.ingress
    return Ingress(
        kind=ingress_kind(entry),
        class_name=written.class_,
        gateway=written.gateway or Ingress().gateway,
        namespace=written.namespace,
        service_account=written.service_account,
        issuer=written.issuer,
    )
