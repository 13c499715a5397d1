"""The rehearsal stage: a small Kubernetes in one process that runs pods as local processes.

It imports nothing of the harness: a kubeconfig is all that the harness gets. `stage.Stage` starts it from
Python, `python -m gameday.rehearsal --manifests DIR` from a shell. The rooms:

- `api/`: the Kubernetes API (storage, watch, admission, discovery, tables, access, request log)
- `controllers/`: Deployments, ReplicaSets, EndpointSlices, the scheduler, garbage collection, namespaces
- `node/`: the kubelet (processes, probes, addresses)
- `proxy/`: the Service proxy and its fault switches
- `prometheus/`: the scraper and the part of Prometheus's HTTP API that a client of raw samples needs
- `chaos_mesh`: Chaos Mesh's PodChaos controller, for any API server; `task_api`: the stand-in for the Task
  API's image
"""
