"""What a Service gets on creation: cluster IPs, and node ports that are free on this machine."""

import contextlib
import random
import socket
from collections.abc import Iterator

from gameday.rehearsal.api.errors import invalid
from gameday.rehearsal.api.resources import SERVICES
from gameday.rehearsal.api.store import Store
from gameday.rehearsal.node.addresses import Addresses
from gameday.rehearsal.objects import Obj, key_of, name_of

NODE_ADDRESS = "127.0.0.1"
NODE_PORTS = range(30000, 32768)


def is_free(port: int) -> bool:
    """Say whether nobody has the node port: neither a process nor a rule of the kernel."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        if probe.connect_ex((NODE_ADDRESS, port)) == 0:
            return False
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            holder.bind((NODE_ADDRESS, port))
            holder.listen(1)
            return True
    return False


class ServiceAllocator:
    """Fills in addresses and node ports of Services."""

    def __init__(self, store: Store, addresses: Addresses) -> None:
        self._store, self._addresses = store, addresses

    def __call__(self, service: Obj, old: Obj | None) -> None:
        """Complete a Service that is created or changed."""
        spec = service["spec"]
        before = old["spec"] if old else {}
        if spec.get("type") != "ExternalName" and not spec.get("clusterIP"):
            spec["clusterIP"] = before.get("clusterIP") or self._addresses.service()
            spec["clusterIPs"] = [spec["clusterIP"]]
        if spec.get("type") not in ("NodePort", "LoadBalancer"):
            return
        kept = {port.get("name", ""): port.get("nodePort") for port in before.get("ports") or []}
        taken = set(self._node_ports(service))
        for at, port in enumerate(spec.get("ports") or []):
            wanted = port.get("nodePort") or kept.get(port.get("name", ""))
            port["nodePort"] = self._node_port(service, at, wanted, taken, known=wanted in kept.values())
            taken.add(port["nodePort"])

    def _node_ports(self, service: Obj) -> Iterator[int]:
        for key, other in self._store.all(SERVICES).items():
            if key != key_of(service):
                yield from (port["nodePort"] for port in other["spec"].get("ports") or [] if port.get("nodePort"))

    def _node_port(self, service: Obj, at: int, wanted: int | None, taken: set[int], *, known: bool) -> int:
        if wanted is None:
            return next(
                port for port in random.sample(NODE_PORTS, len(NODE_PORTS)) if port not in taken and is_free(port)
            )
        if not isinstance(wanted, int) or (not known and (wanted in taken or not is_free(wanted))):
            problem = f"Invalid value: {wanted}: provided port is already allocated, here or elsewhere"
            raise invalid(SERVICES, name_of(service), [(f"spec.ports[{at}].nodePort", problem)])
        return wanted
