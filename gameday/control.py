"""The Chaos Toolkit control that makes an experiment a Game Day: it opens the run before it and closes it after.

An exception of a control is swallowed unless it is InterruptExecution (source: chaostoolkit-lib, chaoslib/control).
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click
from chaoslib.exceptions import InterruptExecution

from gameday.errors import GamedayError
from gameday.experiment import load_plan
from gameday.session import Options, Session, open_session
from gameday.store.folder import write_atomically

JOURNAL = "journal.json"


@dataclass
class Stage:
    """What passes between the caller of an experiment, its control, and the caller again."""

    path: Path | None = None
    options: Options | None = None
    session: Session | None = None
    error: Exception | None = None


stage = Stage()
"""Chaos Toolkit runs one experiment a process, and its controls are modules."""


def before_experiment_control(context: dict[str, object], configuration: Mapping[str, object], **_: object) -> None:
    """Open the run: guard, run folder, watchers.

    Raises:
        InterruptExecution: The guard or the input says no; nothing was written to the cluster.
    """
    try:
        path = stage.path or _path_of_chaos_run()
        options = stage.options or _options_of_environment()
        plan = load_plan(path, context, configuration)
        stage.session = open_session(plan, options)
    except GamedayError as error:
        stage.error = error
        raise InterruptExecution(str(error)) from error
    except Exception as error:
        stage.error = error
        raise InterruptExecution(f"{type(error).__name__}: {error}") from error


def after_experiment_control(context: dict[str, object], state: dict[str, object], **_: object) -> None:
    """Close the run and leave its verdict and reports, whatever became of the experiment."""
    del context
    session = stage.session
    if session is None:
        return
    try:
        write_atomically(session.run.folder / JOURNAL, json.dumps(_redacted(state), indent=2, default=str) + "\n")
    finally:  # a disk that is full must not keep the PodChaos in the cluster
        session.close(*_outcome(state, session))
    if stage.options is None:  # stock `chaos run`: nobody else will
        from gameday.finish import finish

        finish(session.run.folder)


def _outcome(journal: Mapping[str, object], session: Session) -> tuple[str, str]:
    """How the experiment ended, in this project's words."""
    if session.run.live.stop_reason:
        return "failed", session.run.live.stop_reason
    if journal.get("status") == "completed":
        return "completed", "the steady state deviated afterwards" if journal.get("deviated") else ""
    if journal.get("status") == "failed":
        return "failed", "the steady state did not hold before the fault"
    return str(journal.get("status")), "it was stopped from outside"


def _path_of_chaos_run() -> Path:
    """The experiment's path as stock `chaos run` was given it."""
    context = click.get_current_context(silent=True)
    source = str(context.params.get("source", "")) if context is not None else ""
    return Path(source) if source and "://" not in source else Path.cwd() / "experiment.yaml"


def _options_of_environment() -> Options:
    """Options for those who cannot give any: `chaos run` has none of this project's."""
    return Options(
        context=os.environ.get("KUBERNETES_CONTEXT", ""),
        runs=Path(os.environ.get("GAMEDAY_RUNS", "runs")),
        approved_by=os.environ.get("GAMEDAY_APPROVED_BY", ""),
    )


def _redacted(journal: Mapping[str, object]) -> dict[str, object]:
    """The journal without secrets: outputs of providers may carry them (source: chaostoolkit-lib)."""
    experiment = journal.get("experiment")
    hidden = {"secrets", "headers", "env"}
    if not isinstance(experiment, Mapping):
        return dict(journal)
    return {**journal, "experiment": {key: value for key, value in experiment.items() if key not in hidden}}
