"""What the check zone reads images with, and what it then looks for, as gateway.yaml has it."""

from __future__ import annotations

from configuration.references import Reference
from configuration.settings import Settings
from pipelines.adapters.chart_downloads import ChartDownloads
from pipelines.adapters.cosign import CosignSignatures
from pipelines.adapters.image_store import ImageStore
from pipelines.adapters.public_keys import PublicKeys
from pipelines.adapters.registry import Registries
from pipelines.credentials import Credentials, ReadCredentials, parse_credentials
from pipelines.exemptions import Exemption
from pipelines.image_check import BaseImageCheck
from pipelines.ports import Check
from pipelines.signature_check import SignatureCheck
from pipelines.third_party.published import ChartRepository


def open_registries(settings: Settings) -> Registries:
    """The client of all registries, with credentials for those that have some. Raises `InvalidConfiguration`."""
    by_prefix = {one.prefix: one.credentials for one in settings.registries if one.credentials}
    return Registries(
        plain_http_hosts=[one.prefix.split("/")[0] for one in settings.registries if one.plain_http],
        credentials={name: reader(one) for name, one in {**by_prefix, **settings.base_credentials}.items()},
    )


def open_charts(settings: Settings) -> ChartDownloads:
    """The client of all chart repositories, with credentials for those that have some. Raises as above."""
    repositories = [
        ChartRepository(one.prefix, one.plain_http, reader(one.credentials) if one.credentials else None)
        for one in settings.chart_repositories
    ]
    return ChartDownloads(settings.work_dir / "charts", repositories)


def image_checks(settings: Settings, registries: Registries) -> tuple[Check, ...]:
    """What looks into images, for what the platform says; nothing, where it says nothing. Raises as above."""
    prefixes = tuple(one.prefix for one in settings.registries)
    checks: list[Check] = []
    if settings.base_images is not None:
        store = ImageStore(registries, settings.work_dir / "images")
        checks.append(BaseImageCheck(settings.base_images, prefixes, store, registries))
    if settings.signed is not None:
        keys = PublicKeys((one.read(), one.where) for one in settings.public_keys)
        checks.append(SignatureCheck(settings.signed, prefixes, keys, CosignSignatures(registries), registries))
    return tuple(checks)


def image_exemptions(settings: Settings) -> tuple[Exemption, ...]:
    """Which images those checks leave out."""
    bases, signed = settings.base_images, settings.signed
    found = [Exemption("base_images.exempt", "base", bases.exempt)] if bases is not None else []
    found += [Exemption("signatures.exempt", "signature", signed.exempt)] if signed is not None else []
    return tuple(found)


def reader(reference: Reference) -> ReadCredentials:
    """Reads what `reference` leads to; once at once, so that one that leads nowhere stops the start."""

    def read() -> Credentials:
        return parse_credentials(reference.read())

    read()
    return read
