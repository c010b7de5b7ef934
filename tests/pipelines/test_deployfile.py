"""`deploy.yaml`: closed, with every mistake told at once by file, line and the key that was meant."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.deployfile import overlaid, read
from pipelines.errors import InvalidDeployFile
from pipelines.suggestions import did_you_mean

GOOD = """\
apiVersion: deploy-gateway/v1
app: checkout
workload: web
image: registry.example.com/shop/checkout:1.4.2
port: 8080
health: {readiness: /ready, liveness: /live}
resources: {cpu: 250m, memory: 256Mi}
allow:
  from: [{app: storefront}]
  to: [{app: payments}, {host: api.stripe.com, port: 443}]
expose: {host: checkout.example.com}
env: {A: on, B: 12:30, C: 1e3, D: "8"}
environments:
  production:
    replicas: 4
    env: {D: "9", E: x}
"""


def _read(text: str | bytes) -> Any:
    content = text.encode() if isinstance(text, str) else text
    return read(content, "deploy.yaml", app="checkout", environments=("staging", "production"))


def _faults(text: str) -> list[str]:
    with pytest.raises(InvalidDeployFile) as caught:
        _read(text)
    return [str(fault) for fault in caught.value.errors] or [str(caught.value)]


def test_texts_stay_the_texts_that_were_written() -> None:
    assert _read(GOOD).file.env == {"A": "on", "B": "12:30", "C": "1e3", "D": "8"}


def test_an_overlay_merges_env_by_key_and_replaces_the_rest() -> None:
    file = _read(GOOD).file
    assert overlaid(file, "staging") is file
    production = overlaid(file, "production")
    assert production.replicas == 4
    assert production.env == {"A": "on", "B": "12:30", "C": "1e3", "D": "9", "E": "x"}
    assert production.image == file.image


def test_an_overlay_without_env_keeps_it() -> None:
    file = _read(GOOD.replace('    env: {D: "9", E: x}\n', "    image: null\n")).file
    assert overlaid(file, "production").env == file.env
    assert overlaid(file, "production").image == file.image


def test_a_key_has_its_line() -> None:
    declaration = _read(GOOD)
    assert declaration.source("health", "liveness") == "deploy.yaml:6"
    assert declaration.source("nothing") == "deploy.yaml:1"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("port: 8080", "prot: 8080"), "deploy.yaml:5: unknown key 'prot'. Did you mean 'port'?"),
        (("cpu:", "cup:"), "deploy.yaml:7: unknown key 'resources.cup'. Did you mean 'cpu'?"),
        (
            ("{app: storefront}", "{ap: storefront}"),
            "deploy.yaml:9: unknown key 'allow.from.0.ap'. Did you mean 'app'?",
        ),
        (("replicas: 4", "repilcas: 4"), "deploy.yaml:15: unknown key 'environments.production.repilcas'"),
        (
            ("port: 8080", "port: 99999"),
            "port is '99999', which does not fit. Write for example port: 8080",
        ),
        (("port: 8080", "port: 80"), "deploy.yaml:5: port is '80'"),
        (("port: 8080", "port: [1]"), "deploy.yaml:5: port is"),
        (("/live}", "/ready}"), "have to be different paths"),
        (("{app: payments}", "{app: a, host: b.example.com, port: 1}"), "write either app, or host with port"),
        (("{app: payments}", "{host: b.example.com}"), "a host needs its port"),
        (("{app: payments}", "{}"), "write either app, or host with port"),
        (("A: on", "A: '{{ .Values.x }}'"), "template actions"),
        (("A: on", 'A: "x\\u0007"'), "control characters"),
        (("A: on", "A-B: x"), "env.A-B"),
        (('{A: on, B: 12:30, C: 1e3, D: "8"}', "[{name: A, value: sup3rs3cret}]"), "env is a list, which does not fit"),
        (("A: on", "A: [sup3rs3cret]"), "env.A is a list, which does not fit"),
        (("checkout:1.4.2", "checkout:1 4"), "deploy.yaml:4: image is"),
        (
            ("production:", "prodction:"),
            "no Environment 'prodction'. Did you mean 'production'?",
        ),
        (("app: checkout\n", "app: checkuot\n"), "app is 'checkuot', and this file is registered for 'checkout'"),
        (("host: checkout.example.com", 'host: "a.example.com\\nb"'), "expose.host"),
        (("/v1", "/v9"), "deploy.yaml:1: apiVersion is"),
        (("workload: web\n", ""), "missing: workload"),
        (("workload: web\n", "workload: web\nchart: {path: x}\n"), "with chart, these are not read: "),
        (("workload: web\n", "workload: web\nvalues: {}\n"), "values are a chart's, and there is no chart"),
        (("workload: web\n", "workload: web\nmanifests: k8s\n"), "with manifests, these are not read"),
    ],
)
def test_a_mistake_is_told_where_and_what_to_write(change: tuple[str, str], expected: str) -> None:
    assert change[0] in GOOD
    assert any(expected in fault for fault in _faults(GOOD.replace(*change)))


def test_all_mistakes_are_told_at_once() -> None:
    faults = _faults(GOOD.replace("port: 8080", "prot: 1").replace("cpu:", "cup:"))
    assert len(faults) == 3


@pytest.mark.parametrize("folder", ["/etc", "../x", "a/../b", "-x", "a\\b", "a//b"])
def test_a_folder_outside_is_refused(folder: str) -> None:
    faults = _faults(f"apiVersion: deploy-gateway/v1\napp: checkout\nmanifests: {folder}\n")
    assert "a path inside the repository" in faults[0]


def test_manifests_stand_in_place_of_a_workload() -> None:
    file = _read("apiVersion: deploy-gateway/v1\napp: checkout\nmanifests: k8s/\n").file
    assert file.manifests == "k8s/"


@pytest.mark.parametrize("content", ["", "a: 1\n---\nb: 2\n", "text", "- list", "# nothing\n"])
def test_anything_but_one_mapping_is_refused(content: str) -> None:
    assert _faults(content)


def test_a_file_that_is_too_long_is_not_read() -> None:
    with pytest.raises(InvalidDeployFile, match="is the most"):
        _read(b"#" * 300_000)


@given(st.binary(max_size=300))
def test_whatever_the_bytes_the_answer_is_a_declaration_or_invalid(content: bytes) -> None:
    with pytest.raises(InvalidDeployFile):
        _read(content)


_NAMES = st.from_regex(r"[A-Z_][A-Z0-9_]{0,9}", fullmatch=True)


@given(
    port=st.integers(1024, 65535),
    replicas=st.integers(1, 200),
    env=st.dictionaries(
        st.from_regex(r"[A-Z_][A-Z0-9_]{0,9}", fullmatch=True), st.sampled_from(["on", "1e3", "x", ""])
    ),
)
def test_what_is_valid_means_what_was_written(port: int, replicas: int, env: dict[str, str]) -> None:
    written = ", ".join(f"{key}: '{value}'" for key, value in env.items())
    text = GOOD.replace("port: 8080", f"port: {port}\nreplicas: {replicas}")
    text = "\n".join(f"env: {{{written}}}" if line.startswith("env:") else line for line in text.splitlines())
    file = _read(text).file
    assert (file.port, file.replicas, file.env) == (port, replicas, env)


def test_suggestions_name_the_nearest_or_what_there_is() -> None:
    assert did_you_mean("prot", ["port", "image"]) == "Did you mean 'port'?"
    assert did_you_mean("zzz", ["port", "image"]) == "Known are: image, port"
    assert did_you_mean("zzz", []) == ""
    assert did_you_mean("zzz", [f"key-{n}" for n in range(20)]).endswith("…")
