"""What became of a workload's pods, from watch events: one reducer for the live view and for the judge. Pure."""

from dataclasses import dataclass, field

from gameday import objects
from gameday.timeline import KubeObject, WatchEvent


@dataclass(frozen=True, slots=True)
class Seen:
    """Something that was seen at `t_ns` and happened after `since_ns`.

    `since_ns` is None for an event that arrived on a whole watch: it then happened within the watch's lag before
    `t_ns`.
    """

    t_ns: int
    since_ns: int | None = None


@dataclass(slots=True)
class PodFacts:
    """One pod, by UID."""

    uid: str
    name: str
    owner: str
    first: Seen
    last: KubeObject
    terminating: Seen | None = None
    gone: Seen | None = None

    @property
    def lost(self) -> Seen | None:
        """When it stopped to count: marked for deletion, or gone."""
        return self.terminating or self.gone


@dataclass(frozen=True, slots=True)
class Step:
    """From `seen` on, these pods (UIDs) were Ready and not terminating."""

    seen: Seen
    ready: frozenset[str]


@dataclass(slots=True)
class PodLedger:
    """Feed it the events of the pods' watch in order; read `pods` and `steps`."""

    pods: dict[str, PodFacts] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    @property
    def ready(self) -> frozenset[str]:
        """The UIDs that are Ready and not terminating now."""
        return self.steps[-1].ready if self.steps else frozenset()

    def apply(self, event: WatchEvent) -> None:
        """Take one event in."""
        if event.type == "LIST":
            self._relist(event)
        elif event.type in {"ADDED", "MODIFIED", "DELETED"}:
            self._change(Seen(event.t_ns), event.object, deleted=event.type == "DELETED")
        self._step(event)

    def _relist(self, event: WatchEvent) -> None:
        """Everything in the list exists; everything else is gone."""
        seen = Seen(event.t_ns, event.since_ns or event.t_ns)
        items = objects.children(event.object, "items")
        for item in items:
            self._change(seen, item, deleted=False)
        present = {objects.uid(item) for item in items}
        for facts in self.pods.values():
            if facts.uid not in present and facts.gone is None:
                facts.gone = seen

    def _change(self, seen: Seen, pod: KubeObject, *, deleted: bool) -> None:
        uid = objects.uid(pod)
        facts = self.pods.get(uid)
        if facts is None:
            facts = PodFacts(uid, objects.name(pod), objects.controller_uid(pod), seen, pod)
            self.pods[uid] = facts
        facts.last = pod
        if facts.terminating is None and objects.terminating(pod):
            facts.terminating = seen
        if deleted and facts.gone is None:
            facts.gone = seen

    def _step(self, event: WatchEvent) -> None:
        ready = frozenset(facts.uid for facts in self.pods.values() if facts.gone is None and objects.ready(facts.last))
        if not self.steps or ready != self.steps[-1].ready:
            since = (event.since_ns or event.t_ns) if event.type == "LIST" else None
            self.steps.append(Step(Seen(event.t_ns, since), ready))
