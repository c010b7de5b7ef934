"""What no schema can see: that the parts of `gateway.yaml` fit each other."""

from __future__ import annotations

import re
import string
from collections.abc import Collection, Iterator
from urllib.parse import urlsplit

from configuration.announcements import contradictions_of_webhooks
from configuration.bases import contradictions_of_bases
from configuration.document import Document, Location
from configuration.explanation import NONE_YET, dotted, unknown
from configuration.granting import contradictions_of_identity
from configuration.schema import GatewayFile
from configuration.schema.environments import EnvironmentEntry
from configuration.schema.rules import RuleSettingEntry
from pipelines.apps import ALWAYS_ENFORCED, IngressKind, Mesh, host_of
from pipelines.charts import StandardCharts
from pipelines.errors import Fault, InvalidInput
from pipelines.findings import Mode
from pipelines.images import has_prefix
from pipelines.suggestions import did_you_mean

_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_RESERVED = frozenset({"default", "istio-system"})


def contradictions(
    file: GatewayFile, document: Document, known_rules: Collection[str] | None, charts: StandardCharts | None
) -> Iterator[Fault]:
    """Every way in which the parts of `file` do not fit each other.

    `document` is the file as written, `known_rules` the ids that `rules` may name, `charts` what `chart` may
    (None: any). A name counts as defined when it is written, even where its own entry has faults: each mistake
    is told once.
    """
    yield from _references(file, document)
    yield from _namespaces(file, document)
    yield from contradictions_of_identity(file, document)
    yield from _repositories(file, document)
    yield from _git_credentials(file, document)
    yield from _registries(file, document)
    if file.base_images is not None:
        yield from contradictions_of_bases(file.base_images, document)
    yield from _ways_in(file, document)
    yield from _cloud_identities(file, document)
    yield from _dates(file, document)
    yield from _places_of_app_rules(file, document)
    yield from contradictions_of_webhooks(file, document)
    if charts is not None:
        yield from _pins(file, document, charts)
    if known_rules is not None:
        yield from _rules(file, document, known_rules)


def _references(file: GatewayFile, document: Document) -> Iterator[Fault]:
    for name, app in file.apps.items():
        yield from unknown(document, ("apps", name, "team"), "team", "teams", app.team)
    for name, environment in file.environments.items():
        place = ("environments", name, "cluster")
        yield from unknown(document, place, "cluster", "clusters", environment.cluster)


def _namespaces(file: GatewayFile, document: Document) -> Iterator[Fault]:
    taken: dict[tuple[str, str], str] = {}
    for name, environment in file.environments.items():
        location: Location = ("environments", name, "namespace")
        fields = _pattern_fields(environment.namespace)
        if fields is None or not fields <= {"app", "team"}:
            reason = f"{dotted(location)}: {environment.namespace!r} is no pattern of {{app}}, {{team}} and text"
            yield Fault(document.where(location), reason, 'Write "{app}" or "{app}-staging", in quotes')
            continue
        for app in sorted(file.apps):
            yield from _namespace(file, document, name, environment, app, taken)


def _namespace(
    file: GatewayFile,
    document: Document,
    name: str,
    environment: EnvironmentEntry,
    app: str,
    taken: dict[tuple[str, str], str],
) -> Iterator[Fault]:
    location: Location = ("environments", name, "namespace")
    namespace = environment.namespace.format(app=app, team=file.apps[app].team)
    here = f"App {app!r} in Environment {name!r}"
    if not _NAMESPACE.fullmatch(namespace) or namespace in _RESERVED or namespace.startswith("kube-"):
        reason = f"{dotted(location)}: {here} would get the namespace {namespace!r}, which can't be used"
        yield Fault(
            document.where(location),
            reason,
            "At most 63 of a-z, 0-9 and -, and none of Kubernetes' or Istio's own",
        )
    other = taken.setdefault((environment.cluster, namespace), here)
    if other != here:
        reason = f"{dotted(location)}: {here} and {other} would share the namespace {namespace!r}"
        yield Fault(
            document.where(location),
            reason,
            f'Make it differ for each, such as "{{app}}-{name}" for this Environment',
        )


def _pattern_fields(pattern: str) -> set[str] | None:
    try:
        parts = list(string.Formatter().parse(pattern))
    except ValueError:
        return None
    if any(form or conversion for _, _, form, conversion in parts):
        return None
    return {field for _, field, _, _ in parts if field is not None}


def _repositories(file: GatewayFile, document: Document) -> Iterator[Fault]:
    for name, app in file.apps.items():
        host = host_of(app.repository)
        if file.git.allowed_hosts and host not in file.git.allowed_hosts:
            location = ("apps", name, "repository")
            reason = f"{dotted(location)}: the host {host!r} is not in `git.allowed_hosts`"
            yield Fault(document.where(location), reason, did_you_mean(host, file.git.allowed_hosts))


def _git_credentials(file: GatewayFile, document: Document) -> Iterator[Fault]:
    """Each is for a host that is asked, and is not sent in the clear."""
    asked = {host_of(app.repository) for app in file.apps.values()}
    for host in file.git.credentials:
        location: Location = ("git", "credentials", host)
        if host not in asked and host not in file.git.allowed_hosts:
            reason = f"{dotted(location)}: no repository is at {host!r}"
            yield Fault(document.where(location), reason, did_you_mean(host, asked, if_none=NONE_YET))
    for name, app in file.apps.items():
        url = urlsplit(app.repository)
        in_the_clear = url.scheme == "http" and url.hostname not in ("127.0.0.1", "localhost", "::1")
        if in_the_clear and host_of(app.repository) in file.git.credentials:
            location = ("apps", name, "repository")
            reason = f"{dotted(location)}: the credentials of {host_of(app.repository)} would go there unencrypted"
            yield Fault(document.where(location), reason, "Write https://")


def _cloud_identities(file: GatewayFile, document: Document) -> Iterator[Fault]:
    for name, app in file.apps.items():
        for environment in app.cloud_identities:
            location: Location = ("apps", name, "cloud_identities", environment)
            if environment not in file.environments:
                reason = f"{dotted(location)}: there is no Environment {environment!r}"
                known = did_you_mean(environment, file.environments, if_none=NONE_YET)
                yield Fault(document.where(location), reason, known)
            elif file.environments[environment].cloud is None:
                reason = f"{dotted(location)}: the Environment {environment!r} does not say whose identity that is"
                yield Fault(document.where(location), reason, f"Add `cloud: aws` (or gcp, azure) to {environment}")


def _registries(file: GatewayFile, document: Document) -> Iterator[Fault]:
    seen: dict[str, int] = {}
    for index, registry in enumerate(file.images.registries):
        first = seen.setdefault(registry.prefix, index)
        if first != index:
            location = ("images", "registries", index, "prefix")
            reason = f"{dotted(location)}: {registry.prefix!r} is listed already"
            yield Fault(document.where(location), reason, "Keep one of the two")
    smoke, prefixes = file.images.smoke, tuple(one.prefix for one in file.images.registries)
    if smoke is not None and not has_prefix(smoke, prefixes):
        reason = f"images.smoke: {smoke!r} is from none of `images.registries`, so that every check with it would block"
        yield Fault(document.where(("images", "smoke")), reason, "Copy it to one of them, or add its registry")


def ingress_kind(entry: EnvironmentEntry) -> IngressKind:
    """The kind that is written, or the one that goes with the mesh."""
    return entry.ingress.kind or (IngressKind.VIRTUAL_SERVICE if entry.mesh is Mesh.ISTIO else IngressKind.INGRESS)


def _ways_in(file: GatewayFile, document: Document) -> Iterator[Fault]:
    for name, environment in file.environments.items():
        location: Location = ("environments", name, "ingress", "kind")
        kind = ingress_kind(environment)
        if kind is IngressKind.VIRTUAL_SERVICE and environment.mesh is Mesh.NONE:
            reason = f"{dotted(location)}: a VirtualService is Istio's, and this Environment has `mesh: none`"
            yield Fault(document.where(location), reason, "Write Ingress or HTTPRoute, or leave `kind` out")
        if kind is IngressKind.HTTP_ROUTE and environment.ingress.gateway is None:
            reason = f"{dotted(location)}: an HTTPRoute needs the Gateway that it belongs to"
            yield Fault(document.where(location), reason, "Add `gateway: NAMESPACE/NAME` beside it")
        if environment.mesh is Mesh.NONE:
            yield from _without_istio(name, environment, document)


def _without_istio(name: str, environment: EnvironmentEntry, document: Document) -> Iterator[Fault]:
    """What has a default is Istio's, and is not there without it."""
    needed = {"namespace": "Add the namespace where the pods of the one ingress run, for Apps to let them in"}
    if ingress_kind(environment) is IngressKind.INGRESS:
        needed["class"] = "Add the IngressClass that Apps are exposed by; `kubectl get ingressclasses` lists them"
    written = {key.rstrip("_") for key in environment.ingress.model_fields_set}
    for key in needed.keys() - written:
        location: Location = ("environments", name, "ingress", key)
        yield Fault(document.where(location), f"{dotted(location)} is missing: `mesh: none` needs it", needed[key])


def _pins(file: GatewayFile, document: Document, charts: StandardCharts) -> Iterator[Fault]:
    pins: list[tuple[Location, str | None]] = [
        *((("environments", name, "chart"), environment.chart) for name, environment in file.environments.items()),
        *((("apps", name, "chart"), app.chart) for name, app in file.apps.items()),
    ]
    for location, wanted in pins:
        try:
            if wanted is not None:
                charts.resolve(wanted)
        except InvalidInput as error:
            yield Fault(document.where(location), f"{dotted(location)}: {error.reason}", error.solution)


def _rules(file: GatewayFile, document: Document, known: Collection[str]) -> Iterator[Fault]:
    for location, entry in _settings_of_rules(file):
        rule = str(location[-1])
        if rule in ALWAYS_ENFORCED and entry.mode is Mode.WARN:
            why, instead = ALWAYS_ENFORCED[rule]
            yield Fault(document.where(location), f"{dotted(location)}: {rule} always blocks: {why}", instead)
        if rule not in known:
            reason = f"{dotted(location)}: there is no rule {rule!r}"
            yield Fault(document.where(location), reason, did_you_mean(rule, known))


def _settings_of_rules(file: GatewayFile) -> Iterator[tuple[Location, RuleSettingEntry]]:
    """Each rule whose mode is written, in an Environment or for an App in one."""
    for name, environment in file.environments.items():
        for rule, entry in environment.rules.items():
            yield ("environments", name, "rules", rule), entry
    for name, app in file.apps.items():
        for place, rules in app.rules.items():
            for rule, entry in rules.items():
                yield ("apps", name, "rules", place, rule), entry


def _dates(file: GatewayFile, document: Document) -> Iterator[Fault]:
    """A day on which something begins to block is for what does not block yet; for an App it is needed."""
    for name, environment in file.environments.items():
        if environment.enforce_from is not None and environment.mode is Mode.ENFORCE:
            yield _no_warning(document, ("environments", name, "enforce_from"))
    for location, entry in _settings_of_rules(file):
        if entry.enforce_from is not None and entry.mode is Mode.ENFORCE:
            yield _no_warning(document, (*location, "enforce_from"))
        if location[0] == "apps" and entry.mode is Mode.WARN and entry.enforce_from is None:
            reason = f"{dotted(location)}: for one App a warning needs the day on which it blocks"
            solution = "Write {mode: warn, enforce_from: 2027-01-31}, or make a waiver: `deployctl waiver add`"
            yield Fault(document.where(location), reason, solution)


def _no_warning(document: Document, location: Location) -> Fault:
    reason = f"{dotted(location)}: `enforce_from` goes with the mode warn, and this blocks already"
    return Fault(document.where(location), reason, "Write `mode: warn` beside it, or leave the day out")


def _places_of_app_rules(file: GatewayFile, document: Document) -> Iterator[Fault]:
    for name, app in file.apps.items():
        for place in app.rules:
            location: Location = ("apps", name, "rules", place)
            yield from unknown(document, location, "Environment", "environments", place)
