"""`deployctl check --manifests` and `-`: every check of what has no deploy.yaml, and nothing empty or unread passes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployctl.batches import read
from deployctl.exits import Exit
from deployctl.local import Local, Programs
from deployctl.loose import check_loose, check_manifests, files_at
from deployctl.platform import Asked, platform_for
from deployctl.verdicts import Report, VerdictState
from pipelines.errors import InvalidInput
from tests.deployctl.offline import CONFIG, programs, run

SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: {name}
spec:
  type: {type}
  selector: {{app: web}}
  ports: [{{port: 80}}]
"""
OPEN = SERVICE.format(name="web", type="LoadBalancer")
CLOSED = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: b}\n"
DENY = (
    "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: deny}\n"
    "spec: {podSelector: {}, policyTypes: [Ingress, Egress]}\n"
)
PLATFORM = platform_for(Asked(namespace="default"))


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Local:
    return Local(PLATFORM, programs(), tmp_path_factory.mktemp("helm"))


def _check(*paths: str) -> Report:
    return check_loose(tuple(map(Path, paths)), PLATFORM, programs())


def _sources(local: Local, **files: str) -> list[str]:
    verdict = check_manifests("k8s", {name: text.encode() for name, text in files.items()}, local)
    return [one.source for one in verdict.findings if one.rule == "service-type"]


def test_a_finding_has_the_line_in_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "k8s").mkdir()
    (tmp_path / "k8s" / "a.yaml").write_text(CLOSED + "---\n" + OPEN)
    done = run("check", "--manifests", "k8s", at=tmp_path)
    assert done.returncode == Exit.BLOCKED
    assert "  k8s/a.yaml:11  service-type  critical" in done.stdout
    assert "✗ 2 objects: 1 blocked, " in done.stdout


def test_standard_input_is_read_to_its_end(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, OPEN.encode())
    os.close(writing)
    done = run("check", "-", "-o", "json", at=tmp_path, stdin=reading)
    os.close(reading)
    assert done.returncode == Exit.BLOCKED
    findings = json.loads(done.stdout)["apps"][0]["findings"]
    assert "stdin:6" in [one["source"] for one in findings if one["rule"] == "service-type"]


def test_what_blocks_nothing_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.yml").write_text(CLOSED)
    report = _check("a.yml")
    assert (report.exit, report.verdicts[0].counted) == (Exit.DONE, "1 object")


@pytest.mark.parametrize("text", ["", "---\n---\n", "# nothing\n", "kind: List\napiVersion: v1\nitems: []\n", "null\n"])
def test_nothing_to_look_at_is_no_pass(local: Local, text: str) -> None:
    verdict = check_manifests("a.yaml", {"a.yaml": text.encode()}, local)
    assert verdict.state is VerdictState.INVALID
    assert verdict.faults[0].reason == "there is no Kubernetes object in it"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: [1\n", "a.yaml:2"),
        (CLOSED + "---\na: b\n", "a.yaml:6"),
        ("- 1\n", "a.yaml:1"),
        ("apiVersion: v1\nkind: Service\n", "a.yaml:1"),
        ("apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n- 7\n", "a.yaml:4"),
    ],
)
def test_what_is_no_object_is_told_with_its_line(local: Local, text: str, place: str) -> None:
    verdict = check_manifests("a.yaml", {"a.yaml": text.encode()}, local)
    assert (verdict.state, verdict.faults[0].where) == (VerdictState.INVALID, place)


def test_what_to_write_is_a_field_of_the_object_and_no_key_of_a_file_that_is_not_there(local: Local) -> None:
    verdict = check_manifests("a.yaml", {"a.yaml": OPEN.encode()}, local)
    assert [one.how for one in verdict.findings if one.rule == "service-type"] == ["type: ClusterIP"]


def test_yaml_that_breaks_off_is_told_with_what_to_write(local: Local) -> None:
    (fault,) = check_manifests("a.yaml", {"a.yaml": b"a: ["}, local).faults
    assert fault.solution == "Write the value that is missing, or close the bracket: [ with ], { with }"


def test_a_path_that_is_not_there_has_the_form_that_was_asked_for(tmp_path: Path) -> None:
    for option in ("--manifests", "--chart"):
        done = run("check", option, "nope", "-o", "json", at=tmp_path)
        assert done.returncode == Exit.WRONG_USAGE
        (app,) = json.loads(done.stdout)["apps"]
        assert (app["state"], app["errors"][0]["where"]) == ("invalid", "nope")
        assert "it can't be read: No such file or directory" in app["errors"][0]["reason"]


def test_an_empty_input_is_told_what_to_send(local: Local) -> None:
    (fault,) = check_manifests("stdin", {"stdin": b""}, local).faults
    assert fault.solution == "Send some: helm template NAME CHART | deployctl check -"


@pytest.mark.parametrize(
    ("metadata", "reason", "solution"),
    [
        ("{generateName: migrate-}", "has a generateName and no metadata.name", "Write `name:`"),
        ("{name: on}", "is read as true", "in quotes"),
        ("{labels: {a: b}}", "has no metadata.name", "Give it a name"),
    ],
)
def test_an_object_without_a_name_is_told_and_the_other_files_are_answered(
    local: Local, metadata: str, reason: str, solution: str
) -> None:
    nameless = f"apiVersion: batch/v1\nkind: Job\nmetadata: {metadata}\nspec: {{}}\n"
    verdict = check_manifests("k8s", {"a.yaml": (CLOSED + "---\n" + nameless).encode(), "b.yaml": OPEN.encode()}, local)
    assert (verdict.state, verdict.faults[0].where) == (VerdictState.INVALID, "a.yaml:6")
    assert reason in verdict.faults[0].reason
    assert solution in verdict.faults[0].solution
    assert "service-type" in [one.rule for one in verdict.findings]


def test_a_namespace_is_refused_as_a_release_refuses_it(local: Local) -> None:
    text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
    verdict = check_manifests("a.yaml", {"a.yaml": text.encode()}, local)
    assert (verdict.state, verdict.faults[0].solution) == (VerdictState.INVALID, "Leave this object out")


def test_an_api_version_in_capitals_is_told_with_what_was_meant(local: Local) -> None:
    text = "apiVersion: Apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
    verdict = check_manifests("a.yaml", {"a.yaml": text.encode()}, local)
    assert verdict.state is VerdictState.INVALID
    assert verdict.faults[0].solution == "Write `apiVersion: apps/v1`"


@pytest.mark.parametrize("field", ["selector: {app: on}", "clusterIP: 12", "type: y"])
def test_a_plain_word_where_a_text_is_due_is_no_crash_but_to_be_quoted(local: Local, field: str) -> None:
    text = f"apiVersion: v1\nkind: Service\nmetadata: {{name: web}}\nspec:\n  {field}\n"
    verdict = check_manifests("a.yaml", {"a.yaml": text.encode()}, local)
    assert verdict.state is VerdictState.BLOCKED
    told = next(one for one in verdict.findings if one.rule == "schema/invalid")
    assert (told.resource, told.source) == ("Service/web", "a.yaml:5")
    assert "it takes no " in told.what
    assert "in quotes" in told.how


def test_words_that_are_no_texts_hide_nothing_that_is_found_in_other_files(local: Local) -> None:
    wrong = CLOSED + "---\napiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  type: y\n  clusterIP: 12\n"
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers: [{name: p, image: 'p:latest'}]\n"
    files = {"a.yaml": wrong, "b.yaml": pod, "c.yaml": OPEN}
    verdict = check_manifests("k8s", {name: text.encode() for name, text in files.items()}, local)
    assert verdict.state is VerdictState.BLOCKED
    misfits = sorted(one.source for one in verdict.findings if one.rule == "schema/invalid")
    assert misfits == ["a.yaml:10", "a.yaml:11"]
    told = {(one.source.partition(":")[0], one.rule) for one in verdict.findings}
    assert {("b.yaml", "kube-score/pod-probes"), ("c.yaml", "service-type")} <= told


_SCALARS = st.sampled_from([None, True, 0, -1, 1.5, "", "a", "y", "{{ x }}", "\u2028"])
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["name", "spec", "template", "containers", "metadata", "image"]), inner)
    ),
    max_leaves=6,
)
_OBJECTS = st.fixed_dictionaries(
    {
        "apiVersion": st.sampled_from(["v1", "apps/v1", "batch/v1", "Apps/v1", "/", ""]),
        "kind": st.sampled_from(["Pod", "Deployment", "Service", "CronJob", "deployment", "List", "Nothing"]),
        "metadata": _VALUES | st.just({"name": "a"}) | st.just({"generateName": "a-"}),
    },
    optional={"spec": _VALUES, "data": _VALUES, "items": _VALUES},
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(_OBJECTS)
def test_odd_objects_end_in_a_verdict(local: Local, value: object) -> None:
    verdict = check_manifests("a.json", {"a.json": json.dumps(value).encode()}, local)
    assert verdict.state in VerdictState


def test_what_could_not_be_read_hides_no_finding_beside_it(local: Local) -> None:
    verdict = check_manifests("k8s", {"a.yaml": b"a: [", "b.yaml": OPEN.encode()}, local)
    assert verdict.state is VerdictState.INVALID
    assert "service-type" in [one.rule for one in verdict.findings]


def test_the_items_of_a_list_are_looked_at_one_by_one(local: Local) -> None:
    items = "".join(f"- {text.strip()}\n".replace("\n", "\n  ").rstrip(" ") for text in (CLOSED, OPEN))
    assert _sources(local, a=f"apiVersion: v1\nkind: List\nitems:\n{items}") == ["a:13"]


def test_json_is_read(local: Local) -> None:
    lines = [
        '{"apiVersion": "v1",',
        '"kind": "Service",',
        '"metadata": {"name": "a"},',
        '"spec": {',
        '"type": "NodePort"}}',
    ]
    text = "\n\t".join(lines)
    assert _sources(local, a=text) == ["a:5"]


def test_objects_of_one_name_each_have_their_own_line(local: Local) -> None:
    """In files, as overlays are, and in namespaces."""
    elsewhere = OPEN.replace("name: web", "name: web\n  namespace: two")
    assert sorted(_sources(local, a=OPEN, b="# another\n" + OPEN + "---\n" + elsewhere)) == ["a:6", "b:17", "b:7"]


@pytest.mark.parametrize("namespace", [None, "default"])
def test_an_object_that_stands_in_a_file_twice_is_told_there(local: Local, namespace: str | None) -> None:
    """And what it is beside keeps its pods."""
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {app: web}}\nspec: {containers: []}\n---\n"
    text = pod + SERVICE.format(name="web", type="ClusterIP") + "---\n" + SERVICE.format(name="web", type="ClusterIP")
    verdict = check_manifests("stdin", {"stdin": text.encode()}, local, namespace)
    (twin,) = (one for one in verdict.findings if one.rule == "objects-unique")
    assert (twin.source, twin.resource, twin.blocks) == ("stdin:15", "Service/web", True)
    assert twin.what == "it stands in line 6 already; this one was not looked at"
    assert "service-selects" not in {one.rule for one in verdict.findings}
    assert verdict.objects == 3


def _batches(*texts: str, namespace: str | None = None) -> list[tuple[str, int]]:
    place = PLATFORM.place(PLATFORM.app("local", ""))
    found = read({str(number): text.encode() for number, text in enumerate(texts)}, place, namespace)
    assert not found.faults
    return [(one.namespace, len(one.objects)) for one in found.batches]


def test_a_file_stays_together_and_namespaces_stay_as_they_are() -> None:
    two, three = (CLOSED.replace("settings}", f"settings, namespace: {name}}}") for name in ("two", "three"))
    assert _batches(OPEN, CLOSED + "---\n" + OPEN) == [("", 1), ("", 2)]
    assert _batches(OPEN + "---\n" + two + "---\n" + three) == [("", 2), ("", 1)]
    assert _batches(OPEN, two) == [("", 2)]
    assert _batches(OPEN, two, namespace="one") == [("one", 2)]
    assert _batches(two, three, namespace="one") == [("one", 1), ("one", 1)]


def test_what_is_called_the_same_in_another_group_is_another_object() -> None:
    other = OPEN.replace("v1", "serving.knative.dev/v1")
    assert _batches(OPEN + "---\n" + other) == [("", 1), ("", 1)]


def test_what_is_in_another_namespace_is_not_what_belongs_together(local: Local) -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: %s, labels: {app: web}}\nspec: {containers: []}\n"
    service = SERVICE.format(name="web\n  namespace: one", type="ClusterIP")
    for namespace, expected in (("one", False), ("two", True)):
        files = {"pod": (pod % namespace).encode(), "service": service.encode()}
        found = {one.rule for one in check_manifests("k8s", files, local).findings}
        assert ("service-selects" in found) is expected


@pytest.mark.parametrize(
    ("namespace", "config", "strays"),
    [(None, False, 0), (None, True, 0), ("one", False, 1), ("one", True, 1), ("two", True, 1)],
)
def test_a_namespace_that_is_said_counts_and_else_the_one_that_is_written(
    tmp_path: Path, namespace: str | None, config: bool, strays: int
) -> None:
    (tmp_path / "gateway.yaml").write_text(CONFIG)
    texts = [CLOSED.replace("settings}", f"settings, namespace: {name}}}") for name in ("one", "two")]
    (tmp_path / "k8s.yaml").write_text("---\n".join(texts))
    where = ("--namespace", namespace) if namespace else ()
    platform = ("--config", "gateway.yaml", "--env", "production") if config else ()
    done = run("check", "--manifests", "k8s.yaml", *where, *platform, "-o", "json", at=tmp_path)
    (app,) = json.loads(done.stdout)["apps"]
    assert [one["rule"] for one in app["findings"]] == ["namespace-own"] * strays


def test_a_namespace_for_an_app_is_the_gateway_yamls_to_say(tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text(CONFIG)
    for command in ("check", "render"):
        done = run(command, "--config", "gateway.yaml", "--env", "production", "--namespace", "x", at=tmp_path)
        assert done.returncode == Exit.WRONG_USAGE
        assert "the namespaces of Apps are those that gateway.yaml gives them" in done.stderr


@pytest.mark.parametrize("name", ["kustomization.yaml", "kustomization.yml", "Kustomization"])
def test_what_kustomize_builds_from_is_built_first(tmp_path: Path, name: str) -> None:
    """A patch beside it is no object, nor is one below."""
    patches = tmp_path / "k8s" / "overlay" / "patches"
    patches.mkdir(parents=True)
    (patches / "a.yaml").write_text(OPEN)
    (patches.parent / name).write_text("resources: [../base]\npatches: [{path: patches/a.yaml}]\n")
    (patches.parents[1] / "plain.yaml").write_text(OPEN)
    done = run("check", "--manifests", "k8s", "-o", "json", at=tmp_path)
    assert done.returncode == Exit.WRONG_USAGE
    (app,) = json.loads(done.stdout)["apps"]
    (fault,) = app["errors"]
    assert fault["where"] == f"k8s/overlay/{name}"
    assert fault["solution"] == "Build it first: kubectl kustomize k8s/overlay | deployctl check -"
    assert {one["source"].partition(":")[0] for one in app["findings"]} == {"k8s/plain.yaml"}


def test_a_kustomization_by_another_name_is_known_by_its_group(local: Local) -> None:
    text = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Component\n"
    (fault,) = check_manifests("stdin", {"stdin": text.encode()}, local).faults
    assert (fault.where, fault.solution) == (
        "stdin:1",
        "Build it first: kubectl kustomize FOLDER | deployctl check -",
    )


def test_a_defect_of_a_check_is_a_verdict_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> None:
        raise RuntimeError("on purpose")

    local = Local(PLATFORM, programs(), tmp_path)
    monkeypatch.setattr(local, "judged", breaks)
    verdict = check_manifests("k8s", {"a": OPEN.encode()}, local)
    assert (verdict.state, verdict.code) == (VerdictState.CRASHED, "check-crashed")
    assert verdict.faults[0].reason == "the check itself broke: RuntimeError: on purpose"


def test_a_value_of_a_wrong_kind_hides_nothing_else(local: Local) -> None:
    """Neither of its own file nor of others."""
    pod = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  hostNetwork: true\n"
        "  containers:\n  - name: p\n    image: p:latest\n    ports: {containerPort: 80}\n"
    )
    files = {"a.yaml": pod.encode(), "b.yaml": OPEN.encode()}
    verdict = check_manifests("k8s", files, local)
    assert verdict.state is VerdictState.BLOCKED
    told = {(one.rule, one.source) for one in verdict.findings}
    assert {
        ("schema/invalid", "a.yaml:9"),
        ("host-access", "a.yaml:5"),
        ("image-pinned", "a.yaml:8"),
        ("service-type", "b.yaml:6"),
    } <= told


def test_without_a_platform_the_parts_of_rules_that_need_none_are_looked_at(local: Local) -> None:
    """And the rules that are not, or not whole, are named."""
    route = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n  hosts: ['*']\n"
    verdict = check_manifests("a", {"a": route.encode()}, local)
    assert [(one.rule, one.field) for one in verdict.blocking] == [("virtual-service-own", "spec.hosts[0]")]
    (told,) = (one for one in PLATFORM.not_checked() if "platform" in one.what)
    assert "image-registry · ingress-annotations · ingress-class" in told.what
    assert told.how == "--config FILE"


def test_a_crash_in_one_batch_leaves_what_is_found_in_others(tmp_path: Path) -> None:
    program = tmp_path / "kube-score"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    local = Local(PLATFORM, Programs(programs().helm, program), tmp_path)
    files = {"a": DENY.encode(), "b": (OPEN + "---\n" + DENY).encode()}
    verdict = check_manifests("k8s", files, local)
    assert verdict.state is VerdictState.CRASHED
    assert [one.source for one in verdict.findings if one.rule == "service-type"] == ["b:6"]


def test_a_check_that_crashes_is_no_pass(tmp_path: Path) -> None:
    crashing = Programs(programs().helm, Path("/bin/false"))
    local = Local(PLATFORM, crashing, tmp_path)
    verdict = check_manifests("a", {"a": DENY.encode()}, local)
    assert verdict.state is VerdictState.CRASHED


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="it can't be read") as raised:
        files_at((tmp_path / "nothing.yaml",))
    assert raised.value.where.endswith("nothing.yaml")


def test_one_kind_of_input_at_a_time(tmp_path: Path) -> None:
    assert run("check", "a", "--manifests", "b", at=tmp_path).returncode == Exit.WRONG_USAGE
    assert run("check", "a", "-", at=tmp_path).returncode == Exit.WRONG_USAGE


@pytest.mark.parametrize(("link", "leads_to"), [("a.yaml", "../a.yaml"), ("b.yml", "nothing"), ("more", "/proc/self")])
def test_links_in_a_folder_are_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: str, leads_to: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("k8s").mkdir()
    Path("a.yaml").write_text(CLOSED)
    Path("k8s/c.yaml").write_text(CLOSED)
    Path("k8s", link).symlink_to(leads_to)
    verdict = _check("k8s").verdicts[0]
    assert (verdict.state, verdict.code) == (VerdictState.INVALID, "unsafe-checkout")
    assert [fault.where for fault in verdict.faults] == [f"k8s/{link}"]


def test_links_that_are_no_manifests_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("k8s").mkdir()
    Path("k8s/c.yaml").write_text(CLOSED)
    Path("k8s/README.md").symlink_to("/proc/self/environ")
    assert _check("k8s").verdicts[0].state is VerdictState.PASSED
