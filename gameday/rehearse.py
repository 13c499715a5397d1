"""The rehearsal: the embedded stage as a kubeconfig. Nothing else of the harness knows that it is no cluster."""

import importlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gameday.errors import BadInputError, ClusterError
from gameday.rehearsal.stage import Stage, StageError

if TYPE_CHECKING:
    from gameday.crew import Crew

HEAVY = ("chaosk8s.deployment.probes", "kubernetes.client.api.apps_v1_api", "chaoslib.run", "gameday.run")
"""Imports of a run that take a second: done while the stage's pods become Ready."""


@contextmanager
def rehearsal_stage(manifests: Path, say: Callable[[str], object], *, crew: bool = False) -> Iterator["Crew | None"]:
    """Start the stage with a folder of manifests and make it this process's cluster.

    Args:
        manifests: What to apply.
        say: Told, in words, what takes its time.
        crew: Whether to give back a crew that got ready meanwhile.

    Raises:
        BadInputError: There are no manifests, or the stage does not accept them.
    """
    if not manifests.is_dir():
        raise BadInputError(
            f"no folder {manifests}",
            "the manifests of the service, beside its experiment",
            "Check the experiment's path.",
        )
    say("Setting the rehearsal stage …")
    with tempfile.TemporaryDirectory(prefix="gameday-rehearsal-") as scratch, ExitStack() as entered:
        stage = Stage(Path(scratch), [manifests])
        entered.callback(stage.stop)
        stage.launch()  # first of all: everything below is imported while its pods become Ready
        os.environ["KUBECONFIG"] = str(stage.kubeconfig)  # libraries read it when they are imported
        ready = _crew(entered) if crew else None
        _import_heavy()
        try:
            stage.await_ready()
        except StageError as error:
            raise ClusterError(str(error), "a rehearsal stage that starts", "Correct the manifests.") from error
        yield ready


def _crew(entered: ExitStack) -> "Crew":
    from gameday.crew import Crew

    return entered.enter_context(Crew())


def _import_heavy() -> None:
    for module in HEAVY:
        importlib.import_module(module)
