"""The probes of one running container: the startup probe first, then readiness and liveness side by side."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from gameday.rehearsal.node.pod_status import ContainerState
from gameday.rehearsal.node.probes import Target, probe_forever


@dataclass(frozen=True, slots=True)
class Hooks:
    """What a prober tells its pod."""

    report: Callable[[], None]
    """The container's state has changed."""
    unhealthy: Callable[[str], None]
    """A probe has failed, once."""
    give_up: Callable[[str], None]
    """The startup or liveness probe (which one, in words) has failed for good: restart the container."""


class Prober:
    """Probes one container for as long as it runs."""

    def __init__(self, container: ContainerState, target: Target, started: float, hooks: Hooks) -> None:
        self._container, self._target, self._started, self._hooks = container, target, started, hooks
        self._startup_passed = asyncio.Event()

    async def run(self) -> None:
        """Probe until cancelled."""
        container, spec = self._container, self._container.spec
        container.started = not spec.get("startupProbe")
        container.ready = container.started and not spec.get("readinessProbe")
        self._hooks.report()
        if not container.started:
            await self._start_up()
            container.ready = not spec.get("readinessProbe")
            self._hooks.report()
        async with asyncio.TaskGroup() as group:
            for kind in ("Readiness", "Liveness"):
                if spec.get(f"{kind.lower()}Probe"):
                    group.create_task(self._probe(kind))

    async def _start_up(self) -> None:
        probing = asyncio.ensure_future(self._probe("Startup"))
        try:
            await self._startup_passed.wait()
        finally:
            probing.cancel()

    async def _probe(self, kind: str) -> None:
        decide = {"Readiness": self._readiness, "Liveness": self._liveness, "Startup": self._startup}[kind]

        def failed(message: str) -> None:
            self._hooks.unhealthy(f"{kind} probe failed: {message}")

        probe = self._container.spec[f"{kind.lower()}Probe"]
        await probe_forever(probe, self._target, self._started, decide, failed)

    def _readiness(self, passed: bool) -> None:  # noqa: FBT001 - a callback
        if passed != self._container.ready:
            self._container.ready = passed
            self._hooks.report()

    def _liveness(self, passed: bool) -> None:  # noqa: FBT001 - a callback
        if not passed:
            self._hooks.give_up("liveness")

    def _startup(self, passed: bool) -> None:  # noqa: FBT001 - a callback
        if passed:
            self._container.started = True
            self._startup_passed.set()
        else:
            self._hooks.give_up("startup")
