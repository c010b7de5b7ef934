"""Images for tests, in a real registry: manifests, configs and indexes; their layers are named and not there."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

OCI = "application/vnd.oci.image."
MANIFEST, INDEX = f"{OCI}manifest.v1+json", f"{OCI}index.v1+json"

# One for all: each new one reads the certificates of all authorities.
_client = httpx.Client(timeout=60, trust_env=False)

Answer = Callable[[BaseHTTPRequestHandler], tuple[int, dict[str, str], bytes]]


def sha256(content: bytes | str) -> str:
    """`sha256:…` of it."""
    return "sha256:" + hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def layers(*names: str) -> list[str]:
    """A layer for each name: its unpacked sha256."""
    return [sha256(name) for name in names]


def config(*names: str, platform: str = "linux/amd64", labels: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The config of an image with those layers."""
    system, architecture, *variant = platform.split("/")
    return {
        "os": system,
        "architecture": architecture,
        **({"variant": variant[0]} if variant else {}),
        "config": {"Labels": dict(labels or {})},
        "rootfs": {"type": "layers", "diff_ids": layers(*names)},
    }


def manifest(content: bytes, count: int, media_type: str = MANIFEST) -> dict[str, Any]:
    """The manifest of an image with the config `content`, and `count` layers."""
    return {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": {"mediaType": f"{OCI}config.v1+json", "digest": sha256(content), "size": len(content)},
        "layers": [
            {"mediaType": f"{OCI}layer.v1.tar+zstd", "digest": sha256(f"packed {n}"), "size": 1} for n in range(count)
        ],
    }


def put_blob(registry: str, repository: str, content: bytes) -> str:
    """Uploads a blob; its digest."""
    base = f"http://{registry}/v2/{repository}/blobs/uploads/"
    started = _client.post(base).raise_for_status()
    place = httpx.URL(base).join(started.headers["Location"]).copy_merge_params({"digest": sha256(content)})
    _client.put(place, content=content).raise_for_status()
    return sha256(content)


def put_manifest(registry: str, image: str, document: Mapping[str, Any]) -> str:
    """Uploads a manifest or index as `path:tag`; its digest."""
    repository, _, tag = image.rpartition(":")
    content = json.dumps(document).encode()
    place = f"http://{registry}/v2/{repository}/manifests/{tag}"
    headers = {"Content-Type": str(document.get("mediaType", MANIFEST))}
    _client.put(place, content=content, headers=headers).raise_for_status()
    return sha256(content)


def push(
    registry: str, image: str, *names: str, platform: str = "linux/amd64", labels: Mapping[str, str] | None = None
) -> str:
    """Pushes an image (`path:tag`) with those layers; its digest."""
    content = json.dumps(config(*names, platform=platform, labels=labels)).encode()
    put_blob(registry, image.rpartition(":")[0], content)
    return put_manifest(registry, image, manifest(content, len(names)))


def push_index(registry: str, image: str, entries: Iterable[tuple[str, str]]) -> str:
    """Pushes an index (`path:tag`) of platforms and the digests of manifests that are there; its digest."""
    listed = []
    for platform, digest in entries:
        parts = dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))
        listed.append({"mediaType": MANIFEST, "digest": digest, "size": 1, "platform": parts})
    return put_manifest(registry, image, {"schemaVersion": 2, "mediaType": INDEX, "manifests": listed})


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """A registry on this machine that answers as `answer` says; its `host:port`."""

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            status, headers, body = answer(self)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = _any

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
