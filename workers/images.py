"""What the check zone reads images with, and what it then looks for, as gateway.yaml has it."""

from __future__ import annotations

from configuration.references import Reference
from configuration.settings import Settings
from pipelines.adapters.image_store import ImageStore
from pipelines.adapters.registry import Registries
from pipelines.credentials import Credentials, ReadCredentials, parse_credentials
from pipelines.image_check import BaseImageCheck
from pipelines.ports import Check


def open_registries(settings: Settings) -> Registries:
    """The client of all registries, with credentials for those that have some. Raises `InvalidConfiguration`."""
    by_prefix = {one.prefix: one.credentials for one in settings.registries if one.credentials}
    return Registries(
        plain_http_hosts=[one.prefix.split("/")[0] for one in settings.registries if one.plain_http],
        credentials={name: reader(one) for name, one in {**by_prefix, **settings.base_credentials}.items()},
    )


def image_checks(settings: Settings, registries: Registries) -> tuple[Check, ...]:
    """What looks into images; nothing, where the platform does not say what it looks for."""
    if settings.base_images is None:
        return ()
    prefixes = tuple(one.prefix for one in settings.registries)
    return (BaseImageCheck(settings.base_images, prefixes, ImageStore(registries, settings.work_dir / "images")),)


def reader(reference: Reference) -> ReadCredentials:
    """Reads what `reference` leads to; once at once, so that one that leads nowhere stops the start."""

    def read() -> Credentials:
        return parse_credentials(reference.read())

    read()
    return read
