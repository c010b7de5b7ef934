"""An identity provider of a CI system on a real socket: what it publishes, and the tokens that it signs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

AUDIENCE = "http://127.0.0.1:8080"


@cache
def rsa_key(name: str, bits: int = 2048) -> RSAPrivateKey:
    """A key by name, made once: making one takes longer than most tests."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


_EC_KEYS: dict[str, ec.EllipticCurvePrivateKey] = {}


def ec_key(name: str, curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    return _EC_KEYS.setdefault(name, ec.generate_private_key(curve or ec.SECP256R1()))


def jwk(kid: str, key: RSAPrivateKey | ec.EllipticCurvePrivateKey, **more: str) -> dict[str, Any]:
    if isinstance(key, RSAPrivateKey):
        public: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        public = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**public, "kid": kid, "use": "sig", **more}


class FakeProvider:
    """`answers` is what it says at each path: a status and an object, or bytes as they are."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[str] = []
        self.sent: list[tuple[str, dict[str, str]]] = []
        self.answers: dict[str, tuple[int, Any]] = {}
        self.publish(jwk("one", rsa_key("one")))
        self.answers["/.well-known/openid-configuration"] = (200, {"issuer": url, "jwks_uri": f"{url}/keys"})

    def publish(self, *keys: Mapping[str, Any]) -> None:
        self.answers["/keys"] = (200, {"keys": list(keys)})

    def claims(self, **more: Any) -> dict[str, Any]:
        """What GitHub says of a push to main of acme/shop; None takes a claim away."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "repo:acme/shop:ref:refs/heads/main",
            "iat": now,
            "nbf": now - 5,
            "exp": now + 300,
            "repository": "acme/shop",
            "ref": "refs/heads/main",
            "event_name": "push",
            "actor": "octocat",
        }
        return {key: value for key, value in {**claims, **more}.items() if value is not None}

    def token(
        self,
        *,
        key: Any = None,
        kid: str | None = "one",
        algorithm: str = "RS256",
        headers: Mapping[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        head = {**({"kid": kid} if kid is not None else {}), **(headers or {})}
        signing = rsa_key("one") if key is None else key
        return jwt.encode(self.claims(**claims), signing, algorithm=algorithm, headers=head)


@contextmanager
def identity_provider() -> Iterator[FakeProvider]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider.asked.append(self.path)
            status, answer = provider.answers.get(self.path, (404, {}))
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            if status in (301, 302):
                self.send_header("Location", f"{provider.url}/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
            provider.sent.append((self.headers.get("Authorization", ""), dict(parse_qsl(sent))))
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = FakeProvider(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
