"""Where Prometheus is, said through the API: a kubeconfig is all that a client gets."""

from gameday.rehearsal.api.cluster import Cluster
from gameday.rehearsal.api.resources import ENDPOINTSLICES, SERVICES

NAMESPACE, NAME, PORT = "monitoring", "prometheus", 9090
_LABELS = {"app.kubernetes.io/name": "prometheus"}


def publish(cluster: Cluster, address: str) -> None:
    """Create the objects that lead to Prometheus; its node port is one that is free."""
    ports = [{"name": "http", "port": PORT, "targetPort": PORT, "protocol": "TCP"}]
    cluster.create(
        SERVICES,
        NAMESPACE,
        {"metadata": {"name": NAME, "labels": dict(_LABELS)}, "spec": {"type": "NodePort", "ports": ports}},
    )
    conditions = {"ready": True, "serving": True, "terminating": False}
    slice_labels = {**_LABELS, "kubernetes.io/service-name": NAME}
    cluster.create(
        ENDPOINTSLICES,
        NAMESPACE,
        {
            "metadata": {"name": f"{NAME}-stage", "labels": slice_labels},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address], "conditions": conditions}],
            "ports": [{"name": "http", "port": PORT, "protocol": "TCP"}],
        },
    )
