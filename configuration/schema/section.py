"""What every part of `gateway.yaml` has in common: it is closed, so that a misspelt key is an error."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """One mapping of the file. No key but its own, no value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
