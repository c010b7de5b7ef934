"""The texts and numbers that `deploy.yaml` is made of: each as narrow as what it becomes."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from pipelines.apps import NAME_PATTERN

# What YAML calls not printable (YAML 1.2.2, production 1), and the marks of byte order and of other line ends.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6, "G": 10**9}


def _no_template(text: str) -> str:
    if "{{" in text:
        raise ValueError("template actions and control characters are not accepted here: it is text")
    return _no_control(text)


def _no_control(text: str) -> str:
    if not is_text(text):
        raise ValueError("template actions and control characters are not accepted here: it is text")
    return text


def is_text(text: str) -> bool:
    """Whether nothing in it is a control character, or otherwise nothing that YAML could hold."""
    return _CONTROL.search(text) is None


def _inside_the_container(text: str) -> str:
    parts = text.split("/")[1:]
    if any(part in ("", ".", "..") for part in parts):
        raise ValueError("write an absolute path without . or .., such as /etc/checkout/app.conf")
    if parts[0] in ("proc", "sys", "dev") or text.startswith("/var/run/secrets"):
        raise ValueError("that path belongs to the container runtime; write one of your own")
    return text


def _outside_the_cluster(text: str) -> str:
    if text.endswith((".svc", ".cluster.local")):
        raise ValueError("that is a name inside the cluster; write {app: NAME} to call an App")
    return text


def _image_of_parts(text: str) -> str:
    if ".." in text or "//" in text:
        raise ValueError("an image has no .. and no empty parts; write registry.example.com/shop/checkout:1.4.2")
    return text


def _time_zone(text: str) -> str:
    if text == "Local" or ".." in text:
        raise ValueError("write a zone of the IANA database, such as Europe/Berlin or Etc/UTC")
    return text


def inside_repository(text: str) -> str:
    """`text` without a slash at its end; raises ValueError unless it is a path inside the repository."""
    if (
        text.startswith(("/", "-"))
        or "\\" in text
        or any(part.lower() in ("", ".", "..", ".git") for part in text.rstrip("/").split("/"))
    ):
        raise ValueError("write a path inside the repository, such as k8s/")
    return text.rstrip("/")


def bytes_of(quantity: str) -> int:
    """How many bytes `256Mi` or `1G` is."""
    match = re.fullmatch(r"([0-9]+)([A-Za-z]*)", quantity)
    if match is None:
        raise ValueError(f"{quantity!r} is no quantity of bytes")
    return int(match[1]) * _UNITS.get(match[2], 1)


def millicores_of(quantity: str) -> int:
    """How many thousandths of a processor `250m` or `1.5` is."""
    return int(quantity[:-1]) if quantity.endswith("m") else round(float(quantity) * 1000)


Name = Annotated[str, StringConstraints(pattern=f"^{NAME_PATTERN}$")]
ObjectName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$", max_length=253)]
"""The name of a ConfigMap, a Secret or a secret store that others made."""
DataKey = Annotated[str, StringConstraints(pattern=r"^[-._A-Za-z0-9]+$", max_length=253)]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$", max_length=80)]
HeaderValue = Annotated[str, StringConstraints(pattern=r"^[ -~]*$", max_length=200), AfterValidator(_no_template)]
MetricName = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]*$", max_length=120)]
Quantity = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*(m|k|M|G|Ki|Mi|Gi)?$", max_length=12)]
RepositoryPath = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(inside_repository)]
Host = Annotated[
    str,
    StringConstraints(
        pattern=r"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])?$", max_length=253
    ),
    AfterValidator(_outside_the_cluster),
]
HttpPath = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._~/%=&?-]*$", max_length=200)]
UrlPrefix = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._~/-]*$", max_length=200)]
Cpu = Annotated[str, StringConstraints(pattern=r"^([1-9][0-9]*m|[0-9]{1,3}(\.[0-9]{1,3})?)$", max_length=8)]
Memory = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*(Ki|Mi|Gi|k|M|G)?$", max_length=12)]
ScratchSize = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,4}(Mi|Gi)$")]
VolumeSize = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,4}(Mi|Gi|Ti)$")]
Port = Annotated[int, Field(ge=1, le=65535)]
OwnPort = Annotated[int, Field(ge=1024, le=65535)]
"""One that a process which isn't root may listen on."""
PortName = Annotated[str, StringConstraints(pattern=r"^[a-z]([-a-z0-9]{0,13}[a-z0-9])?$")]
Image = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]*$", max_length=500),
    AfterValidator(_image_of_parts),
]
Argument = Annotated[str, StringConstraints(max_length=4096), AfterValidator(_no_control)]
EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=120)]
EnvValue = Annotated[str, StringConstraints(max_length=8192), AfterValidator(_no_template)]
FileText = Annotated[str, StringConstraints(max_length=100_000), AfterValidator(_no_control)]
ContainerPath = Annotated[
    str,
    StringConstraints(pattern=r"^/[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$", max_length=200),
    AfterValidator(_inside_the_container),
]
TimeZone = Annotated[
    str, StringConstraints(pattern=r"^[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*){0,2}$"), AfterValidator(_time_zone)
]
_FIELD = r"(\*|[0-9A-Za-z]{1,3}(-[0-9A-Za-z]{1,3})?)(/[0-9]{1,2})?"
Schedule = Annotated[
    str, StringConstraints(pattern=rf"^({_FIELD}(,{_FIELD})*)( {_FIELD}(,{_FIELD})*){{4}}$", max_length=100)
]
Seconds = Annotated[int, Field(ge=1, le=86_400)]
