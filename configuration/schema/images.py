"""`images`, `base_images`, `signatures` and `chart_repositories`: where what is run may come from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from configuration.schema.section import Section
from configuration.schema.texts import (
    ChartPrefix,
    Day,
    Digest,
    Name,
    PinnedImage,
    Prefix,
    PublicKey,
    Repository,
    SecretReference,
    Versions,
)
from pipelines.base_images import MOST_VERSIONS


class RegistryEntry(Section):
    """A registry that images may come from."""

    prefix: Prefix = Field(description="`host/` or `host/path/`, ending in `/`.")
    plain_http: bool = Field(default=False, description="Ask it over http. For registries on this machine only.")
    credentials: SecretReference | None = Field(
        default=None,
        description="`env:NAME` or `file:PATH`, read by check workers only: `USER:PASSWORD`, or a token alone.",
    )


class ChartRepositoryEntry(Section):
    """Where third-party charts may come from. Each address that is asked, also after redirects, has to be below one."""

    prefix: ChartPrefix = Field(description="`oci://host/path/` or `https://host/path/`, ending in `/`.")
    plain_http: bool = Field(default=False, description="Ask an oci:// one over http. For registries on this machine.")
    credentials: SecretReference | None = Field(
        default=None,
        description="`env:NAME` or `file:PATH`, read by check workers only: `USER:PASSWORD`, or a token alone.",
    )


class Images(Section):
    """Where container images may come from."""

    registries: list[RegistryEntry] = Field(default_factory=list, description="All allowed prefixes.")
    smoke: PinnedImage | None = Field(
        default=None,
        description="The platform's image with curl and sh, for smoke checks by HTTP: from one of `registries`, "
        "with a tag or digest.",
    )


class ApprovedBaseEntry(Section):
    """A base that images may be built on: `versions`, `digests`, or both."""

    name: Name = Field(description="What people call it.")
    repository: Repository = Field(description="Where it is: `host/path`.")
    versions: Versions | None = Field(
        default=None,
        max_length=100,
        description='Tags that are versions, and which: `">=3.12 <3.14"`, or `"3.13"` for all that begin so. '
        f"The {MOST_VERSIONS} highest are looked at.",
    )
    suffix: Annotated[str, StringConstraints(pattern=r"^[-_.+A-Za-z][-_.A-Za-z0-9]*$", max_length=60)] | None = Field(
        default=None, description="What those tags end in after the version, such as `-slim`; by default nothing."
    )
    digests: list[Digest] = Field(default_factory=list, description="Builds by digest, the newest last.")
    end_of_life: Day | None = Field(
        default=None,
        description="The day (`2028-10-31`) from which on what is built on it is refused; 30 days before, it is told.",
    )
    recommended: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = Field(
        default=None,
        description="The tag or digest to build on, one of the above; by default the highest version, or the last of "
        "`digests`.",
    )
    credentials: SecretReference | None = Field(
        default=None,
        description="For a repository below none of `images.registries`: `env:NAME` or `file:PATH`, read by check "
        "workers only.",
    )


class BaseImagesSection(Section):
    """What images may be built on. Where it stands, every image of every pod is held to it."""

    approved: list[ApprovedBaseEntry] = Field(min_length=1, description="All approved bases.")
    exempt: list[Prefix] = Field(
        default_factory=list,
        description="Prefixes (`host/path/`) of images that have a base of their own, such as those of a vendor.",
    )
    scratch: bool = Field(
        default=False,
        description="Whether images may be built on nothing (`FROM scratch`): those whose layers hold no shell, no "
        "package database and no os-release.",
    )
    platforms: list[Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+/[a-z0-9_]+(/v[0-9]+)?$")]] = Field(
        default_factory=list,
        description="What nodes are (`linux/amd64`, `linux/arm64`): each image has to be there for all of them.",
    )


class SignaturesSection(Section):
    """Who has to have signed images. Where it stands, every image of every pod is held to it."""

    public_keys: list[PublicKey] = Field(
        min_length=1,
        description="The keys of which any will do: cosign's, as PEM text, or `file:PATH` or `env:NAME`. Read by check "
        "workers.",
    )
    exempt: list[Prefix] = Field(
        default_factory=list, description="Prefixes (`host/path/`) of images that need no signature."
    )
    signed_as: list[Prefix] = Field(
        default_factory=list,
        description="Prefixes that images may have been signed below before they were copied to where they are.",
    )
