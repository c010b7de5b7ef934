"""Charts of others, as small as they can be while they do what big ones do."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from pipelines.third_party.chart import ThirdPartyChart, read_chart
from tests.images import put_blob, put_manifest

LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"

ABOUT = "apiVersion: v2\nname: nexus\nversion: 1.2.3\n"
VALUES = """\
replicas: 1
image: {repository: registry.example.com/shop/nexus, tag: 3.70.0}
service: {type: ClusterIP}
initJob: false
secondNamespace: ""
extra: ""
"""
TEMPLATE = """\
apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}}
spec:
  type: {{ .Values.service.type }}
  selector: {app: nexus}
  ports: [{port: 80}]
---
apiVersion: v1
kind: Secret
metadata: {name: {{ .Release.Name }}-admin}
stringData: {password: {{ randAlphaNum 12 | quote }}}
---
apiVersion: v1
kind: ConfigMapList
items:
  - apiVersion: v1
    kind: ConfigMap
    metadata: {name: settings}
    data: {found: {{ len (lookup "v1" "Namespace" "" "") | quote }}, replicas: {{ .Values.replicas | quote }}}
---
{{ .Values.extra }}
"""
HOOK = """\
{{- if .Values.initJob }}
apiVersion: batch/v1
kind: Job
metadata:
  name: init
  annotations: {helm.sh/hook: "pre-install,pre-upgrade"}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: init, image: busybox:1.36, command: [sh, -c], args: [echo hello]}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: before, annotations: {helm.sh/hook: pre-install}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: at-the-end, annotations: {helm.sh/hook: "pre-delete, post-delete"}}
{{- if .Values.odd }}
---
apiVersion: v1
kind: Pod
metadata: {name: odd, annotations: {helm.sh/hook: post-install}}
spec: {restartPolicy: Never, containers: [none]}
{{- end }}
{{- end }}
"""
TEST = """\
apiVersion: v1
kind: Pod
metadata: {name: a-test, annotations: {helm.sh/hook: test}}
spec: {containers: [{name: a, image: b}]}
"""
CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: stores.example.com}
spec: {group: example.com, names: {kind: Store}, versions: [{name: v1}]}
"""
NEXUS: Mapping[str, bytes] = {
    "Chart.yaml": ABOUT.encode(),
    "values.yaml": VALUES.encode(),
    "templates/all.yaml": TEMPLATE.encode(),
    "templates/init.yaml": HOOK.encode(),
    "templates/tests/test.yaml": TEST.encode(),
}


def tgz(files: Mapping[str, bytes], *, top: str = "nexus", more: tuple[tarfile.TarInfo, ...] = ()) -> bytes:
    """An archive, with entries of any kind beside the files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        folder = tarfile.TarInfo(top)
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for path, content in files.items():
            entry = tarfile.TarInfo(f"{top}/{path}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for one in more:
            archive.addfile(one)
    return gzip.compress(buffer.getvalue(), mtime=0)


def read_folder(name: str) -> ThirdPartyChart:
    """One of the charts in tests/charts/third_party."""
    folder = Path(__file__).parents[1] / "charts" / "third_party" / name
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return read_chart(files, name)


def push_chart(registry: str, tag: str, media_type: str = LAYER) -> None:
    """Nexus as an OCI artifact, in `charts/nexus` of the registry."""
    chart = tgz(NEXUS)
    config = put_blob(registry, "charts/nexus", b"{}")
    layer = {"mediaType": media_type, "digest": put_blob(registry, "charts/nexus", chart), "size": len(chart)}
    about = {"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": config, "size": 2}
    kind = "application/vnd.oci.image.manifest.v1+json"
    document = {"schemaVersion": 2, "mediaType": kind, "config": about, "layers": [layer]}
    put_manifest(registry, f"charts/nexus:{tag}", document)
