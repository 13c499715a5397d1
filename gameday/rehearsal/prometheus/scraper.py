"""Scrapes every pod with a container port named `http` each second, as the test cluster's Prometheus does."""

import asyncio
import time
from dataclasses import dataclass

from gameday.rehearsal import http_client
from gameday.rehearsal.api.resources import PODS
from gameday.rehearsal.api.store import Store
from gameday.rehearsal.objects import Obj, name_of, namespace_of
from gameday.rehearsal.prometheus.exposition import parse
from gameday.rehearsal.prometheus.samples import RETENTION_S, Samples

INTERVAL_S = 1.0
_PORT_NAME = "http"


@dataclass(frozen=True, slots=True)
class Target:
    """One pod's metrics port."""

    namespace: str
    pod: str
    address: str
    port: int

    def labels(self) -> dict[str, str]:
        """Return the labels that every sample of the target gets."""
        instance = f"{self.address}:{self.port}"
        return {"job": "pods", "instance": instance, "namespace": self.namespace, "pod": self.pod}


def _port(pod: Obj) -> int | None:
    named = (port for container in pod["spec"]["containers"] for port in container.get("ports") or [])
    return next((int(port["containerPort"]) for port in named if port.get("name") == _PORT_NAME), None)


def targets(store: Store) -> set[Target]:
    """Return what there is to scrape."""
    found = set()
    for pod in store.all(PODS).values():
        port, address = _port(pod), pod.get("status", {}).get("podIP")
        if port and address and pod["status"].get("phase") == "Running":
            found.add(Target(namespace_of(pod), name_of(pod), str(address), port))
    return found


class Scraper:
    """Collects samples for as long as the stage runs."""

    def __init__(self, store: Store, samples: Samples) -> None:
        self._store, self._samples = store, samples
        self._known: set[Target] = set()

    async def run(self) -> None:
        """Scrape each interval."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            current = targets(self._store)
            now = time.time()
            for gone in self._known - current:
                self._samples.end(gone.labels(), now)
            self._known = current
            await asyncio.gather(*(self._scrape(target) for target in current))
            self._samples.forget_before(now - RETENTION_S)
            due = max(due + INTERVAL_S, loop.time())
            await asyncio.sleep(due - loop.time())

    async def _scrape(self, target: Target) -> None:
        labels = target.labels()
        when = round(time.time(), 3)  # Prometheus keeps milliseconds, and the time at which the scrape began
        try:
            answer = await http_client.get(target.address, target.port, "/metrics", timeout_s=INTERVAL_S)
        except (OSError, ValueError):
            answer = None
        up = answer is not None and answer.status == 200  # noqa: PLR2004 - HTTP's OK
        if answer is None or not up:
            self._samples.end(labels, when)  # a failed scrape ends the target's series, all but `up`
            self._samples.add({"__name__": "up", **labels}, (when, 0.0))
            return
        self._samples.add({"__name__": "up", **labels}, (when, 1.0))
        for found, value in parse(answer.body.decode()):
            self._samples.add({**found, **labels}, (when, value))
