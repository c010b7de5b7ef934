"""A chart as its text: the charts in it, the values that a template names, and the line that a field is written on."""

from __future__ import annotations

import pytest

from pipelines.third_party.chart import ThirdPartyChart
from pipelines.third_party.parts import part_of, parts_of, template_file
from pipelines.third_party.templates import helpers_of, line_in, named_values
from tests.pipelines.charts import read_folder

BUILDER = read_folder("builder")


def _chart(**files: str) -> ThirdPartyChart:
    contents = {name.replace("__", "/"): text.encode() for name, text in files.items()}
    return ThirdPartyChart("whole", "1.0.0", contents)


def test_a_chart_in_a_chart_is_known_by_its_alias_with_what_the_whole_says_of_its_values() -> None:
    whole, store = parts_of(BUILDER)
    assert (whole.source, whole.folder, whole.keys) == ("builder", "", ())
    assert (store.source, store.folder, store.keys) == ("builder/charts/store", "charts/key-store/", ("store",))
    assert store.values == {"enabled": True, "resources": {"limits": {"memory": "1Gi"}}, "security": {"context": {}}}


def test_a_template_is_found_in_the_folder_of_its_chart() -> None:
    parts = parts_of(BUILDER)
    assert template_file("builder/charts/store/templates/store.yaml", parts) == "charts/key-store/templates/store.yaml"
    assert template_file("builder/templates/controller.yaml", parts) == "templates/controller.yaml"
    assert template_file("another/templates/x.yaml", parts) is None
    assert part_of("", parts) is None


def test_charts_are_found_at_any_depth_listed_or_not_and_once_for_each_alias() -> None:
    files = {
        "requirements.yaml": "dependencies: [{name: db, alias: one}, {name: db, alias: two}, nonsense]",
        "values.yaml": "one: 1",
        "charts__db-1__Chart.yaml": "name: db",
        "charts__db-1__values.yaml": "a: [",
        "charts__db-1__charts__deep__Chart.yaml": "name: deep",
        "charts__db-1__templates__Chart.yaml": "name: none",
    }
    found = [(one.source, one.keys) for one in parts_of(_chart(**files))]
    assert found == [
        ("whole", ()),
        ("whole/charts/one", ("one",)),
        ("whole/charts/one/charts/deep", ("one", "deep")),
        ("whole/charts/two", ("two",)),
        ("whole/charts/two/charts/deep", ("two", "deep")),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ .Values.a.b }} {{ $.Values.c-d }}", [("a", "b"), ("c-d",)]),
        ('{{ index .Values "a-b" "c" }}', [("a-b", "c")]),
        ("{{ with .Values.a }}{{ .b.c }}{{ end }}{{ .d }}", [("a",), ("a", "b", "c")]),
        (
            "{{ with .Values.a }}{{ if .b }}{{ .c }}{{ else }}{{ .e }}{{ end }}{{ end }}",
            [("a",), ("a", "c"), ("a", "e")],
        ),
        ("{{ range .Values.a }}{{ .b }}{{ end }}", [("a",)]),
        ('{{ include "one" . }}{{ include "gone" . }}', [("from", "one"), ("from", "two")]),
    ],
)
def test_the_values_that_a_template_names_are_found(text: str, expected: list[tuple[str, ...]]) -> None:
    helpers = {
        "one": '{{ .Values.from.one }}{{ template "two" . }}',
        "two": '{{ .Values.from.two }}{{ include "one" }}',
    }
    assert list(named_values(text, helpers)) == expected


def test_named_templates_of_every_chart_in_it_are_known() -> None:
    helpers = helpers_of(
        {
            "templates/_a.tpl": b'{{- define "a" -}}1{{ end }}{{ define "b" }}2{{ end }}',
            "charts/c/templates/_c.tpl": b'{{define "c"}}3{{end}}',
            "files/_d.tpl": b'{{define "d"}}4{{end}}',
        }
    )
    assert helpers.keys() == {"a", "b", "c"}


WORKLOAD = """\
kind: Deployment
spec:
  template:
    spec:
      initContainers:
        - name: first
          securityContext: {}
      containers:
      - name: one
        image: a
      {{- if .Values.more }}

        securityContext: {{ .Values.x }}
      {{- end }}
      - name: two
        image: b
      volumes:
        {{- range .Values.volumes }}
        - name: {{ . }}
        {{- end }}
---
kind: Service
spec: {type: A}
"""


@pytest.mark.parametrize(
    ("kind", "field", "line"),
    [
        ("Deployment", "", 1),
        ("Deployment", "metadata.labels", 1),
        ("Deployment", "spec.template.spec.initContainers[0].securityContext.runAsUser", 7),
        ("Deployment", "spec.template.spec.containers[0].securityContext", 13),
        ("Deployment", "spec.template.spec.containers[1].image", 16),
        ("Deployment", "spec.template.spec.containers[2].image", 8),
        ("Deployment", "spec.template.spec.volumes[0].hostPath", 17),
        ("Service", "spec.type", 23),
        ("ConfigMap", "data", None),
    ],
)
def test_the_line_of_a_field_is_that_of_the_nearest_thing_that_is_written(
    kind: str, field: str, line: int | None
) -> None:
    assert line_in(WORKLOAD, kind, field) == line


def test_a_template_with_two_objects_of_a_kind_tells_no_line() -> None:
    assert line_in(WORKLOAD + "---\nkind: Service\n", "Service", "spec") is None


def test_a_key_that_stands_twice_is_not_guessed_at() -> None:
    text = "kind: Service\nspec:\n  {{ if a }}\n  type: A\n  {{ else }}\n  type: B\n  {{ end }}\n"
    assert line_in(text, "Service", "spec.type") == 2
