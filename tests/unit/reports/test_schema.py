"""The JSON Schema of verdict.json."""

import json
import math

import jsonschema
import pytest

from gameday.verdict import Verdict
from reports.schema import verdict_schema
from reports.view import RunView

Run = tuple[Verdict, RunView]


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    """A validator of the exported text."""
    schema = json.loads(verdict_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_it_names_its_dialect() -> None:
    """The text is a schema of draft 2020-12 and ends in a newline."""
    text = verdict_schema()
    assert json.loads(text)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert text.endswith("}\n")


@pytest.mark.parametrize("name", ["passed", "failed", "unknown"])
def test_it_accepts_what_is_written(
    request: pytest.FixtureRequest, validator: jsonschema.Draft202012Validator, name: str
) -> None:
    """Every kind of verdict is valid as it is written, the infinite P95 too."""
    verdict: Verdict = request.getfixturevalue(name)[0]
    validator.validate(json.loads(verdict.model_dump_json()))


def test_infinities_everywhere(passed: Run, validator: jsonschema.Draft202012Validator) -> None:
    """Infinity and NaN are words in the file, and the schema knows them wherever a number may stand."""
    window = passed[0].window.model_copy(update={"fault_s": math.nan, "end_s": math.inf, "watch_lag_s": -math.inf})
    written = json.loads(passed[0].model_copy(update={"window": window}).model_dump_json())
    assert written["window"]["end_s"] == "Infinity"
    validator.validate(written)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("status",), "GREAT"),
        (("window", "end_s"), "soon"),
        (("surprise",), 1),
        (("proof", "holds"), "maybe"),
    ],
)
def test_it_rejects_the_rest(
    passed: Run, validator: jsonschema.Draft202012Validator, path: tuple[str, ...], value: object
) -> None:
    """A wrong word, an unknown field or a wrong type is invalid."""
    written = json.loads(passed[0].model_dump_json())
    place = written
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    assert not validator.is_valid(written)
