"""The texts that `gateway.yaml` is made of: names, addresses, references, days, each with what to write instead."""

from __future__ import annotations

import re
from datetime import date
from ipaddress import ip_network
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints

from pipelines.apps import NAME_PATTERN, host_of
from pipelines.images import parse_image
from pipelines.other_proxies import is_allowable
from pipelines.versions import parse_range


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", text):
        raise ValueError("write an http:// or https:// address with a host")
    host_of(text)
    if parts.username or parts.password:
        raise ValueError("an address must not carry a user name or password")
    return text


def _issuer(text: str) -> str:
    parts = urlsplit(_url(text))
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise ValueError("write an https:// address: whoever can change its answers can let anybody in")
    if parts.query or parts.fragment:
        raise ValueError("write the issuer alone, without ? and #")
    return text


def _inside_repository(text: str) -> str:
    if text.startswith(("/", "-")) or "\\" in text or any(part in ("", ".", "..") for part in text.split("/")):
        raise ValueError("write a path inside the repository, such as deploy.yaml or deploy/checkout.yaml")
    return text


def _prefix(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?/([a-z0-9][a-z0-9._-]*/)*", text):
        raise ValueError("write host/ or host/path/, ending in a slash, so that host/path-other/ does not match it")
    return text


def _reference(text: str) -> str:
    if not re.fullmatch(r"env:[A-Za-z_][A-Za-z0-9_]*|file:\S.*", text):
        raise ValueError("write where the secret is, env:NAME or file:PATH, and not the secret")
    return text


def _cidr(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise ValueError("write the addresses as a network, such as 10.96.0.1/32") from None


def _some_people(group: str) -> str:
    if group in ("system:authenticated", "system:unauthenticated") or group.startswith("system:serviceaccounts"):
        raise ValueError("write a group of people: this one is everybody, or programs")
    return group


def _store_prefix(text: str) -> str:
    if not re.fullmatch(r"|([A-Za-z0-9._-]|/|{app}|{team})+/", text) or ".." in text:
        raise ValueError("write what paths begin with, ending in a slash, such as {team}/ or production/{app}/")
    return text


def _proxy_kind(text: str) -> str:
    if not is_allowable(text):
        raise ValueError("write GROUP/Kind of another proxy's, such as traefik.io/Middleware, and none of its routes")
    return text


def _pinned_image(text: str) -> str:
    image = parse_image(text)
    is_pinned = bool(image.digest) or (image.tag or "latest").lower() != "latest"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:/-]*(@sha256:[0-9a-f]{64})?", text) or not is_pinned:
        raise ValueError("write an image with a tag other than latest, or with a digest")
    return text


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError('write a day in quotes, such as "2027-06-30"') from None


def _repository(text: str) -> str:
    host, slash, path = text.partition("/")
    parts = r"[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
    is_host = re.fullmatch(r"localhost|[a-z0-9][a-z0-9.-]*(:[0-9]{1,5}|\.[a-z0-9-]+(:[0-9]{1,5})?)", host)
    if not is_host or not slash or not re.fullmatch(parts, path):
        raise ValueError("write host/path without a tag, such as registry.example.com/base/python")
    return text


def _public_key(text: str) -> str:
    if not text.startswith(("env:", "file:", "-----BEGIN PUBLIC KEY-----")):
        raise ValueError("write a public key (-----BEGIN PUBLIC KEY-----), or where it is, env:NAME or file:PATH")
    return text


def _versions(text: str) -> str:
    parse_range(text)
    return text


def _path_pattern(text: str) -> str:
    parts = text.removesuffix("/").split("/")
    if text.startswith("-") or "\\" in text or any(part in ("", ".", "..") for part in parts):
        raise ValueError("write a path inside the repository, such as services/checkout/ or libs/**/*.yaml")
    return text


LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
Name = Annotated[str, StringConstraints(pattern=f"^{NAME_PATTERN}$")]
RuleName = Annotated[str, StringConstraints(pattern=r"^((kube-score|schema)/)?[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
Url = Annotated[str, AfterValidator(_url)]
IssuerUrl = Annotated[str, AfterValidator(_issuer)]
Day = Annotated[str, AfterValidator(_day)]
Host = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$"),
    AfterValidator(str.lower),
]
SecretReference = Annotated[str, AfterValidator(_reference)]
Label = Annotated[str, StringConstraints(pattern=f"^{LABEL}$")]
CloudIdentity = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9:/_.@+=-]+$", max_length=300)]
CheckNumber = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$", max_length=32)]
StoreName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$")]
Chart = Annotated[str, StringConstraints(min_length=1, max_length=60)]
UserName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9:/_.@+=-]*$", max_length=300)]
GroupName = Annotated[UserName, AfterValidator(_some_people)]
Prefix = Annotated[str, AfterValidator(_prefix)]
ChartPrefix = Annotated[
    str, StringConstraints(pattern=r"^(oci://|https://|http://(127\.0\.0\.1|localhost)[:/])[A-Za-z0-9._:/-]*/$")
]
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]
Cidr = Annotated[str, AfterValidator(_cidr)]
PathInRepository = Annotated[str, AfterValidator(_inside_repository)]
PathPattern = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_path_pattern)]
RefPattern = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.*/+@-]{1,200}$")]
StorePrefix = Annotated[str, AfterValidator(_store_prefix)]
ProxyKind = Annotated[str, AfterValidator(_proxy_kind)]
PinnedImage = Annotated[str, AfterValidator(_pinned_image)]
Repository = Annotated[str, AfterValidator(_repository)]
PublicKey = Annotated[str, AfterValidator(_public_key)]
Versions = Annotated[str, AfterValidator(_versions)]
