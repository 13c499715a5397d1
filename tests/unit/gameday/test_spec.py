"""The specification: strict, with every complaint's line."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import yaml

from gameday.errors import BadInputError
from gameday.spec import DIMENSIONS, Freeze, load_spec, spec_schema
from gameday.target import UNITS

type Edit = Callable[[Path, str, str], Path]


@pytest.fixture
def spec_file(experiment: Path) -> Path:
    """A copy of the Task API's specification."""
    return experiment.parent / "spec.yaml"


def complaint(path: Path) -> str:
    with pytest.raises(BadInputError) as refused:
        load_spec(path)
    return str(refused.value)


def test_the_task_api_demands_what_the_mission_demands(spec_file: Path) -> None:
    """Every objective with its measure and its target, literally."""
    spec = load_spec(spec_file)
    assert {key: (item.measure, item.target) for key, item in spec.objectives.items()} == {
        "SC-001": ("pods_without_cost_labels", "= 0 pods"),
        "SC-002": ("cost_of_team", "> 0 USD"),
        "SC-003": ("recommendation_age", "<= 24 h"),
        "SC-004": ("backup_age", "<= 24 h"),
        "SC-005": ("backup_retention", ">= 720 h"),
        "SC-006": ("hook_failures", "= 0 hooks"),
        "SC-007": ("restore_time", "<= 30 min"),
        "SC-008": ("pod_recovery", "< 30 s"),
        "SC-009": ("http_5xx", "= 0 requests"),
        "SC-010": ("p95_latency", "< 500 ms"),
        "SC-011": ("unanswered", "<= 0.1 %"),
    }
    assert spec.owner.cost_center == "engineering"
    assert spec.staging.minimum_ready == 2


def test_every_measure_has_a_dimension_that_some_unit_has() -> None:
    """No measure that nobody could write a target for."""
    assert set(DIMENSIONS.values()) <= {dimension for dimension, _ in UNITS.values()}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('target: "< 30 s"', 'target: "< 30"', "'< 30' is no target; write an operator, a number and a unit"),
        ('target: "< 30 s"', 'target: "< 30 sec"', "unknown unit 'sec'; the units are ms, s, min"),
        ('target: "< 30 s"', 'target: "< 30 %"', "pod_recovery is measured in s, and the target '< 30 %' is not"),
        ('target: "= 0 requests"', 'target: "= 0 %"', "http_5xx is measured in requests"),
        ('target: "< 30 s"', "target: 30", "Input should be a valid string (got 30)"),
        ("measure: pod_recovery", "measure: recovery", "Input should be 'pods_without_cost_labels'"),
        ("title: Pod-kill recovery", 'title: ""', "at least 1 character"),
        ("title: Pod-kill recovery, ", "", "title: Field required"),
        ("SC-008:", "SC-8:", "String should match pattern"),
        ("minimum_ready: 2", "minimum_ready: 1", "greater than or equal to 2"),
        ("minimum_ready: 2", "minimum_ready: '2'", "valid integer"),
        ("minimum_ready: 2", "minimum_reddy: 2", "minimum_reddy: Extra inputs are not permitted"),
        ("namespace: staging", "namespace: Staging", "must be a DNS label"),
        ("namespace: staging", "namespace: staging.svc", "must be a DNS label"),
        ("namespace: staging", "namespace: \u0455taging", "must be a DNS label"),
        ("contexts: [rehearsal, gameday, kind-gameday]", "contexts: []", "at least 1 item"),
        ("contexts: [rehearsal, gameday, kind-gameday]", "contexts: rehearsal", "valid"),
        ("health_path: /health", "health_path: health", "String should match pattern"),
        ("cost-center: engineering", "cost_center: engineering", "cost_center: Extra inputs"),
        ("version: gameday/spec/v1", "version: gameday/spec/v2", "Input should be 'gameday/spec/v1'"),
        ('update_mode: "Off"', "update_mode: Off", "Input should be 'Off' (got false)"),
        ("requests_metric: task_api_requests_total", "requests_metric: 'x{y=\"z\"}'", "match pattern"),
        ("hook_on_error: Fail", "hook_on_error: Ignore", "Input should be 'Fail' or 'Continue'"),
    ],
)
def test_a_wrong_field_is_named_with_its_line(spec_file: Path, edit: Edit, old: str, new: str, words: str) -> None:
    """What stands there, on which line, and what is allowed; nothing is converted."""
    line = spec_file.read_text().partition(old)[0].count("\n") + 1
    message = complaint(edit(spec_file, old, new))
    assert words in message
    assert f"{spec_file}:{line}: " in message


def test_a_specification_without_objectives_is_refused(spec_file: Path) -> None:
    """Judging nothing is nothing that anybody wants."""
    content = yaml.safe_load(spec_file.read_text())
    spec_file.write_text(json.dumps({**content, "objectives": {}}))
    assert "objectives: Dictionary should have at least 1 item" in complaint(spec_file)


def test_an_objective_that_stands_there_twice_is_refused(spec_file: Path) -> None:
    """The second would silently replace the first."""
    text = spec_file.read_text()
    line = next(line for line in text.splitlines() if "SC-009" in line)
    spec_file.write_text(text.replace(line, f"{line}\n{line}"))
    number = text.splitlines().index(line) + 2
    assert f"line {number}: the key 'SC-009' stands there twice" in complaint(spec_file)


@pytest.mark.parametrize("hours", [0, -1, 24 * 366 + 1])
def test_a_freeze_has_a_length(hours: float) -> None:
    """Of more than nothing and at most a year."""
    with pytest.raises(ValueError, match="hours"):
        Freeze(cron="0 0 * * *", hours=hours, reason="release")


def test_the_schema_accepts_the_task_api_and_refuses_what_pydantic_refuses(spec_file: Path) -> None:
    """The exported JSON Schema is valid itself and agrees about an unknown field."""
    schema = json.loads(spec_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    content = yaml.safe_load(spec_file.read_text())
    jsonschema.validate(content, schema)
    with pytest.raises(jsonschema.ValidationError, match="unexpected"):
        jsonschema.validate({**content, "unexpected": 1}, schema)
