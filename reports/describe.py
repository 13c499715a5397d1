"""The timeline in words: for those who do not see the figure, and for pages without pictures."""

from typing import TYPE_CHECKING

import numpy as np

from reports import dots, frames, words
from reports.dots import Kind
from reports.view import has_fault, zero_s

if TYPE_CHECKING:
    from gameday.verdict import Verdict
    from reports.view import RunView

_MOST_STEPS = 20


def description(view: "RunView", verdict: "Verdict") -> str:
    """What the three plots show, in sentences made of this module's words and numbers only."""
    return " ".join([_latency(view), *_failures(view, verdict), _pods(view, verdict)])


def drawn(shown: int, total: int) -> str:
    """How many of the requests are dots of the plot, and which."""
    if shown == total:
        return ""
    return (
        f"{words.count(shown)} of {words.plural(total, 'request')} are drawn: every failure, the slowest "
        "answers and a random sample of the others."
    )


def _latency(view: "RunView") -> str:
    kind = dots.kinds(view.requests)
    answered = dots.latency_ms(view.requests)[kind == Kind.ANSWERED]
    if not len(answered):
        return "No request was answered well." if len(kind) else "No request was recorded."
    low, middle, high = np.quantile(answered, [0, 0.5, 1])
    return (
        f"{words.plural(len(answered), 'request')} answered in {words.ms(low)} to {words.ms(high)}, "
        f"half of them within {words.ms(middle)}."
    )


def _failures(view: "RunView", verdict: "Verdict") -> list[str]:
    if not len(view.requests):
        return []
    found = frames.errors(view, zero_s(verdict))
    origin = "after the fault" if has_fault(verdict) else "after the start"
    counts, first, last = (found[name].tolist() for name in ("count", "first_s", "last_s"))
    return [
        f"{what}: {words.count(count)}, from {words.offset(start)} to {words.offset(end)} {origin}."
        for what, count, start, end in zip(found["what"], counts, first, last, strict=True)
    ] or ["No request failed."]


def _pods(view: "RunView", verdict: "Verdict") -> str:
    if not view.ready_pods:
        return "No pod was watched."
    zero = zero_s(verdict)
    steps = [f"{pods} at {words.offset(at - zero)}" for at, pods in view.ready_pods[:_MOST_STEPS]]
    more = ["and more changes"] if len(view.ready_pods) > _MOST_STEPS else []
    desired = f" ({view.desired_pods} desired)" if view.desired_pods else ""
    return f"Ready pods{desired}: {', '.join([*steps, *more])}."
