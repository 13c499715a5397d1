"""Chaos Mesh's part: acts on PodChaos (pod-kill) as chaos-mesh v2.8.3 does, on any API server.

`python -m gameday.rehearsal.chaos_mesh --kubeconfig PATH [--context C]` prints `ready` when it watches and
ends on SIGTERM, when its standard input (if a pipe) closes, or when its parent dies. What it does to a new
object:

1. finalizer `chaos-mesh/records` and four conditions, all False
2. the selected pods as records, `Not Injected`, desired phase Run
3. each pod deleted by name with `spec.gracePeriod`
4. the records `Injected`, Selected and AllInjected True; AllRecovered stays False until the object is deleted

No target: a Warning event Failed, Selected stays False, and no retry. pod-kill is one-shot: duration and
pause do nothing. Unlike Chaos Mesh it does not retry a delete that the API server refused; the record says
Failed.
"""

import argparse
import os
import random
import stat
import sys
import threading
import time
from pathlib import Path

from urllib3.exceptions import HTTPError

from gameday.rehearsal.chaos_calls import Calls
from gameday.rehearsal.chaos_selection import SelectionError, choose, field_query, label_query, matching
from gameday.rehearsal.kube_client import ApiError, KubeClient
from gameday.rehearsal.objects import (
    Obj,
    annotations_of,
    is_deleting,
    name_of,
    namespace_of,
    timestamp,
    uid_of,
)

FINALIZER = "chaos-mesh/records"
_INJECT = "chaos-mesh.org/inject"
_RETRY_S = 0.5
_GONE = (404, 409)


def _conditions(**true: bool) -> list[Obj]:
    kinds = ("Selected", "AllInjected", "AllRecovered", "Paused")
    return [{"type": kind, "status": "True" if true.get(kind) else "False"} for kind in kinds]


def _record(pod: Obj, phase: str, events: list[Obj], *, recovered: bool = False) -> Obj:
    applied = sum(1 for event in events if event["type"] == "Succeeded" and event["operation"] == "Apply")
    return {
        "id": f"{namespace_of(pod)}/{name_of(pod)}",
        "selectorKey": ".",
        "phase": phase,
        "injectedCount": applied,
        "recoveredCount": 1 if recovered else 0,
        **({"events": events} if events else {}),
    }


def _failure(message: str) -> Obj:
    return {"type": "Failed", "operation": "Apply", "timestamp": timestamp(), "message": message}


def _status(records: list[Obj], conditions: list[Obj], phase: str = "Run") -> Obj:
    experiment = {"desiredPhase": phase, **({"containerRecords": records} if records else {})}
    return {"status": {"conditions": conditions, "experiment": experiment}}


class PodChaosController:
    """Reconciles PodChaos objects, one after the other."""

    def __init__(self, calls: Calls, *, filter_namespace: bool = False) -> None:
        self._calls, self._filter_namespace = calls, filter_namespace
        self._dice = random.Random()  # noqa: S311 - picks victims, guards nothing
        self._handled: set[str] = set()

    def run(self) -> None:
        """List, say that we watch, and go on watching; a watch that ends or expires begins again."""
        announced = False
        while True:
            try:
                listed = self._calls.list_chaos()
                if not announced:
                    announced = True
                    print("ready", flush=True)
                for item in listed["items"]:
                    self._reconcile(item)
                self._watch(listed["metadata"]["resourceVersion"])
            except (ApiError, HTTPError, OSError) as error:
                print(f"{timestamp()} starting over: {error}", file=sys.stderr, flush=True)
                time.sleep(_RETRY_S)

    def _watch(self, version: str) -> None:
        while True:
            for event in self._calls.watch_chaos(version):
                if event["type"] == "ERROR":
                    return  # most likely 410 Gone: list again
                version = event["object"]["metadata"]["resourceVersion"]
                if event["type"] == "DELETED":
                    self._handled.discard(uid_of(event["object"]))
                elif event["type"] != "BOOKMARK":
                    self._reconcile(event["object"])

    def _reconcile(self, chaos: Obj) -> None:
        try:
            if is_deleting(chaos):
                self._recover(chaos)
            elif uid_of(chaos) not in self._handled:
                # Remembered here, for the watch still delivers versions from before our own writes.
                self._handled.add(uid_of(chaos))
                self._inject(chaos)
        except ApiError as error:
            if error.status not in _GONE:  # deleted or finished meanwhile
                print(f"{timestamp()} {name_of(chaos)}: {error}", file=sys.stderr, flush=True)

    def _inject(self, chaos: Obj) -> None:
        if (chaos.get("status", {}).get("experiment") or {}).get("containerRecords"):
            return  # injected before: a dumped object that still carries its status kills nothing
        finalizers = [*(chaos["metadata"].get("finalizers") or []), FINALIZER]
        first = {"metadata": {"finalizers": list(dict.fromkeys(finalizers))}, **_status([], _conditions())}
        self._calls.patch_chaos(chaos, first)
        try:
            pods = choose(self._select(chaos["spec"]["selector"]), chaos["spec"], self._dice)
        except SelectionError as error:
            self._calls.event(chaos, "FinalizerInited", "Finalizer has been inited")
            self._calls.event(chaos, "Failed", f"Failed to select targets: {error}", warning=True)
            return
        waiting = [_record(pod, "Not Injected", []) for pod in pods]
        self._calls.patch_chaos(chaos, _status(waiting, _conditions()))
        records = [self._kill(chaos, pod) for pod in pods]
        # In this order on a real cluster too: first the records, then the conditions that sum them up.
        self._calls.patch_chaos(chaos, _status(records, _conditions()))
        injected = all(record["phase"] == "Injected" for record in records)
        self._calls.patch_chaos(chaos, _status(records, _conditions(Selected=True, AllInjected=injected)))
        self._tell(chaos, records)

    def _kill(self, chaos: Obj, pod: Obj) -> Obj:
        action = chaos["spec"]["action"]
        try:
            if action != "pod-kill":
                return _record(pod, "Not Injected", [_failure(f"action {action} is not played here, only pod-kill")])
            self._calls.delete_pod(namespace_of(pod), name_of(pod), int(chaos["spec"].get("gracePeriod") or 0))
        except ApiError as error:
            return _record(pod, "Not Injected", [_failure(str(error))])
        return _record(pod, "Injected", [{"type": "Succeeded", "operation": "Apply", "timestamp": timestamp()}])

    def _tell(self, chaos: Obj, records: list[Obj]) -> None:
        """Write the Events, after the kill: they must not delay it."""
        self._calls.event(chaos, "FinalizerInited", "Finalizer has been inited")
        for what in ("finalizer", "desiredPhase", "records"):
            self._calls.event(chaos, "Updated", f"Successfully update {what} of resource")
        for record in records:
            if record["phase"] == "Injected":
                self._calls.event(chaos, "Applied", f"Successfully apply chaos for {record['id']}")
            else:
                why = record["events"][-1]["message"]
                self._calls.event(chaos, "Failed", f"Failed to apply chaos for {record['id']}: {why}", warning=True)

    def _recover(self, chaos: Obj) -> None:
        finalizers = chaos["metadata"].get("finalizers") or []
        if FINALIZER not in finalizers:
            return
        records = (chaos.get("status", {}).get("experiment") or {}).get("containerRecords") or []
        recovered = [
            {**record, "phase": "Not Injected", "recoveredCount": record["injectedCount"]} for record in records
        ]
        conditions = _conditions(Selected=bool(records), AllRecovered=True)
        kept = [other for other in finalizers if other != FINALIZER]
        self._calls.patch_chaos(chaos, {**_status(recovered, conditions, "Stop"), "metadata": {"finalizers": kept}})
        for record in recovered:
            self._calls.event(chaos, "Recovered", f"Successfully recover chaos for {record['id']}")
        self._calls.event(chaos, "Deleted", "Experiment has been deleted")

    def _select(self, selector: Obj) -> list[Obj]:
        named = selector.get("pods") or {}
        if named:  # bypasses every other key
            found = (self._calls.pod(namespace, name) for namespace, names in named.items() for name in names)
            return [pod for pod in found if pod is not None]
        namespaces = selector.get("namespaces") or [""]  # without the webhook, none means all of them
        labels, fields = label_query(selector), field_query(selector)
        pods = [pod for namespace in namespaces for pod in self._calls.pods(namespace, labels, fields)]
        return self._permitted(matching(pods, selector, self._nodes(selector)))

    def _nodes(self, selector: Obj) -> frozenset[str] | None:
        names, labels = selector.get("nodes") or [], selector.get("nodeSelectors") or {}
        if not names and not labels:
            return None
        labelled = self._calls.nodes(",".join(f"{key}={value}" for key, value in labels.items())) if labels else []
        return frozenset([*names, *labelled])

    def _permitted(self, pods: list[Obj]) -> list[Obj]:
        """Skip namespaces that did not opt in, silently; without enableFilterNamespace skip none."""
        if not self._filter_namespace:
            return pods
        namespaces = {namespace_of(pod) for pod in pods}
        willing = {name for name in namespaces if annotations_of(self._calls.namespace(name)).get(_INJECT) == "enabled"}
        return [pod for pod in pods if namespace_of(pod) in willing]


def _end_with_parent() -> None:
    """End this process when its standard input closes (if it is a pipe) or its parent is gone."""
    parent = os.getppid()

    def watch_stdin() -> None:
        while os.read(0, 4096):
            pass
        os._exit(0)

    def watch_parent() -> None:
        while os.getppid() == parent:
            time.sleep(_RETRY_S)
        os._exit(0)

    if stat.S_ISFIFO(os.fstat(0).st_mode):
        threading.Thread(target=watch_stdin, daemon=True).start()
    threading.Thread(target=watch_parent, daemon=True).start()


def main() -> None:
    """Run the controller."""
    parser = argparse.ArgumentParser(
        prog="python -m gameday.rehearsal.chaos_mesh", description="Plays Chaos Mesh: acts on PodChaos."
    )
    parser.add_argument("--kubeconfig", required=True, type=Path)
    parser.add_argument("--context")
    parser.add_argument("--filter-namespace", action="store_true", help="Chaos Mesh's enableFilterNamespace")
    parser.add_argument("--namespace", help="act only on PodChaos of this namespace")
    given = parser.parse_args()
    _end_with_parent()
    api = KubeClient(given.kubeconfig, given.context, "podchaos-stand-in")
    PodChaosController(Calls(api, given.namespace), filter_namespace=given.filter_namespace).run()


if __name__ == "__main__":
    main()
