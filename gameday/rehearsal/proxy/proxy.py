"""The Service proxy follows Services and EndpointSlices, a settable lag behind, like kube-proxy.

kube-proxy rewrites its rules up to minSyncPeriod (default 1 s) after a change; until then connections still
go to the dead pod's address and are refused or reset. Here every change takes effect exactly the lag after it
was seen: the worst case of kube-proxy, and the same in every run.
"""

import asyncio
import contextlib
from collections.abc import Iterator

from gameday.rehearsal.api.cluster import Cluster
from gameday.rehearsal.api.errors import ApiError
from gameday.rehearsal.api.resources import ENDPOINTSLICES, SERVICES
from gameday.rehearsal.api.store import DELETED, Change
from gameday.rehearsal.controllers.endpoints import SERVICE_LABEL
from gameday.rehearsal.objects import Key, Obj, key_of, labels_of, namespace_of
from gameday.rehearsal.proxy.balancer import Balancer
from gameday.rehearsal.proxy.faults import TRUTH, Fault, FaultSwitch
from gameday.rehearsal.proxy.ports import NODE_ADDRESS
from gameday.rehearsal.proxy.relay import Address


class ServiceProxy:
    """Serves every Service on its cluster IP and, for node ports, on 127.0.0.1."""

    def __init__(self, cluster: Cluster, lag_s: float) -> None:
        self._cluster, self._lag_s = cluster, lag_s
        self._ports: dict[Key, dict[str, Balancer]] = {}
        self._switches: dict[Key, FaultSwitch] = {}
        self._due: set[Key] = set()
        cluster.store.subscribe(SERVICES, self._service_changed)
        cluster.store.subscribe(ENDPOINTSLICES, self._slice_changed)

    def _service_changed(self, change: Change) -> None:
        key = key_of(change.obj)
        loop = asyncio.get_running_loop()
        loop.call_soon(self._sync, key)  # where a Service is served is not a matter of endpoints: no lag
        if change.kind != DELETED:
            loop.call_soon(self._switch(key).ask, Fault.of(change.obj), lambda: list(self._ports.get(key, {}).values()))

    def _switch(self, key: Key) -> FaultSwitch:
        def publish(truth: str) -> None:
            with contextlib.suppress(ApiError):  # the Service is gone: nobody asks any more
                self._cluster.modify(SERVICES, key, lambda obj: obj["metadata"]["annotations"].update({TRUTH: truth}))

        return self._switches.setdefault(key, FaultSwitch(publish))

    def _slice_changed(self, change: Change) -> None:
        key = (namespace_of(change.obj), labels_of(change.obj).get(SERVICE_LABEL, ""))
        if key in self._due:
            return
        self._due.add(key)
        asyncio.get_running_loop().call_later(self._lag_s, self._sync_endpoints, key)

    def _sync(self, key: Key) -> None:
        """Serve the ports that a Service has now."""
        service = self._cluster.store.get(SERVICES, key)
        wanted = dict(_addresses(service)) if service else {}
        ports = self._ports.setdefault(key, {})
        for name in [name for name, balancer in ports.items() if wanted.get(name) != balancer.addresses]:
            ports.pop(name).close()
        fresh = [name for name in wanted if name not in ports]
        for name in fresh:
            ports[name] = Balancer(wanted[name])
        if fresh:
            self._sync_endpoints(key)
        if service is None:
            self._ports.pop(key, None)
            self._switches.pop(key, None)

    def _sync_endpoints(self, key: Key) -> None:
        self._due.discard(key)
        for name, balancer in self._ports.get(key, {}).items():
            balancer.set_endpoints(self._endpoints(key, name))

    def _endpoints(self, key: Key, port_name: str) -> list[Address]:
        """Return the ready endpoints or, without any, those that serve while terminating (KEP-1669)."""
        ready: list[Address] = []
        terminating: list[Address] = []
        for obj in self._cluster.store.all(ENDPOINTSLICES).values():
            if (namespace_of(obj), labels_of(obj).get(SERVICE_LABEL, "")) != key:
                continue
            numbers = [int(port["port"]) for port in obj.get("ports") or [] if (port.get("name") or "") == port_name]
            for endpoint in obj.get("endpoints") or []:
                conditions = endpoint.get("conditions") or {}
                targets = [(str(ip), number) for ip in endpoint["addresses"] for number in numbers]
                if conditions.get("ready", True):
                    ready += targets
                elif conditions.get("serving") and conditions.get("terminating"):
                    terminating += targets
        return ready or terminating

    def reset_connections(self, pod_ip: str) -> None:
        """Reset every connection to a pod that is being killed."""
        for balancer in (balancer for ports in self._ports.values() for balancer in ports.values()):
            balancer.reset_endpoint(pod_ip)


def _addresses(service: Obj) -> Iterator[tuple[str, list[Address]]]:
    cluster_ip = service["spec"].get("clusterIP")
    for port in service["spec"].get("ports") or []:
        if port.get("protocol", "TCP") != "TCP":
            continue
        found: list[Address] = []
        if cluster_ip and cluster_ip != "None":
            found.append((str(cluster_ip), int(port["port"])))
        if port.get("nodePort"):
            found.append((NODE_ADDRESS, int(port["nodePort"])))
        yield port.get("name") or "", found
