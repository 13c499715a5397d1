"""Experiments: what stock `chaos run` executes, plus one strict section."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gameday.errors import BadInputError
from gameday.experiment import Plan, foreign_steps, load_plan, read_experiment

type Edit = Callable[[Path, str, str], Path]

SECTION: dict[str, object] = {
    "spec": "spec.yaml",
    "load": "load.yaml",
    "podchaos": "podchaos.yaml",
    "baseline_s": 5,
    "settle_s": 5,
    "recovery_timeout_s": 60,
}


def test_the_task_api_experiment_is_read(experiment: Path) -> None:
    """Its section is the plan's settings."""
    document = read_experiment(experiment)
    assert isinstance(document.data, dict)
    assert document.data["configuration"]["gameday"] == SECTION


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- 1\n", "has no `configuration.gameday` section"),
        ("title: x\n", "has no `configuration.gameday` section"),
        ("configuration: []\n", "has no `configuration.gameday` section"),
        ("configuration: {gameday: spec.yaml}\n", "has no `configuration.gameday` section"),
        ("configuration: {gameday: {}}\n", "no control of the python module gameday.control"),
        ("configuration: {gameday: {}}\ncontrols: gameday.control\n", ":2: no control of the python module"),
        (
            "configuration: {gameday: {}}\ncontrols:\n- name: x\n  provider: {type: python, module: other}\n",
            ":3: no control of the python module gameday.control",
        ),
    ],
)
def test_an_experiment_that_would_run_past_the_guard_is_refused(
    yaml_file: Callable[[str], Path], text: str, words: str
) -> None:
    """Without the section there is no plan, and without the control nobody asks the guard before the method runs."""
    with pytest.raises(BadInputError, match=words):
        read_experiment(yaml_file(text))


def plan_of(experiment: Path, section: object = None, **configuration: object) -> Plan:
    """The plan of the experiment's file with another section and configuration."""
    content = read_experiment(experiment).data
    assert isinstance(content, dict)
    return load_plan(experiment, content, {"gameday": SECTION if section is None else section, **configuration})


def test_a_plan_holds_everything_that_the_experiment_names(experiment: Path) -> None:
    """Paths are relative to the experiment's own folder."""
    plan = plan_of(experiment, service_url="http://127.0.0.1:1", prometheus_url="")
    assert plan.namespace == "staging"
    assert plan.title == "The Task API survives the loss of one pod"
    assert plan.chaos.metadata.name == "task-api-pod-kill"
    assert plan.settings.recovery_timeout_s == 60
    assert (plan.service_url, plan.prometheus_url) == ("http://127.0.0.1:1", "")
    assert plan.foreign == ()
    assert plan.files == {
        "experiment.yaml": experiment,
        "spec.yaml": experiment.parent / "spec.yaml",
        "load.yaml": experiment.parent / "load.yaml",
        "podchaos.yaml": experiment.parent / "podchaos.yaml",
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"baseline_s": 0}, "baseline_s: Input should be greater than 0"),
        ({"baseline_s": "5"}, "baseline_s: Input should be a valid number"),
        ({"settle_s": 3601}, "settle_s: Input should be less than or equal to 3600"),
        ({"settle_s": float("nan")}, "settle_s: "),
        ({"recovery_timeout_s": float("inf")}, "recovery_timeout_s: Input should be less"),
        ({"spec": ""}, "spec: String should have at least 1 character"),
        ({"spec": None}, "spec: Input should be a valid string"),
        ({"pause_s": 3}, "pause_s: Extra inputs are not permitted"),
        ({"spec": "gone.yaml"}, r"gone\.yaml: No such file"),
        ({"podchaos": "spec.yaml"}, "apiVersion: Field required"),
    ],
)
def test_a_wrong_setting_is_named(experiment: Path, change: dict[str, object], words: str) -> None:
    """With the experiment's path and without a line: the section came as data."""
    with pytest.raises(BadInputError, match=words):
        plan_of(experiment, {**SECTION, **change})


@pytest.mark.parametrize("section", [[], "spec.yaml", 5])
def test_a_section_that_is_no_mapping_is_refused(experiment: Path, section: object) -> None:
    """Chaos Toolkit substitutes configuration; whatever comes out of that is checked again."""
    with pytest.raises(BadInputError, match="the document: Input should be"):
        plan_of(experiment, section)


def test_a_podchaos_of_another_namespace_is_refused(experiment: Path, edit: Edit) -> None:
    """The file that kills and the file that allows it must agree."""
    edit(experiment.parent / "podchaos.yaml", "      - staging\n", "      - production\n")
    with pytest.raises(
        BadInputError, match="targets the namespace 'production'; expected the spec's staging namespace"
    ):
        plan_of(experiment)


def step(kind: str, module: str, provider: str = "python", **more: object) -> dict[str, object]:
    return {"name": "x", "type": kind, "provider": {"type": provider, "module": module, "func": "f"}, **more}


ALLOWED = step("probe", "probes.traffic")


@pytest.mark.parametrize(
    "experiment_part",
    [
        {"method": [step("action", "chaosk8s.pod.actions")]},
        {"method": [step("probe", "chaosk8s.pod.actions")]},
        {"method": [step("action", "probes.recovery")]},
        {"method": [step("action", "gameday.actions.evil")]},
        {"method": [step("action", "gameday.actions", "process")]},
        {"method": [step("probe", "probes.recovery", "http")]},
        {"method": [step("probe", "probesx.evil")]},
        {"method": [ALLOWED, {"ref": "elsewhere"}]},
        {"rollbacks": [step("action", "os")]},
        {"steady-state-hypothesis": {"probes": [step("probe", "subprocess")]}},
        {"steady-state-hypothesis": {"probes": [{**ALLOWED, "tolerance": step("probe", "subprocess")}]}},
        {"steady-state-hypothesis": {"probes": [{**ALLOWED, "tolerance": step("probe", "x", "process")}]}},
        {"controls": [{"name": "x", "provider": {"type": "python", "module": "evil.control"}}]},
        {"method": [{**ALLOWED, "controls": [{"name": "x", "provider": {"module": "evil.control"}}]}]},
        {"configuration": {"token": {"name": "x", "type": "probe", "provider": {"type": "process", "path": "sh"}}}},
    ],
)
def test_a_step_that_nobody_vouches_for_is_found(experiment_part: dict[str, object]) -> None:
    """Wherever Chaos Toolkit runs code: method, rollbacks, hypothesis, tolerances, controls, dynamic configuration."""
    (found,) = foreign_steps(experiment_part)
    assert found


def test_the_steps_that_are_known_are_not_foreign() -> None:
    """This project's actions and probes, and the probes of chaostoolkit-kubernetes, which read."""
    known = [
        step("action", "gameday.actions"),
        step("action", "loadgen.actions"),
        step("probe", "probes.recovery", tolerance=True),
        step("probe", "chaosk8s.deployment.probes", tolerance=[1, 2]),
        step("probe", "probes.traffic", tolerance={"type": "range", "range": [0, 1]}),
    ]
    control = {"name": "gameday", "provider": {"type": "python", "module": "gameday.control"}}
    configuration = {"gameday": {}, "url": {"type": "env", "key": "URL"}, "plain": "text"}
    assert foreign_steps({"method": known, "controls": [control], "configuration": configuration}) == []
