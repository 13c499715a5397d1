"""The rehearsal: the embedded stage as a kubeconfig. Nothing else of the harness knows that it is no cluster."""

import importlib
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console

from gameday.crew import Crew
from gameday.errors import BadInputError, ClusterError
from gameday.rehearsal.stage import Stage, StageError

HEAVY = ("chaosk8s.deployment.probes", "kubernetes.client.api.apps_v1_api", "chaoslib.run", "gameday.run")
"""Imports of a run that take a second: done while the stage's pods become Ready."""


@contextmanager
def rehearsal_stage(manifests: Path, console: Console, *, crew: bool = False) -> Iterator[Crew | None]:
    """Start the stage with a folder of manifests and make it this process's cluster.

    Args:
        manifests: What to apply.
        console: Where to say so.
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
    console.print("Setting the rehearsal stage …", markup=False, highlight=False)
    loader = threading.Thread(target=_import_heavy, name="imports", daemon=True)
    with tempfile.TemporaryDirectory(prefix="gameday-rehearsal-") as scratch:
        stage = Stage(Path(scratch), [manifests])
        os.environ["KUBECONFIG"] = str(stage.kubeconfig)  # libraries read it when they are imported
        loader.start()
        with ExitStack() as entered:
            ready = entered.enter_context(Crew()) if crew else None
            try:
                entered.enter_context(stage)
            except StageError as error:
                raise ClusterError(str(error), "a rehearsal stage that starts", "Correct the manifests.") from error
            loader.join()
            yield ready


def _import_heavy() -> None:
    for module in HEAVY:
        importlib.import_module(module)
