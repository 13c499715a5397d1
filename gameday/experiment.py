"""A Chaos Toolkit experiment as this project reads it: what stock `chaos run` executes, plus one strict section."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from gameday import objects, yamlfile
from gameday.errors import BadInputError
from gameday.podchaos import PodChaos, load_podchaos
from gameday.spec import Spec, Strict, load_spec

SECTION = "gameday"
"""The key of the experiment's `configuration` that holds this project's settings."""
CONTROL = "gameday.control"
"""The python module that opens and closes a run; without it the method would run past the guard."""


class Settings(Strict):
    """`configuration.gameday` of an experiment. Paths are relative to the experiment's own folder."""

    spec: str = Field(min_length=1)
    load: str = Field(min_length=1)
    podchaos: str = Field(min_length=1)
    baseline_s: float = Field(gt=0, le=3600)
    """How long traffic runs before the fault."""
    settle_s: float = Field(gt=0, le=3600)
    """How long traffic goes on after the recovery."""
    recovery_timeout_s: float = Field(gt=0, le=3600)
    """How long a recovery is waited for."""


@dataclass(frozen=True)
class Plan:
    """Everything that was decided before a run: parsed, checked, and not yet shown to any cluster."""

    path: Path
    title: str
    settings: Settings
    spec: Spec
    chaos: PodChaos
    files: dict[str, Path]
    """The inputs by the name under which the run folder keeps them."""
    foreign: tuple[str, ...] = ()
    """Steps that are not this project's: the guard refuses them."""
    service_url: str = ""
    prometheus_url: str = ""

    @property
    def namespace(self) -> str:
        """The namespace in which a pod will be killed."""
        return self.spec.staging.namespace


def read_experiment(path: Path) -> yamlfile.Document:
    """An experiment file, checked for the section that this project needs.

    Raises:
        BadInputError: It is no YAML mapping, has no `configuration.gameday`, or lacks the control that asks the guard.
    """
    document = yamlfile.load(path)
    data = document.data
    configuration = data.get("configuration") if isinstance(data, dict) else None
    if not isinstance(configuration, dict) or not isinstance(configuration.get(SECTION), dict):
        raise BadInputError(
            f"{path} has no `configuration.{SECTION}` section",
            "a Chaos Toolkit experiment that names its spec, load and PodChaos files",
            "Compare it with experiments/task-api/pod-kill.yaml.",
        )
    modules = [objects.text(control, "provider", "module") for control in objects.children(data, "controls")]
    if CONTROL not in modules:
        raise BadInputError(
            f"{document.where(('controls',))}: no control of the python module {CONTROL}",
            "the control that asks the guard before anything happens",
            "Compare it with experiments/task-api/pod-kill.yaml.",
        )
    return document


KNOWN_ACTIONS = ("gameday.actions", "loadgen.actions")
KNOWN_CONTROLS = (CONTROL,)


def foreign_steps(experiment: Mapping[str, object]) -> list[str]:
    """What an experiment would do that this project cannot vouch for, each as `name (provider)`.

    Actions are this project's own: any other could break things past the guard. Probes may come from this project and
    from chaostoolkit-kubernetes, which reads. Controls and dynamic configuration run code too.
    """
    steps = objects.children(experiment, "steady-state-hypothesis", "probes")
    steps += objects.children(experiment, "method") + objects.children(experiment, "rollbacks")
    controls = [item for parent in (experiment, *steps) for item in objects.children(parent, "controls")]
    dynamic = [
        item for item in objects.child(experiment, "configuration").values() if objects.text(item, "provider", "type")
    ]
    tolerances = [found for step in steps if "provider" in (found := objects.child(step, "tolerance"))]
    foreign = [step for step in (*steps, *tolerances) if not _is_known_step(step)]
    foreign += [control for control in controls if objects.text(control, "provider", "module") not in KNOWN_CONTROLS]
    foreign += [item for item in dynamic if isinstance(item, Mapping)]
    return [
        f"{objects.text(step, 'name')} ({objects.text(step, 'provider', 'type')} {_function(step)})" for step in foreign
    ]


def _is_known_step(step: Mapping[str, object]) -> bool:
    module = objects.text(step, "provider", "module")
    if objects.text(step, "provider", "type") != "python":
        return False
    if objects.text(step, "type") == "action":
        return module in KNOWN_ACTIONS
    return module.startswith("probes.") or (module.startswith("chaosk8s.") and module.endswith(".probes"))


def _function(step: Mapping[str, object]) -> str:
    return f"{objects.text(step, 'provider', 'module')}.{objects.text(step, 'provider', 'func')}".strip(".")


def load_plan(path: Path, experiment: Mapping[str, object], configuration: Mapping[str, object]) -> Plan:
    """Parse every file that an experiment names.

    Args:
        path: The experiment's file.
        experiment: Its content.
        configuration: Its configuration, environment and overrides resolved by Chaos Toolkit.

    Raises:
        BadInputError: One of them is wrong, or they contradict each other.
    """
    settings = yamlfile.Document(path, configuration.get(SECTION), {}, "").parse(Settings)
    folder = path.parent
    files = {
        "experiment.yaml": path,
        "spec.yaml": folder / settings.spec,
        "load.yaml": folder / settings.load,
        "podchaos.yaml": folder / settings.podchaos,
    }
    spec, chaos = load_spec(files["spec.yaml"]), load_podchaos(files["podchaos.yaml"])
    if chaos.target_namespace != spec.staging.namespace:
        raise BadInputError(
            f"{files['podchaos.yaml']} targets the namespace {chaos.target_namespace!r}",
            f"the spec's staging namespace {spec.staging.namespace!r}",
            "Make the two files agree.",
        )
    return Plan(
        path=path,
        title=objects.text(experiment, "title"),
        settings=settings,
        spec=spec,
        chaos=chaos,
        files=files,
        foreign=tuple(foreign_steps(experiment)),
        service_url=objects.text(configuration, "service_url"),
        prometheus_url=objects.text(configuration, "prometheus_url"),
    )
