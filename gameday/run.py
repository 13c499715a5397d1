"""One Game Day in this process: Chaos Toolkit executes the experiment, its control opens and closes the run."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gameday import control, yamlfile
from gameday.errors import BadInputError, ExitCode, GamedayError
from gameday.experiment import foreign_steps, read_experiment
from gameday.guard import foreign_refusal
from gameday.session import Options
from gameday.verdict import Status

if TYPE_CHECKING:
    from gameday.evaluate import Evaluation

EXIT_CODES = {Status.PASS: ExitCode.PASS, Status.FAIL: ExitCode.FAIL, Status.UNKNOWN: ExitCode.UNKNOWN}


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    evaluation: "Evaluation"
    interrupted: bool

    @property
    def exit_code(self) -> ExitCode:
        """What the caller's exit code should be."""
        return ExitCode.INTERRUPTED if self.interrupted else EXIT_CODES[self.evaluation.verdict.status]


def run_game_day(path: Path, options: Options, *, service_url: str = "", prometheus_url: str = "") -> Outcome:
    """Run an experiment to its verdict and reports. Must be called in the main thread (Chaos Toolkit handles signals).

    Raises:
        BadInputError: Something is wrong with the input or the environment.
        RefusedError: The guard says no.
        ClusterError: The cluster does not let itself be watched.
    """
    document = read_experiment(path)
    experiment = _checked(document)
    control.stage.path, control.stage.options = path, options
    journal = _execute(experiment, {"service_url": service_url, "prometheus_url": prometheus_url})
    if control.stage.error is not None:
        raise control.stage.error
    session = control.stage.session
    if session is None:
        raise BadInputError(
            f"{path} opened no run",
            "an experiment whose `controls` name the python module gameday.control",
            "Compare it with experiments/task-api/pod-kill.yaml.",
        )
    interrupted = journal.get("status") == "interrupted" and not session.run.live.stop_reason
    from gameday.finish import finish

    return Outcome(finish(session.run.folder), interrupted)


def _execute(experiment: dict[str, object], overrides: dict[str, str]) -> dict[str, object]:
    """Run it by Chaos Toolkit's own runner, in process.

    Rollbacks always: the default skips them when a probe raises or a signal comes (source: chaostoolkit-lib, run.py).
    """
    from chaoslib.run import Runner
    from chaoslib.types import Strategy

    logging.getLogger("chaostoolkit").addHandler(logging.NullHandler())
    logging.getLogger("chaostoolkit").propagate = False
    settings = {"runtime": {"rollbacks": {"strategy": "always"}}}
    given = {key: found for key, found in overrides.items() if found}
    with Runner(Strategy.DEFAULT) as runner:
        journal = runner.run(experiment, settings, experiment_vars=(given, {}))
    return dict(journal)


def _checked(document: yamlfile.Document) -> dict[str, object]:
    """The experiment, valid for Chaos Toolkit.

    Raises:
        BadInputError: It is not; in Chaos Toolkit's words.
    """
    from chaoslib.exceptions import ChaosException
    from chaoslib.experiment import ensure_experiment_is_valid

    experiment = document.data
    if not isinstance(experiment, dict):  # read_experiment has seen a mapping
        raise TypeError(type(experiment).__name__)
    if foreign := foreign_steps(experiment):  # asked here too: dynamic configuration runs before any control
        raise foreign_refusal(foreign)
    try:
        ensure_experiment_is_valid(experiment)
    except (ChaosException, GamedayError, KeyError, TypeError, ValueError) as error:
        raise BadInputError(
            f"{document.path}: {error or type(error).__name__}",
            "a valid Chaos Toolkit experiment",
            "See https://chaostoolkit.org/reference/api/experiment/",
        ) from error
    return experiment
