# ruff: noqa: E501 - the table of mistakes reads best with one to a line
from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configuration.file import json_schema, load
from configuration.identity import Role
from configuration.settings import Limits, Settings
from pipelines.apps import (
    ApiServer,
    ClusterName,
    Environment,
    EnvironmentName,
    Ingress,
    IngressKind,
    Mesh,
    Scraper,
)
from pipelines.backstop import Exceptions
from pipelines.catalogue import catalogue
from pipelines.errors import InvalidConfiguration
from pipelines.findings import Mode
from tests.configuration.files import FULL, MINIMAL, SHA, changed, faults

KNOWN = {"image-tag", *(entry.id for entry in catalogue())}


@pytest.fixture
def charts(tmp_path: Path) -> Path:
    """Three versions of a chart in two channels."""
    for version in ("0.1.0", "0.2.0", "0.10.0"):
        (tmp_path / "versions" / version).mkdir(parents=True)
        (tmp_path / "versions" / version / "Chart.yaml").write_text(f"name: x\nversion: {version}\n")
    (tmp_path / "versions" / "channels.yaml").write_text("stable: 0.1.0\nnext: 0.10.0\n")
    return tmp_path / "versions"


def test_a_whole_file_becomes_settings(write, tmp_path: Path) -> None:
    settings = load(write(FULL), known_rules={"image-tag"}, environ={})
    assert isinstance(settings, Settings)
    assert settings.clusters == ("local",)
    assert settings.app("checkout").deploy_file == "ops/deploy.yaml"
    production = settings.environment("production")
    assert (production.mode, production.rollout_timeout_seconds) == (Mode.WARN, 60)
    assert production.mode_of("image-tag") is Mode.ENFORCE
    assert [(token.name, token.grant.team, token.grant.role) for token in settings.tokens] == [
        ("shop-ci", "shop", Role.DEVELOPER),
        ("root", "", Role.PLATFORM_ADMIN),
    ]
    assert settings.registries[0].plain_http is True
    assert settings.git_hosts == ("127.0.0.1:1234",)
    assert settings.limits == Limits(checkout_timeout_seconds=5)


def test_relative_paths_are_relative_to_the_file(write, tmp_path: Path) -> None:
    settings = load(write(FULL), environ={})
    assert settings.work_dir == tmp_path / "scratch"
    assert settings.database_url == f"sqlite:///{tmp_path}/state/gateway.db"


def test_an_absolute_sqlite_path_stays_as_it_is(write) -> None:
    text = changed(MINIMAL, "sqlite:///state", "sqlite:////var/state")
    assert load(write(text), environ={}).database_url == "sqlite:////var/state/gateway.db"


def test_what_is_left_out_has_a_default(write) -> None:
    settings = load(write(MINIMAL), environ={})
    assert settings.limits == Limits()
    assert settings.charts.folder.parts[-2:] == ("charts", "standard-app")
    assert settings.smoke_image is None
    assert settings.environment("staging") == Environment(
        EnvironmentName("staging"), ClusterName("local"), namespace="{app}-staging"
    )


def test_what_kube_score_and_the_schemas_say_has_a_mode_too(write) -> None:
    text = changed(FULL, "image-tag: enforce", "kube-score/pod-networkpolicy: warn, schema/unknown-field: warn")
    place = load(write(text), known_rules=KNOWN, environ={}).environment("production")
    assert place.rule_modes == {"kube-score/pod-networkpolicy": Mode.WARN, "schema/unknown-field": Mode.WARN}


def test_a_place_says_what_goes_in_and_out_of_it(write) -> None:
    more = """\
  plain:
    cluster: local
    namespace: "{app}-plain"
    mesh: none
    ingress: {class: nginx, namespace: ingress-nginx, service_account: nginx}
    metrics: {namespace: observability, service_account: scraper}
    api_server: {cidr: 10.96.0.1/32, ports: [443]}
"""
    plain = load(write(MINIMAL + more), environ={}).environment("plain")
    assert plain.mesh is Mesh.NONE
    assert plain.ingress == Ingress(IngressKind.INGRESS, "nginx", "istio-system/shared", "ingress-nginx", "nginx")
    assert plain.scraper == Scraper("observability", "scraper")
    assert plain.api_server == ApiServer("10.96.0.1/32", (443,))


def test_an_http_route_belongs_to_the_gateway_that_is_named(write) -> None:
    text = changed(FULL, "mode: warn", "ingress: {kind: HTTPRoute, gateway: gateways/public}")
    ingress = load(write(text), environ={}).environment("production").ingress
    assert (ingress.kind, ingress.gateway) == (IngressKind.HTTP_ROUTE, "gateways/public")


def test_an_http_route_without_a_mesh_needs_no_class(write) -> None:
    route = "mesh: none, ingress: {kind: HTTPRoute, gateway: gateways/public, namespace: gateways}"
    ingress = load(write(changed(FULL, "mode: warn", route)), environ={}).environment("production").ingress
    assert (ingress.kind, ingress.namespace) == (IngressKind.HTTP_ROUTE, "gateways")


def test_an_app_gets_its_own_chart_before_its_environments(write, charts: Path) -> None:
    text = changed(FULL, "work_dir: scratch", f"charts: {charts}")
    text = changed(text, "mode: warn", "chart: next")
    text = changed(text, "deploy_file:", "chart: 0.2.0, deploy_file:")
    settings = load(write(text), environ={})
    checkout, staging, production = settings.app("checkout"), *map(settings.environment, ("staging", "production"))
    cart = replace(checkout, chart=None)
    got = [settings.chart(app, place).version for app in (checkout, cart) for place in (staging, production)]
    assert got == ["0.2.0", "0.2.0", "0.1.0", "0.10.0"]
    assert settings.chart(checkout, production, "stable").version == "0.1.0"
    assert settings.chart(cart, staging).path == charts / "0.1.0"


def test_who_else_may_write_is_what_the_platform_says(write) -> None:
    assert load(write(FULL), environ={}).exceptions == Exceptions()
    text = changed(FULL, "images: {", "backstop: {restart_groups: [on-call], kinds: [rollouts.argoproj.io]}\nimages: {")
    assert load(write(text), environ={}).exceptions == Exceptions(("on-call",), kinds=("rollouts.argoproj.io",))


def test_the_smoke_image_is_the_platforms(write) -> None:
    text = changed(FULL, "images: {", 'images: {smoke: "127.0.0.1:5000/curl:8.17.0", ')
    assert load(write(text), environ={}).smoke_image == "127.0.0.1:5000/curl:8.17.0"


def test_without_allowed_hosts_the_hosts_of_the_registered_repositories_are_allowed(write) -> None:
    text = changed(FULL, 'git: {allowed_hosts: ["127.0.0.1:1234"]}\n', "")
    assert load(write(text), environ={}).git_hosts == ("127.0.0.1:1234",)


@pytest.mark.parametrize("allowed", ["git.example.com", "GIT.example.com"])
def test_a_host_is_the_same_however_it_is_spelt(write, allowed: str) -> None:
    text = changed(FULL, "http://127.0.0.1:1234/shop", "https://Git.Example.com/shop")
    text = changed(text, '"127.0.0.1:1234"', f'"{allowed}"')
    assert load(write(text), environ={}).git_hosts == ("git.example.com",)
    text = changed(text, f'git: {{allowed_hosts: ["{allowed}"]}}\n', "")
    assert load(write(text), environ={}).git_hosts == ("git.example.com",)


@pytest.mark.parametrize(
    ("old", "new", "line", "expected"),
    [
        ("clusters: {local: {}}", "cluster: {local: {}}", 5, "unknown key 'cluster'. Did you mean 'clusters'?"),
        ("clusters: {local: {}}\n", "", 1, "the key 'clusters' is missing"),
        ("cluster: local,", "cluster: locla,", 7, "there is no cluster 'locla' in `clusters`. Did you mean 'local'?"),
        ("team: shop, repo", "team: shpo, repo", 11, "there is no team 'shpo' in `teams`. Did you mean 'shop'?"),
        ("name: shop-ci, team: shop", "name: shop-ci, team: shpo", 13, "there is no team 'shpo' in `teams`"),
        ("deploy_file", "deployfile", 11, "unknown key 'apps.checkout.deployfile'. Did you mean 'deploy_file'?"),
        ("ops/deploy.yaml", "../deploy.yaml", 11, "write a path inside the repository"),
        ("ops/deploy.yaml", "/etc/passwd", 11, "write a path inside the repository"),
        ("mode: warn", "mode: block", 8, "environments.production.mode: should be 'enforce' or 'warn', not 'block'"),
        ("rollout_timeout_seconds: 60", 'rollout_timeout_seconds: "60"', 8, "should be a whole number, not '60'"),
        ("rollout_timeout_seconds: 60", "rollout_timeout_seconds: true", 8, "should be a whole number, not true"),
        ("rollout_timeout_seconds: 60", "rollout_timeout_seconds: -1", 8, "greater than or equal to 5"),
        ("rollout_timeout_seconds: 60", "rollout_timeout_seconds: 1e999", 8, "should be a whole number"),
        ("checkout_timeout_seconds: 5", "checkout_timeout_seconds: 1y", 18, "should be a number, not '1y'"),
        ("checkout_timeout_seconds: 5", "checkout_timeout_seconds: null", 18, "should be a number, not empty"),
        ("checkout_timeout_seconds: 5", "checkout_timeout_seconds: 1e999", 18, "finite number"),
        ("teams: {shop: {}}", "teams: [shop]", 9, "teams: should be a mapping"),
        ('git: {allowed_hosts: ["127.0.0.1:1234"]}', "git: {allowed_hosts: x}", 16, "should be a list"),
        ('"127.0.0.1:5000/"', '"127.0.0.1:5000"', 15, "ending in a slash"),
        ("image-tag: enforce", "image_tag: enforce", 8, "is not a name that can be used in"),
        ("image-tag: enforce", "other/image-tag: enforce", 8, "is not a name that can be used in"),
        ("image-tag: enforce", "schema/invalide: warn", 8, "no rule 'schema/invalide'. Did you mean 'schema/invalid'?"),
        ("image-tag: enforce", "image-tags: enforce", 8, "there is no rule 'image-tags'. Did you mean 'image-tag'?"),
        ("deploy-gateway/v1", "deploy-gateway/v2", 1, "apiVersion: should be 'deploy-gateway/v1'"),
        ("http://127.0.0.1:8080", "ftp://x", 2, "public_url: write an http:// or https:// address"),
        ("http://127.0.0.1:1234/shop", "http://x:99999/shop", 11, "Port out of range 0-65535"),
        ("http://127.0.0.1:1234/shop", "ext::sh -c id", 11, "write an http:// or https:// address"),
        ("http://127.0.0.1:1234/shop", "http://u:hunter2@127.0.0.1:1234/shop", 11, "must not carry a user name"),
        ("http://127.0.0.1:1234/shop", "http://elsewhere/shop", 11, "is not in `git.allowed_hosts`"),
        ("name: root, role: platform-admin", "name: root, role: viewer", 14, "has the role viewer and no team"),
        ("name: root", "name: shop-ci", 14, "'shop-ci' is the name of tokens[0] already"),
        ("b" * 64, SHA, 14, "is the same as that of tokens[0]"),
        (SHA, "dg_hunter2", 13, "tokens[0].sha256: does not have the form it must have"),
        (SHA, "A" * 64, 13, "tokens[0].sha256: does not have the form it must have"),
        (
            SHA,
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            13,
            "is the sha256 of an empty text",
        ),
        ("work_dir: scratch", "ingress: {class: istio}", 17, "unknown key 'ingress'"),
        ("work_dir: scratch", "chart: mine", 17, "unknown key 'chart'. Did you mean 'charts'?"),
        ("image-tag: enforce", "kube-score/pod-probe: warn", 8, "there is no rule 'kube-score/pod-probe'. Did you mean 'kube-score/pod-probes'?"),
        ("image-tag: enforce", "fields-kept: warn", 8, "production.rules.fields-kept: fields-kept always blocks: the cluster itself refuses it"),
        ("image-tag: enforce", "team-scope: {mode: warn, enforce_from: 2030-01-01}", 8, "team-scope always blocks"),
        ("work_dir: scratch", "charts: nowhere", 17, "there is no folder nowhere"),
        ("mode: warn", "chart: stabel", 8, "no standard chart 'stabel'. Did you mean 'stable'? There are: stable (0.2.0)"),
        ("mode: warn", "chart: 0.9", 8, "environments.production.chart: should be text"),
        ("deploy_file: ops", "chart: 0.9.0, deploy_file: ops", 11, "apps.checkout.chart: there is no standard chart '0.9.0'"),
        ("mode: warn", "mesh: linkerd", 8, "environments.production.mesh: should be 'istio' or 'none', not 'linkerd'"),
        ("mode: warn", "ingress: {kind: Route}", 8, "ingress.kind: should be 'VirtualService', 'Ingress' or 'HTTPRoute'"),
        ("mode: warn", "ingress: {gateway: shared}", 8, "ingress.gateway: does not have the form it must have"),
        ("mode: warn", "mesh: none, ingress: {kind: VirtualService}", 8, "a VirtualService is Istio's"),
        ("mode: warn", "mesh: none", 8, "ingress.class is missing: `mesh: none` needs it"),
        ("mode: warn", "mesh: none, ingress: {class: nginx}", 8, "ingress.namespace is missing: `mesh: none`"),
        ("mode: warn", "ingress: {kind: HTTPRoute}", 8, "an HTTPRoute needs the Gateway"),
        ("mode: warn", "metrics: {namespace: Monitoring}", 8, "metrics.namespace: does not have the form it must have"),
        ("mode: warn", "api_server: {cidr: 10.0.0.1/8}", 8, "api_server.cidr: write the addresses as a network"),
        ("mode: warn", "api_server: {ports: []}", 8, "api_server.ports: "),
        ("mode: warn", "api_server: {ports: [70000]}", 8, "less than or equal to 65535"),
        ("images: {", 'backstop: {kinds: [Rollout]}\nimages: {', 15, "backstop.kinds[0]: does not have the form it must have, not 'Rollout'"),
        ("images: {", 'backstop: {restart_groups: ["system:authenticated"]}\nimages: {', 15, "restart_groups[0]: write a group of people"),
        ("images: {", 'backstop: {break_glass_groups: ["system:serviceaccounts:shop"]}\nimages: {', 15, "break_glass_groups[0]: write a group of people"),
        ("images: {", 'images: {smoke: "127.0.0.1:5000/curl", ', 15, "images.smoke: write an image with a tag"),
        ("images: {", 'images: {smoke: "127.0.0.1:5000/curl:latest", ', 15, "images.smoke: write an image with a tag"),
        ("images: {", 'images: {smoke: "127.0.0.1:5000/curl:8 x", ', 15, "images.smoke: write an image with a tag"),
        ("images: {", 'images: {smoke: "elsewhere.example.com/curl:8.17.0", ', 15, "is from none of `images.registries`"),
        ('namespace: "{app}-staging"', 'namespace: "{app.__class__}"', 7, "is no pattern of {app}, {team} and text"),
        ('namespace: "{app}-staging"', 'namespace: "{app"', 7, "is no pattern of {app}, {team} and text"),
        ('namespace: "{app}-staging"', 'namespace: "{app!r:>99}"', 7, "is no pattern of {app}, {team} and text"),
        ('namespace: "{app}-staging"', 'namespace: "App_{app}"', 7, "which can't be used"),
        ('namespace: "{app}-staging"', 'namespace: "kube-{app}"', 7, "which can't be used"),
        ('namespace: "{app}-staging"', 'namespace: "{app}"', 8, "would share the namespace 'checkout'"),
        ("work_dir: scratch", "limits: {}\nwork_dir: scratch", 19, "the key 'limits' is already on line 17"),
        ("mode: warn", "mode: !!python/name:os.system x", 8, "is not supported"),
        ("teams: {shop: {}}", "teams: &t {shop: {}}", 9, "the anchor &t is not supported"),
        ("teams: {shop: {}}", "teams: {shop: {}", 10, "not valid YAML"),
        ("teams: {shop: {}}", "teams: " + "[" * 30 + "]" * 30, 9, "nested too deeply"),
        ("teams: {shop: {}}", "teams: 0b12", 9, "teams: should be a mapping"),
        ("plain_http: true", "plain_http: 7", 15, "should be true or false, not 7"),
        ('"redis://127.0.0.1:6379/0"', '"http://[::1"', 4, "not an address that can be used"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line_and_what_was_meant(
    write, old: str, new: str, line: int, expected: str
) -> None:
    told = faults(write(changed(FULL, old, new)), known_rules=KNOWN, environ={})
    assert [fault for fault in told if fault.startswith(f"gateway.yaml:{line}: ") and expected in fault], told
    assert "hunter2" not in "".join(told)


def test_apps_that_would_share_a_namespace_are_told(write) -> None:
    more = '  cart: {team: shop, repository: "http://127.0.0.1:1234/shop/cart.git"}\ntokens:\n'
    text = changed(changed(FULL, "tokens:\n", more), 'namespace: "{app}-staging"', 'namespace: "{team}"')
    assert "App 'checkout' in Environment 'staging' and App 'cart'" in "".join(faults(write(text), environ={}))


def test_the_same_namespace_in_two_clusters_is_no_conflict(write) -> None:
    text = changed(FULL, "clusters: {local: {}}", "clusters: {local: {}, other: {}}")
    text = changed(text, 'staging: {cluster: local, namespace: "{app}-staging"}', "staging: {cluster: other}")
    load(write(text), environ={})


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(write) -> None:
    text = changed(FULL, "cluster: local, mode", "cluster: locla, mode")
    text = changed(text, "role: developer", "role: king")
    text = changed(text, "store:", "stor:")
    told = faults(write(text), environ={"x": "y"})
    lines = [int(re.match(r"gateway\.yaml:(\d+)", fault).group(1)) for fault in told]
    assert lines == sorted(lines)
    assert len(told) == 4
    assert "unknown key 'stor'. Did you mean 'store'?" in "".join(told)
    assert "no cluster 'locla'" in "".join(told)
    assert "'king'" in "".join(told)


def test_a_duplicate_prefix_is_told(write) -> None:
    text = changed(FULL, "plain_http: true}]", 'plain_http: true}, {prefix: "127.0.0.1:5000/"}]')
    assert "is listed already" in "".join(faults(write(text), environ={}))


def test_a_missing_file_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="DEPLOY_GATEWAY_CONFIG"):
        load(tmp_path / "nope.yaml")


def test_a_file_beyond_its_bound_is_refused(write) -> None:
    with pytest.raises(InvalidConfiguration, match="larger than 4 MiB"):
        load(write("#" * (4 * 1024 * 1024 + 1)))


def test_a_file_that_is_no_text_is_refused_by_line(write) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        load(write(b"a: 1\nb: \xff\n"))
    assert caught.value.where.endswith("gateway.yaml:2")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "just text\n",
        "- a\n- b\n",
        "[" * 800,
        "{" * 800,
        "a: 1\n---\nb: 2\n",
        "? [a]\n: 1\n",
    ],
)
def test_what_is_no_mapping_of_settings_is_refused(write, text: str) -> None:
    assert faults(write(text), environ={})


def test_yaml_1_2_is_read_so_that_on_is_text(write) -> None:
    text = changed(FULL, "plain_http: true", "plain_http: on")
    assert "should be true or false" in "".join(faults(write(text), environ={}))


@given(st.text(max_size=200))
def test_no_text_whatever_gives_another_error(tmp_path_factory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "gateway.yaml"
    path.write_text(MINIMAL + text, encoding="utf-8", errors="replace")
    with contextlib.suppress(InvalidConfiguration):
        load(path, environ={})


def test_the_schema_is_closed_on_every_level() -> None:
    schema = json_schema()
    for part in [schema, *schema["$defs"].values()]:
        if part.get("type") == "object":
            assert part["additionalProperties"] is False


def test_whoever_has_the_file_alone_reads_it_without_its_secrets(tmp_path: Path) -> None:
    text = MINIMAL.replace("sqlite:///state/gateway.db", "env:NOT_SET").replace("redis://127.0.0.1:6379/0", "file:no")
    (tmp_path / "gateway.yaml").write_text(text)
    with pytest.raises(InvalidConfiguration):
        load(tmp_path / "gateway.yaml", environ={})
    settings = load(tmp_path / "gateway.yaml", environ={}, with_secrets=False)
    assert (settings.database_url, settings.redis_url) == ("", "")
    assert set(settings.environments) == {"staging"}
