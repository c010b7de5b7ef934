"""Charts of others: what they may be, what they render to, and what they may not bring."""

from __future__ import annotations

import gzip
import tarfile
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.adapters.helm import HelmClient
from pipelines.apps import CommitSha
from pipelines.deployfile import Declaration, overlaid, read
from pipelines.errors import InvalidChart, InvalidDeployFile, UnsafeCheckout
from pipelines.findings import Mode
from pipelines.manifests import parse
from pipelines.ports import Checkout
from pipelines.stages.checkout import Source, read_source
from pipelines.stages.render import Rendered, render
from pipelines.stages.resolve import resolve
from pipelines.third_party import archive
from pipelines.third_party.archive import packed, unpacked
from pipelines.third_party.chart import crds_of, read_chart
from pipelines.third_party.rendering import Brought, chart_files, hook_words
from tests.pipelines.charts import ABOUT, CRD, NEXUS, tgz
from tests.pipelines.conftest import COMMIT, FACTS, place, subject

HEAD = "apiVersion: deploy-gateway/v1\napp: checkout\n"
VENDORED = HEAD + "chart: {path: charts/nexus}\n"


def _declaration(text: str) -> Declaration:
    return read(text.encode(), "deploy.yaml", app="checkout", environments={"staging"})


def _source(text: str = VENDORED, **more: str) -> Source:
    files = {**NEXUS, **{name.replace("__", "/"): content.encode() for name, content in more.items()}}
    checkout = Checkout(Path("tree"), COMMIT, "", "")
    return Source(checkout, _declaration(text), {}, {}, read_chart(files, "charts/nexus"))


def _rendered(helm: HelmClient, source: Source) -> Rendered:
    resolved = resolve(source, place(), None, timeout_seconds=1)
    return render(resolved, place(), FACTS, helm, timeout_seconds=20)


def _by_kind(rendered: Rendered) -> dict[str, Any]:
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in rendered.objects}


def test_its_objects_are_labelled_and_tests_and_crds_are_left_out(helm_client: HelmClient) -> None:
    rendered = _rendered(helm_client, _source(**{"crds__store.yaml": CRD}))
    found = _by_kind(rendered)
    assert found.keys() == {"Service/checkout", "Secret/checkout-admin", "ConfigMap/settings"}
    for one in found.values():
        assert one["metadata"]["namespace"] == "checkout-staging"
        assert one["metadata"]["labels"]["deploy-gateway.dev/commit"] == COMMIT
    assert rendered.chart_label == "nexus 1.2.3"
    assert rendered.templates["Service/checkout"] == "nexus/templates/all.yaml"


def test_what_it_makes_up_is_made_up_once(helm_client: HelmClient) -> None:
    rendered = _rendered(helm_client, _source())
    again = helm_client.template(
        release="checkout",
        namespace="checkout-staging",
        chart=rendered.chart,
        values=rendered.values,
        kubernetes_version=FACTS.kubernetes_version,
        api_versions=FACTS.api_versions,
        timeout_seconds=20,
    )
    assert again == rendered.manifest


def test_no_cluster_is_asked_and_values_are_laid_over_each_other(helm_client: HelmClient) -> None:
    text = VENDORED + "values: {replicas: 012}\nenvironments: {staging: {values: {service: {type: NodePort}}}}\n"
    found = _by_kind(_rendered(helm_client, _source(text)))
    assert found["ConfigMap/settings"]["data"] == {"found": "0", "replicas": "10"}
    assert found["Service/checkout"]["spec"]["type"] == "NodePort"


def test_overlays_replace_what_is_no_mapping_and_keep_nulls() -> None:
    over = "environments: {staging: {values: {a: {c: [2], e: on}, d: null, f: {g: 1}}}}\n"
    text = "values: {a: {b: 1, c: [1]}, d: x}\n" + over
    file = overlaid(_declaration(VENDORED + text).file, "staging")
    assert file.values == {"a": {"b": 1, "c": [2], "e": True}, "d": None, "f": {"g": 1}}


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ("apiVersion: v1\nkind: Namespace\nmetadata: {name: x}", "brings none"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: other}", "is for the namespace 'other'"),
        ("apiVersion: v1\nkind: Secret\nmetadata: {name: sh.helm.release.v1.x.v9}", "a record of what was rolled out"),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, labels: {owner: helm}}",
            "a record of what was rolled out",
        ),
        ("apiVersion: v1\nkind: Service\nmetadata: {name: checkout}", "Service/checkout is rendered twice"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, annotations: {a: 1}}", "annotations are names"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: x}", "no metadata.name"),
        ("apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Namespace, metadata: {name: x}}]", "brings none"),
    ],
)
def test_what_no_app_may_bring_is_refused_after_rendering(helm_client: HelmClient, extra: str, expected: str) -> None:
    indented = extra.replace("\n", "\n    ")
    with pytest.raises(InvalidDeployFile, match=expected) as raised:
        _rendered(helm_client, _source(VENDORED + f"values:\n  extra: |\n    {indented}\n"))
    assert raised.value.where == "nexus/templates/all.yaml"


def test_hooks_are_found_with_what_they_do(helm_client: HelmClient) -> None:
    rendered = _rendered(helm_client, _source(VENDORED + "values: {initJob: true, odd: true}\n"))
    assert [(one.rule, one.mode, one.resource, one.what) for one in rendered.found] == [
        ("chart-hooks", Mode.WARN, "ConfigMap/before", "pre-install: creates this ConfigMap"),
        ("chart-hooks", Mode.WARN, "Pod/odd", "post-install: runs nothing"),
        ("chart-hooks", Mode.WARN, "Job/init", "pre-install,pre-upgrade: runs busybox:1.36 sh -c echo hello"),
    ]
    assert Brought(rendered.found).findings(subject(())) == rendered.found
    assert hook_words({"kind": "Job", "metadata": {}, "spec": None}) == ": creates this Job"


@pytest.mark.parametrize(
    ("known", "modes"),
    [((), [Mode.WARN]), (("apps/v1",), [Mode.ENFORCE]), (("example.com/v1/Store",), [])],
)
def test_definitions_that_the_cluster_has_not_are_found(
    helm_client: HelmClient, known: tuple[str, ...], modes: list[Mode]
) -> None:
    resolved = resolve(_source(**{"crds__a.yaml": CRD}), place(), None, timeout_seconds=1)
    rendered = render(resolved, place(), replace(FACTS, api_versions=known), helm_client, timeout_seconds=20)
    assert [one.mode for one in rendered.found] == modes


def test_definitions_of_its_charts_and_unreadable_ones_count_too() -> None:
    files = {
        "crds/a.yaml": CRD,
        "charts/b/crds/c.yaml": "a: [",
        "crds/d.yml": "---\nnull\n---\n- 1\n",
        "crds/README": "",
    }
    chart = read_chart({**NEXUS, **{name: text.encode() for name, text in files.items()}}, "x")
    assert [(one.name, one.serves) for one in crds_of(chart)] == [
        ("charts/b/crds/c.yaml", ()),
        ("stores.example.com", ("example.com/v1/Store",)),
        ("crds/d.yml", ()),
    ]


def test_a_template_is_told_only_where_helm_tells_it() -> None:
    chart = read_chart(NEXUS, "x")
    files, templates = chart_files(
        b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\nnull\n", chart, place(), ""
    )
    assert templates == {"ConfigMap/a": "the chart"}
    assert len(files) == 2


def test_aliases_of_a_template_are_bounded_and_its_name_is_told() -> None:
    one = "---\n# Source: nexus/templates/{0}.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {0}}}\n"
    many = f"a: &a [{','.join('x' * 10_000)}]\nb: [{','.join(['*a'] * 15)}]\n"
    manifest = one.format("first") + many + one.format("second") + many
    with pytest.raises(InvalidDeployFile, match="aliases stand for") as caught:
        chart_files(manifest.encode(), read_chart(NEXUS, "x"), place(), "")
    assert caught.value.where == "nexus/templates/second.yaml"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("Chart.yaml", "a: [", "it is not YAML"),
        ("Chart.yaml", "- 1", "is no mapping"),
        ("Chart.yaml", ABOUT.replace("nexus", "../x"), "has the name"),
        ("Chart.yaml", ABOUT.replace("1.2.3", "'>1.2'"), "has the version"),
        ("Chart.yaml", ABOUT + "type: library\n", "is a library"),
        ("values.schema.json", "{", "is no JSON"),
        ("values.schema.json", '{"a": [{"$ref": "https://example.com/x"}]}', "refers to 'https://example.com/x'"),
        ("charts/b/values.schema.json", '{"\\u0024ref": "file:///etc/passwd"}', "refers to 'file"),
        ("values.schema.json", '{"$schema": "https://example.com/meta"}', "refers to"),
    ],
)
def test_what_is_no_chart_for_us_is_refused(name: str, content: str, expected: str) -> None:
    with pytest.raises(InvalidChart, match=expected):
        read_chart({**NEXUS, name: content.encode()}, "charts/nexus")


def test_a_chart_without_chart_yaml_is_none_and_a_local_schema_is_fine() -> None:
    with pytest.raises(InvalidChart, match="has no Chart"):
        read_chart({}, "charts/nexus")
    schema = b'{"$schema": "http://json-schema.org/draft-07/schema#", "a": {"$ref": "#/b"}, "c": [1]}'
    assert read_chart({**NEXUS, "values.schema.json": schema}, "x").label == "nexus 1.2.3"


def _entry(name: str, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, "/etc/passwd"
    return entry


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (_entry("nexus/a", tarfile.SYMTYPE), "is a link"),
        (_entry("nexus/a", tarfile.LNKTYPE), "is a link"),
        (_entry("nexus/a", tarfile.CHRTYPE), "is a link"),
        (_entry("nexus/../../a"), "leads out"),
        (_entry("/etc/a"), "leads out"),
        (_entry("a"), "leads out"),
        (_entry("nexus/a\\b"), "leads out"),
        (_entry("other/a"), "beside the chart"),
        (_entry("nexus/Chart.yaml"), "twice"),
    ],
)
def test_an_archive_that_leads_elsewhere_is_refused(entry: tarfile.TarInfo, expected: str) -> None:
    with pytest.raises(InvalidChart, match=expected):
        unpacked(tgz(NEXUS, more=(entry,)), "a.tgz")


def test_an_archive_is_taken_apart_with_its_charts_and_put_together_the_same() -> None:
    inner = tgz({"Chart.yaml": b"x"}, top="b")
    files = unpacked(tgz({**NEXUS, "charts/b-1.tgz": inner}), "a.tgz")
    assert files["charts/b-1/Chart.yaml"] == b"x"
    assert unpacked(packed("nexus", files), "a.tgz") == files


@pytest.mark.parametrize(
    "content",
    [b"", b"no gzip", tgz(NEXUS)[:-9], tgz(NEXUS) + b"x", gzip.compress(b"no tar" * 999)],
    ids=["empty", "no gzip", "cut off", "more behind", "no tar"],
)
def test_what_is_no_archive_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidChart, match="no gzipped tar"):
        unpacked(content, "a.tgz")


def test_bombs_are_not_blown_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidChart, match="larger than"):
        unpacked(gzip.compress(bytes(64 * 1024 * 1024)), "a.tgz")
    nested = tgz({"Chart.yaml": b"x"})
    for _ in range(5):
        nested = tgz({"charts/a.tgz": nested})
    with pytest.raises(InvalidChart, match="deeper than 3"):
        unpacked(nested, "a.tgz")
    monkeypatch.setattr(archive, "MOST_FILES", 3)
    with pytest.raises(InvalidChart, match="3 with"):
        unpacked(tgz(NEXUS), "a.tgz")


@pytest.mark.parametrize("inside", ["a file", "nothing"])
def test_many_small_bombs_are_one(inside: str) -> None:
    """Each archive in charts/ is small enough by itself; without a bound for all, these took 17 GB."""
    padding = {"padding": bytes(19 * 1024 * 1024)} if inside == "a file" else {}
    bomb = packed("s", padding) if padding else gzip.compress(bytes(19 * 1024 * 1024))
    outer = packed("c", {"Chart.yaml": b"name: c", **{f"charts/{at}.tgz": bomb for at in range(900)}})
    tracemalloc.start()
    try:
        with pytest.raises(InvalidChart, match="larger than 20 MiB"):
            unpacked(outer, "a.tgz")
        assert tracemalloc.get_traced_memory()[1] < 200 * 1024 * 1024
    finally:
        tracemalloc.stop()


def _tree(tmp_path: Path, text: str, files: dict[str, bytes], links: frozenset[str] = frozenset()) -> Source:
    for name, content in {"deploy.yaml": text.encode(), **files}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    commit = Checkout(tmp_path, CommitSha(COMMIT), "", "", links)
    return read_source(place().app, commit, {"staging"})


def test_a_chart_in_the_repository_is_a_folder_or_an_archive(tmp_path: Path) -> None:
    folder = _tree(tmp_path, VENDORED, {f"charts/nexus/{name}": content for name, content in NEXUS.items()})
    packed_one = _tree(tmp_path, HEAD + "chart: {path: nexus.tgz}\n", {"nexus.tgz": tgz(NEXUS)})
    assert folder.chart is not None
    assert folder.chart == packed_one.chart
    assert parse(folder.chart.files["Chart.yaml"].replace(b"name", b"kind"))


def test_a_chart_in_the_repository_that_is_not_there_or_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidDeployFile, match="no folder charts/nexus") as raised:
        _tree(tmp_path, VENDORED, {})
    assert raised.value.where == "deploy.yaml:3"
    files = {"charts/nexus/Chart.yaml": ABOUT.encode(), "charts/nexus/a": b""}
    with pytest.raises(UnsafeCheckout, match="symbolic link"):
        _tree(tmp_path, VENDORED, files, frozenset({"charts/nexus/a"}))
    monkeypatch.setattr("pipelines.stages.checkout.MOST_FILES", 1)
    with pytest.raises(InvalidChart, match="1 are the most"):
        _tree(tmp_path, VENDORED, files)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("chart: {name: a}", "missing: repository, version"),
        ("chart: {path: a, version: 1.2.3}", "with path, these are not read: version"),
        ("chart: {path: ../a}", "inside the repository"),
        ("chart: {name: a, repository: 'https://x', version: '>1'}", "chart.version is '>1'"),
        ("chart: {name: a, repository: 'file:///x', version: 1.2.3}", "chart.repository is"),
        ("chart: {path: a}\nenvironments: {staging: {replicas: 2}}", "staging can have values alone, not: replicas"),
        ("chart: {path: a}\nvalues: [1]", "values is"),
        ("chart: {path: a}\nenvironments: [1]", "environments is"),
        ("chart: {path: a}\nenvironments: {staging: 1}", "environments.staging is"),
    ],
)
def test_a_mistake_about_a_chart_is_told(text: str, expected: str) -> None:
    with pytest.raises(InvalidDeployFile) as raised:
        _declaration(HEAD + text + "\n")
    faults = raised.value.errors or ()
    assert any(expected in one.reason for one in faults), faults
