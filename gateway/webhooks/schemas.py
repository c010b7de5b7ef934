"""The JSON that answers a webhook."""

from __future__ import annotations

from pydantic import BaseModel, Field

from configuration.webhooks import Forge
from gateway.schemas import _Output


class WebhookPath(BaseModel):
    """Which forge sends."""

    forge: Forge = Field(description="What kind of Git server sends.")


class AnnouncedRelease(_Output):
    """A Release that a webhook made."""

    id: str = Field(description="Its id.")
    app: str = Field(description="The App.")
    environment: str = Field(description="The Environment.")
    link: str = Field(description="Its path on this host.")


class DeliveryView(_Output):
    """What came of a webhook."""

    message: str = Field(description="What was done, or why nothing was.")
    releases: list[AnnouncedRelease] = Field(description="The Releases that this delivery made, now or before.")
