"""A chart of others, from the repository and from the registry: released, upgraded, refused, rolled back."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

from tests.images import put_blob, put_manifest, sha256
from tests.pipelines.charts import tgz
from tools.installation import Installation

APP = "third-party"
HEAD = f"apiVersion: deploy-gateway/v1\napp: {APP}\n"
TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
data: {size: {{ .Values.size | quote }}, made: {{ randAlphaNum 8 | quote }}, chart: {{ .Chart.Version | quote }}}
---
{{ .Values.extra }}
"""


def _chart(version: str) -> dict[str, str]:
    about = f"apiVersion: v2\nname: sizes\nversion: {version}\n"
    return {"Chart.yaml": about, "values.yaml": "size: small\nextra: ''\n", "templates/all.yaml": TEMPLATE}


def _published(registry: str, version: str) -> str:
    """Pushes that version as `helm push` does; the sha256 of its archive."""
    archive = tgz({name: text.encode() for name, text in _chart(version).items()}, top="sizes")
    config = put_blob(registry, "charts/sizes", b"{}")
    layer = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
    document = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": config, "size": 2},
        "layers": [{"mediaType": layer, "digest": put_blob(registry, "charts/sizes", archive), "size": len(archive)}],
    }
    put_manifest(registry, f"charts/sizes:{version}", document)
    return sha256(archive)


def test_a_chart_of_others_is_released_upgraded_refused_and_rolled_back(
    installation: Installation,
    release: Callable[..., dict[str, Any]],
    live: Callable[..., Any],
    deployctl: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    vendored = {f"charts/sizes/{name}": text for name, text in _chart("1.0.0").items()}

    def pushed(text: str) -> dict[str, Any]:
        installation.push(f"shop/{APP}", {**vendored, "deploy.yaml": HEAD + text}, "A version")
        return release(APP)

    first = pushed("chart: {path: charts/sizes}\nenvironments: {staging: {values: {size: large}}}\n")
    assert (first["state"], first["chart"]) == ("deployed", "sizes 1.0.0"), first["message"]
    assert live(APP, "configmap")["data"]["size"] == "large"

    remote = f"chart: {{name: sizes, repository: 'oci://{installation.registry}/charts', version: 2.0.0"
    digest = _published(installation.registry, "2.0.0")
    unpinned = pushed(remote + "}\n")
    assert unpinned["state"] in ("failed", "blocked")
    assert f"digest: {digest}" in str(unpinned)
    second = pushed(f"{remote}, digest: '{digest}'}}\n")
    assert (second["state"], second["chart"]) == ("deployed", "sizes 2.0.0"), second["message"]
    assert live(APP, "configmap")["data"]["chart"] == "2.0.0"

    planted = "apiVersion: v1\n    kind: Namespace\n    metadata: {name: planted}"
    refused = pushed(f"chart: {{path: charts/sizes}}\nvalues:\n  extra: |\n    {planted}\n")
    assert refused["state"] != "deployed"
    assert "sizes/templates/all.yaml" in str(refused)

    arguments = ("rollback", "--app", APP, "--env", "staging", "--reason", "Too new", "--yes")
    done = deployctl(*arguments, holder="on-call")
    assert done.returncode == 0, done.stdout + done.stderr
    assert live(APP, "configmap")["data"]["chart"] == "1.0.0"
