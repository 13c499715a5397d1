"""The command line: parses and calls. What takes long to import is imported by the command that needs it."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gameday.errors import ExitCode, GamedayError

if TYPE_CHECKING:
    from rich.console import Console

    from gameday.crew import Crew
    from gameday.evaluate import Evaluation

app = typer.Typer(
    help="Chaos Game Days whose numbers are true.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help; rich takes as long to import as everything else here
)

EXPERIMENT = Path("experiments/task-api/pod-kill.yaml")

ExperimentArgument = Annotated[Path, typer.Argument(help="The Chaos Toolkit experiment.", show_default=True)]
RunArgument = Annotated[Path, typer.Argument(help="A run folder.")]
RunsOption = Annotated[Path, typer.Option("--runs", help="Where run folders go.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the verdict as JSON on standard output.")]
SpecOption = Annotated[Path | None, typer.Option("--spec", help="Judge by this specification, not the run's own.")]


@app.command()
def run(
    experiment: ExperimentArgument = EXPERIMENT,
    context: Annotated[str, typer.Option(help="The kubeconfig's context; its current one by default.")] = "",
    service_url: Annotated[str, typer.Option(help="Where users reach the service; its NodePort by default.")] = "",
    prometheus_url: Annotated[str, typer.Option(help="Prometheus for the cross-check.")] = "",
    runs: RunsOption = Path("runs"),
    approved_by: Annotated[str, typer.Option(help="Who approved this run; goes into the report.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Run a Game Day on the cluster that the kubeconfig names."""
    _run(Request(experiment, runs, context, service_url, prometheus_url, approved_by), as_json=as_json)


@app.command()
def rehearse(
    experiment: ExperimentArgument = EXPERIMENT,
    runs: RunsOption = Path("runs"),
    as_json: JsonOption = False,
) -> None:
    """Run a Game Day on the embedded stage: no cluster needed, real processes, real faults, real numbers."""
    from gameday.rehearse import rehearsal_stage

    with rehearsal_stage(experiment.parent / "manifests", _whisper if as_json else _say, crew=True) as crew:
        _run(Request(experiment, runs, crew=crew), as_json=as_json)


@app.command()
def judge(folder: RunArgument, spec: SpecOption = None, as_json: JsonOption = False) -> None:
    """Judge a run folder again, offline."""
    from gameday.finish import judge_folder

    _show(judge_folder(folder, spec), as_json=as_json, reports=False)


@app.command()
def report(folder: RunArgument, spec: SpecOption = None, as_json: JsonOption = False) -> None:
    """Judge a run folder again and write its reports anew, offline."""
    from gameday.finish import finish

    _show(finish(folder, spec), as_json=as_json, reports=True)


@app.command()
def calibrate(
    only: Annotated[list[str] | None, typer.Option(help="Only these, such as 'outage 1.5 s'.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Inject outages and stalls of known length on the rehearsal stage and show what the harness measures of them."""
    from gameday.calibrate import calibrate as run_calibration

    good = run_calibration(_console(as_json=as_json), only or [], as_json=as_json)
    raise typer.Exit(ExitCode.PASS if good else ExitCode.FAIL)


@app.command()
def schema(what: Annotated[Literal["spec", "verdict", "load"], typer.Argument(help="Which file.")]) -> None:
    """Print the JSON Schema of a file, for editors and for CI."""
    sys.stdout.write(_schemas()[what]())


def main() -> None:
    """Run the command line; every expected error becomes one message and an exit code."""
    try:
        app()
    except GamedayError as error:
        _complain(str(error))
        sys.exit(error.exit_code)


@dataclass(frozen=True)
class Request:
    """What somebody asks of a run."""

    experiment: Path
    runs: Path
    context: str = ""
    service_url: str = ""
    prometheus_url: str = ""
    approved_by: str = ""
    crew: "Crew | None" = None


def _run(asked: Request, *, as_json: bool) -> None:
    from gameday.run import run_game_day
    from gameday.screen import shown
    from gameday.session import Options

    options = Options(
        context=asked.context,
        runs=asked.runs,
        approved_by=asked.approved_by,
        preload=_preload,
        crew=asked.crew,
    )
    with shown(_console(as_json=as_json)):
        outcome = run_game_day(
            asked.experiment, options, service_url=asked.service_url, prometheus_url=asked.prometheus_url
        )
    _print(outcome.evaluation, as_json=as_json, reports=True)
    raise typer.Exit(outcome.exit_code)


def _preload() -> None:
    from gameday.finish import preload

    preload()


def _show(evaluation: "Evaluation", *, as_json: bool, reports: bool) -> None:
    from gameday.run import EXIT_CODES

    _print(evaluation, as_json=as_json, reports=reports)
    raise typer.Exit(EXIT_CODES[evaluation.verdict.status])


def _print(evaluation: "Evaluation", *, as_json: bool, reports: bool) -> None:
    if as_json:
        sys.stdout.write(evaluation.verdict.model_dump_json(indent=2) + "\n")
        return
    from rich.console import Console

    from gameday.screen import verdict_table, wide

    console = wide(Console())
    console.print(verdict_table(evaluation.verdict))
    console.print(f"\n{evaluation.verdict.headline}", style="bold", markup=False, highlight=False, soft_wrap=True)
    if reports:
        page = evaluation.run.folder / "report.html"
        console.print(f"Report: {page}", markup=False, highlight=False, soft_wrap=True)


def _console(*, as_json: bool) -> "Console":
    """Where progress goes: standard error, so that standard output is the answer alone."""
    from rich.console import Console

    return Console(stderr=True, quiet=as_json)


def _schemas() -> "dict[str, Callable[[], str]]":
    from gameday.spec import spec_schema
    from loadgen.profile import LoadProfile
    from reports.schema import verdict_schema

    return {
        "spec": spec_schema,
        "verdict": verdict_schema,
        "load": lambda: json.dumps(LoadProfile.model_json_schema(), indent=2) + "\n",
    }


def _say(text: str) -> None:
    """A line of progress, without the half second that a console takes to import."""
    sys.stderr.write(f"{text}\n")


def _whisper(text: str) -> None:
    """Nothing: standard output is for the answer, and whoever asked for JSON reads only that."""
    del text


def _complain(message: str) -> None:
    sys.stderr.write(f"gameday: {message}\n")
