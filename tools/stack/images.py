"""Small but real images in the embedded registry: one layer with one file."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from typing import Any

import httpx

from pipelines.digests import content_digest
from pipelines.errors import RegistryUnavailable

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def push_image(registry: str, image: str) -> str:
    """Pushes `image` (`path:tag`) to `registry` (`host:port`, plain HTTP); returns its digest `sha256:…`.

    Raises `RegistryUnavailable`.
    """
    try:
        return _push(registry, image)
    except httpx.HTTPError as error:
        raise RegistryUnavailable(
            f"pushing {image} failed: {error}", "Check that the registry runs, and its log", where=registry
        ) from error


def _push(registry: str, image: str) -> str:
    repository, _, tag = image.rpartition(":")
    layer = _layer(image)
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"User": "10001"},
            "rootfs": {"type": "layers", "diff_ids": [content_digest(gzip.decompress(layer))]},
        }
    ).encode()
    base = f"http://{registry}/v2/{repository}"
    with httpx.Client(timeout=10) as client:
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": _push_blob(client, base, config, "application/vnd.oci.image.config.v1+json"),
            "layers": [_push_blob(client, base, layer, "application/vnd.oci.image.layer.v1.tar+gzip")],
        }
        content = json.dumps(manifest).encode()
        headers = {"Content-Type": _MANIFEST}
        client.put(f"{base}/manifests/{tag}", content=content, headers=headers).raise_for_status()
    return content_digest(content)


def _push_blob(client: httpx.Client, base: str, content: bytes, media_type: str) -> dict[str, Any]:
    digest = content_digest(content)
    started = client.post(f"{base}/blobs/uploads/").raise_for_status()
    location = httpx.URL(base).join(started.headers["Location"]).copy_merge_params({"digest": digest})
    client.put(location, content=content).raise_for_status()
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _layer(text: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("etc/image")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text.encode()))
    return gzip.compress(buffer.getvalue(), mtime=0)
