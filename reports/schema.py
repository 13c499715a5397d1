"""The JSON Schema of `verdict.json`, made from the records themselves."""

import json
from typing import TYPE_CHECKING

from pydantic.json_schema import GenerateJsonSchema

from gameday.verdict import Verdict

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import core_schema

_NOT_FINITE = ["Infinity", "-Infinity", "NaN"]
"""JSON has no such numbers: `ser_json_inf_nan="strings"` writes words, which pydantic's schema leaves out."""


class _Schema(GenerateJsonSchema):
    """Pydantic's schema, with numbers that may be words, and with the dialect named."""

    def float_schema(self, schema: "core_schema.FloatSchema") -> "JsonSchemaValue":
        return {"anyOf": [super().float_schema(schema), {"enum": _NOT_FINITE}]}


def verdict_schema() -> str:
    """The JSON Schema (draft 2020-12) of what `Verdict.model_dump_json()` writes, as indented JSON text."""
    schema = Verdict.model_json_schema(mode="serialization", schema_generator=_Schema)
    dialect = {"$schema": GenerateJsonSchema.schema_dialect}
    return json.dumps({**dialect, **schema}, indent=2, ensure_ascii=False) + "\n"
