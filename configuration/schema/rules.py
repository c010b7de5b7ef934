"""How one rule counts, in an Environment or for one App."""

from __future__ import annotations

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from configuration.schema.section import Section
from configuration.schema.texts import Day
from pipelines.findings import Mode

ENFORCE_FROM = "With `warn`: the first day, in UTC, on which it blocks, such as 2027-01-31."


class RuleSettingEntry(Section):
    """How one rule counts: also written as the mode alone."""

    mode: Mode = Field(strict=False, description="`enforce` blocks a Release, `warn` is shown only.")
    enforce_from: Day | None = Field(default=None, description=ENFORCE_FROM)

    @model_validator(mode="before")
    @classmethod
    def _of_mode_alone(cls, value: object) -> object:
        return {"mode": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Both forms, so that editors take the mode alone too."""
        written = dict(handler.resolve_ref_schema(handler(schema)))
        alone = {"type": "string", "enum": [one.value for one in Mode]}
        return {"description": written.pop("description"), "anyOf": [written, alone]}
