"""The fault, as Chaos Toolkit actions."""

from chaoslib.exceptions import InterruptExecution

from gameday import active
from gameday.adapters import chaos_mesh
from gameday.errors import GamedayError

__all__ = ["kill_one_pod", "remove_podchaos"]

INJECTION_TIMEOUT_S = 15.0
"""Chaos Mesh acts within a second; a controller that takes longer is not working."""
REMOVAL_TIMEOUT_S = 15.0
BACKGROUND_TIMEOUT_S = 60.0
"""For imports to end; a machine that needs longer is of no use for timing."""


def kill_one_pod() -> dict[str, object]:
    """Create the run's PodChaos and wait until its record names the victim.

    An action that merely raises would let Chaos Toolkit go on with the method, so a failure interrupts the experiment.

    Returns:
        The PodChaos and the victims, as `namespace/name`.
    """
    run = active.current()
    chaos, namespace = run.plan.chaos, run.plan.chaos.metadata.namespace
    if run.live.stop_reason:
        raise _interrupted(run, run.live.stop_reason)
    if run.traffic is None or not run.traffic.running:
        raise _interrupted(run, "There is no traffic: without users there is nothing to measure.")
    run.live.enter("fault")
    if run.background is not None and run.background.ident is not None:
        run.background.join(BACKGROUND_TIMEOUT_S)
    run.journal.mark("fault.create", podchaos=f"{namespace}/{run.chaos_name}")
    try:
        chaos_mesh.create(run.cluster, chaos, run.chaos_name, run.name)
    except GamedayError as error:
        raise _interrupted(run, str(error)) from error
    run.journal.mark("fault.created")
    run.wait(
        lambda live: bool(chaos_mesh.victims(live.podchaos) or any(map(chaos_mesh.complaint, live.chaos_events))),
        INJECTION_TIMEOUT_S,
    )
    victims = chaos_mesh.victims(run.live.podchaos)
    if not victims:
        words = next(filter(None, map(chaos_mesh.complaint, run.live.chaos_events)), "")
        said = f"Chaos Mesh says: {words}" if words else f"Chaos Mesh named no victim within {INJECTION_TIMEOUT_S:g} s"
        raise _interrupted(run, run.live.stop_reason or said)
    run.journal.mark("fault.recorded", victims=victims)
    return {"podchaos": run.chaos_name, "victims": victims}


def remove_podchaos() -> bool:
    """Delete the run's PodChaos and wait for its finalizer; harmless when it is gone or never was."""
    run = active.current()
    namespace = run.plan.chaos.metadata.namespace
    run.journal.mark("fault.remove", podchaos=f"{namespace}/{run.chaos_name}")
    chaos_mesh.remove(run.cluster, namespace, run.chaos_name, REMOVAL_TIMEOUT_S)
    run.journal.mark("fault.removed")
    return True


def _interrupted(run: active.ActiveRun, reason: str) -> InterruptExecution:
    run.journal.mark("fault.failed", reason=reason)
    run.live.stop(reason)
    return InterruptExecution(reason)
