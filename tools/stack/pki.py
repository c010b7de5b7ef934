"""The control plane's certificate authority, its serving certificate, and the key that signs identities."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALID = datetime.timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Pki:
    """Paths of PEM files: CA certificate, serving certificate and key, service-account key.

    With `client_certificate` the API server shows a kubelet who it is.
    """

    authority: Path
    certificate: Path
    key: Path
    service_account_key: Path
    client_certificate: Path
    client_key: Path


def make_pki(folder: Path) -> Pki:
    """New keys below `folder`, which only this user may enter. Elliptic curves: no noticeable time."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority_key, serving_key, client_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "deploy-gateway embedded authority")])
    authority = (
        _builder(name, name, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    hosts = [
        x509.DNSName("localhost"),
        x509.DNSName("kubernetes.default.svc"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kube-apiserver")])
    serving = (
        _builder(subject, name, serving_key.public_key())
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    asking = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kube-apiserver-kubelet-client")])
    client = (
        _builder(asking, name, client_key.public_key())
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    files = ("ca.crt", "serving.crt", "serving.key", "service-accounts.key", "client.crt", "client.key")
    pki = Pki(*(folder / file for file in files))
    pki.authority.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    pki.certificate.write_bytes(serving.public_bytes(serialization.Encoding.PEM))
    pki.client_certificate.write_bytes(client.public_bytes(serialization.Encoding.PEM))
    _write_key(pki.key, serving_key)
    _write_key(pki.client_key, client_key)
    _write_key(pki.service_account_key, ec.generate_private_key(ec.SECP256R1()))
    return pki


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + _VALID)
    )


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
