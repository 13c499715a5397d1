"""The guard: each check refuses with what was seen, what was expected and what to do, and asks in order."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from gameday import guard
from gameday.errors import BadInputError, ClusterError, ExitCode, RefusedError
from gameday.experiment import Plan, load_plan, read_experiment
from gameday.spec import Freeze
from gameday.timeline import KubeObject


class FakeSight:
    """A stage on which everything is as it should be; it notes who looked at what."""

    def __init__(self, make: SimpleNamespace) -> None:
        self.asked: list[str] = []
        self.context = "gameday"
        self.found: dict[str, object] = {
            "namespace": {"metadata": {"name": "staging", "annotations": {guard.OPT_IN: "enabled"}}},
            "deployment": {
                "metadata": {"name": "task-api", "generation": 4},
                "spec": {"replicas": 3},
                "status": {"readyReplicas": 3, "updatedReplicas": 3, "replicas": 3, "observedGeneration": 4},
            },
            "own_pods": [make.pod("a"), make.pod("b"), make.pod("c")],
            "selected_pods": [make.pod("c"), make.pod("b"), make.pod("a")],
            "chaos_mesh_installed": True,
            "lease_holder": "",
            "dry_run": None,
            "denied": [],
            "health": "",
        }

    def _look(self, name: str) -> object:
        self.asked.append(name)
        found = self.found[name]
        if isinstance(found, Exception):
            raise found
        return found

    @property
    def service_url(self) -> str:
        self.asked.append("service_url")
        return "http://127.0.0.1:30080"

    def namespace(self) -> KubeObject | None:
        return self._look("namespace")  # type: ignore[return-value]

    def deployment(self) -> KubeObject | None:
        return self._look("deployment")  # type: ignore[return-value]

    def own_pods(self) -> Sequence[KubeObject]:
        return self._look("own_pods")  # type: ignore[return-value]

    def selected_pods(self) -> Sequence[KubeObject]:
        return self._look("selected_pods")  # type: ignore[return-value]

    def chaos_mesh_installed(self) -> bool:
        return bool(self._look("chaos_mesh_installed"))

    def lease_holder(self) -> str:
        return str(self._look("lease_holder"))

    def dry_run(self) -> None:
        self._look("dry_run")

    def denied(self) -> Sequence[str]:
        return self._look("denied")  # type: ignore[return-value]

    def health(self) -> str:
        return str(self._look("health"))


@pytest.fixture
def sight(make: SimpleNamespace) -> FakeSight:
    """A healthy stage."""
    return FakeSight(make)


@pytest.fixture
def plan(experiment: Path) -> Plan:
    """The Task API's plan."""
    content = read_experiment(experiment).data
    assert isinstance(content, dict)
    return load_plan(experiment, content, content["configuration"] | {"service_url": "", "prometheus_url": ""})


def with_freeze(plan: Plan, *freeze: Freeze) -> Plan:
    return replace(plan, spec=plan.spec.model_copy(update={"freeze": freeze}))


def refused(plan: Plan, sight: FakeSight) -> RefusedError:
    """Why the guard says no; all three parts of the message are there."""
    with pytest.raises(RefusedError) as no:
        guard.clear(plan, sight)
    error = no.value
    assert error.exit_code == ExitCode.REFUSED
    assert error.seen
    assert error.expected
    assert error.todo
    assert str(error) == f"refused by the guard ({error.check}): {error.seen}; expected {error.expected}. {error.todo}"
    return error


def test_a_healthy_stage_is_cleared(plan: Plan, sight: FakeSight) -> None:
    """Every check in its order, each with what it saw."""
    checks = guard.clear(plan, sight)
    assert [name for name, _ in checks] == [
        "known steps only",
        "context allowed",
        "namespace opted in",
        "chaos mesh installed",
        "blast radius",
        "no freeze",
        "nobody else",
        "permitted",
        "accepted",
        "steady state",
    ]
    saw = dict(checks)
    assert saw["context allowed"] == "context 'gameday' is on the list"
    assert saw["blast radius"] == "the selector matches a, b, c: the Ready pods of Deployment staging/task-api"
    assert saw["steady state"] == "3 of 3 replicas are Ready and http://127.0.0.1:30080 answers"


def test_a_step_of_others_is_refused_before_anything_is_looked_at(plan: Plan, sight: FakeSight) -> None:
    """The experiment could break things past the guard."""
    error = refused(replace(plan, foreign=("reboot (process )",)), sight)
    assert (error.check, error.seen) == ("experiment", "steps of others: reboot (process )")
    assert sight.asked == []


@pytest.mark.parametrize("context", ["production", "Gameday", "gameday ", "", "g\u0430meday"])
def test_a_wrong_context_is_not_even_looked_at(plan: Plan, sight: FakeSight, context: str) -> None:
    """Only names of the list, exactly; a cluster that was named by mistake gets no request at all."""
    sight.context = context
    error = refused(plan, sight)
    assert (error.check, error.seen) == ("context", f"context {context!r}")
    assert error.expected == "one of rehearsal, gameday, kind-gameday"
    assert sight.asked == []


def test_a_missing_namespace_is_bad_input(plan: Plan, sight: FakeSight) -> None:
    """There is nothing to check; and nothing further is asked."""
    sight.found["namespace"] = None
    with pytest.raises(BadInputError, match="no namespace 'staging' in context 'gameday'"):
        guard.clear(plan, sight)
    assert sight.asked == ["namespace"]


@pytest.mark.parametrize(
    "annotations", [{}, {guard.OPT_IN: "disabled"}, {guard.OPT_IN: "Enabled"}, {guard.OPT_IN: True}]
)
def test_a_namespace_that_did_not_opt_in_is_refused(
    plan: Plan, sight: FakeSight, annotations: dict[str, object]
) -> None:
    """Only the exact word counts; the message holds the command that opts in."""
    sight.found["namespace"] = {"metadata": {"name": "staging", "annotations": annotations}}
    error = refused(plan, sight)
    assert error.check == "opt-in"
    assert "kubectl annotate namespace staging chaos-mesh.org/inject=enabled" in error.todo
    assert sight.asked == ["namespace"]


@pytest.mark.parametrize("what", ["namespace", "deployment"])
@pytest.mark.parametrize("labels", [{"environment": "production"}, {"env": "Prod"}, {"environment": "PRODUCTION"}])
def test_production_is_refused_whatever_else_it_says(
    plan: Plan, sight: FakeSight, what: str, labels: dict[str, str]
) -> None:
    """A label of production beats the opt-in, of the namespace and of the workload."""
    thing = sight.found[what]
    assert isinstance(thing, dict)
    thing["metadata"]["labels"] = labels
    error = refused(plan, sight)
    assert error.check == "protected"
    assert next(iter(labels.values())) in error.seen


def test_a_cluster_without_chaos_mesh_is_bad_input(plan: Plan, sight: FakeSight) -> None:
    """The message says what to install."""
    sight.found["chaos_mesh_installed"] = False
    with pytest.raises(BadInputError, match=r"no PodChaos.*namespace 'chaos-mesh'.*Install Chaos Mesh"):
        guard.clear(plan, sight)


def test_a_missing_workload_is_bad_input(plan: Plan, sight: FakeSight) -> None:
    """Named with namespace and name."""
    sight.found["deployment"] = None
    with pytest.raises(BadInputError, match="no Deployment staging/task-api in context 'gameday'"):
        guard.clear(plan, sight)


def test_a_selector_that_matches_a_stranger_is_refused(plan: Plan, sight: FakeSight, make: SimpleNamespace) -> None:
    """It is named: it could have been the victim."""
    sight.found["selected_pods"] = [make.pod(name) for name in ("a", "b", "c", "stranger")]
    error = refused(plan, sight)
    assert error.check == "blast radius"
    assert "differ by stranger" in error.seen
    assert error.expected == "exactly the Ready pods a, b, c"


def test_a_selector_that_misses_a_pod_is_refused(plan: Plan, sight: FakeSight, make: SimpleNamespace) -> None:
    """Then it selects something else than the workload."""
    sight.found["selected_pods"] = [make.pod("a"), make.pod("b")]
    assert "differ by c" in refused(plan, sight).seen


def test_a_pod_of_the_same_name_is_not_the_same_pod(plan: Plan, sight: FakeSight, make: SimpleNamespace) -> None:
    """UIDs are compared, not names."""
    sight.found["selected_pods"] = [make.pod("a", uid="other"), make.pod("b"), make.pod("c")]
    assert "differ by a, a" in refused(plan, sight).seen


@pytest.mark.parametrize("state", [{"ready": False}, {"terminating": True}])
def test_a_pod_that_does_not_serve_is_refused(
    plan: Plan, sight: FakeSight, make: SimpleNamespace, state: dict[str, bool]
) -> None:
    """Chaos Mesh may pick it, and then nothing would be killed that served anybody."""
    pods = [make.pod("a", **state), make.pod("b"), make.pod("c")]
    sight.found |= {"own_pods": pods, "selected_pods": pods}
    assert "differ by a" in refused(plan, sight).seen


def test_no_pod_at_all_is_refused(plan: Plan, sight: FakeSight) -> None:
    """Nothing equals nothing, and is still not two."""
    sight.found |= {"own_pods": [], "selected_pods": []}
    assert refused(plan, sight).seen == "0 Ready pod(s) of Deployment staging/task-api"


def test_a_single_pod_is_refused(plan: Plan, sight: FakeSight, make: SimpleNamespace) -> None:
    """Its loss would be an outage for everybody."""
    sight.found |= {"own_pods": [make.pod("a")], "selected_pods": [make.pod("a")]}
    error = refused(plan, sight)
    assert (error.seen, error.expected) == (
        "1 Ready pod(s) of Deployment staging/task-api",
        "at least 2, so that one may fail",
    )


def test_another_run_is_refused(plan: Plan, sight: FakeSight) -> None:
    """It is named."""
    sight.found["lease_holder"] = "20251009T085320Z-pod-kill"
    error = refused(plan, sight)
    assert error.check == "one run at a time"
    assert "held by 20251009T085320Z-pod-kill" in error.seen


def test_a_missing_permission_is_refused(plan: Plan, sight: FakeSight) -> None:
    """Every one that is missing is named, and no dry run was tried."""
    sight.found["denied"] = ["create podchaos in staging", "delete podchaos in chaos-mesh"]
    error = refused(plan, sight)
    assert error.seen == "this account may not: create podchaos in staging; delete podchaos in chaos-mesh"
    assert "dry_run" not in sight.asked


def test_what_the_api_server_objects_to_comes_through(plan: Plan, sight: FakeSight) -> None:
    """In its own words."""
    sight.found["dry_run"] = ClusterError("POST /podchaos: 403 denied by webhook", "success", "See there.")
    with pytest.raises(ClusterError, match="denied by webhook"):
        guard.clear(plan, sight)
    assert "health" not in sight.asked


@pytest.mark.parametrize(
    "status",
    [
        {"readyReplicas": 2, "updatedReplicas": 3, "replicas": 3, "observedGeneration": 4},
        {"readyReplicas": 3, "updatedReplicas": 2, "replicas": 3, "observedGeneration": 4},
        {"readyReplicas": 3, "updatedReplicas": 3, "replicas": 4, "observedGeneration": 4},
        {"readyReplicas": 3, "updatedReplicas": 3, "replicas": 3, "observedGeneration": 3},
        {"readyReplicas": 3, "updatedReplicas": 3, "replicas": 3},
        {},
    ],
)
def test_a_workload_that_is_not_steady_is_refused(plan: Plan, sight: FakeSight, status: dict[str, int]) -> None:
    """A rollout, a missing replica, a status of an older generation: all no place to begin."""
    deployment = sight.found["deployment"]
    assert isinstance(deployment, dict)
    deployment["status"] = status
    error = refused(plan, sight)
    assert error.check == "steady state"
    assert "desired 3" in error.seen
    assert "health" not in sight.asked


def test_a_service_that_does_not_answer_is_refused(plan: Plan, sight: FakeSight) -> None:
    """With the URL and what came back."""
    sight.found["health"] = "status 503"
    assert refused(plan, sight).seen == "http://127.0.0.1:30080/health: status 503"


def test_every_check_comes_before_those_that_ask_for_more(plan: Plan, sight: FakeSight) -> None:
    """The order of the questions that reach the cluster."""
    guard.clear(plan, sight)
    first = {name: sight.asked.index(name) for name in sight.asked}
    order = [
        "namespace",
        "chaos_mesh_installed",
        "deployment",
        "own_pods",
        "lease_holder",
        "denied",
        "dry_run",
        "health",
    ]
    assert [first[name] for name in order] == sorted(first[name] for name in order)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


WEEKEND = Freeze(cron="0 18 * * 5", hours=62, reason="weekend", timezone="Europe/Berlin")
NIGHT = Freeze(cron="30 1 * * *", hours=1, reason="batch", timezone="Europe/Berlin")
RELEASE = Freeze(cron="0 0 24 12 *", hours=48, reason="holidays")


@pytest.mark.parametrize(
    ("freeze", "now", "until"),
    [
        # Friday 18:00 in Berlin is 16:00 UTC in summer; 62 hours later it is Monday 08:00
        (WEEKEND, "2026-07-03T15:59:59", None),
        (WEEKEND, "2026-07-03T16:00:00", "2026-07-06T06:00:00"),
        (WEEKEND, "2026-07-05T12:00:00", "2026-07-06T06:00:00"),
        (WEEKEND, "2026-07-06T05:59:59", "2026-07-06T06:00:00"),
        (WEEKEND, "2026-07-06T06:00:00", None),
        # and 17:00 UTC in winter
        (WEEKEND, "2026-01-02T16:30:00", None),
        (WEEKEND, "2026-01-02T17:00:00", "2026-01-05T07:00:00"),
        # Clocks go forward on 2026-03-29: 01:30 CET is 00:30 UTC; 45 minutes later it is 03:15 CEST, and still frozen
        (NIGHT, "2026-03-29T00:30:00", "2026-03-29T01:30:00"),
        (NIGHT, "2026-03-29T01:15:00", "2026-03-29T01:30:00"),
        (NIGHT, "2026-03-29T01:30:00", None),
        # They go back on 2026-10-25: 01:30 CEST is 23:30 UTC; an hour later it is 02:30 CEST, and over
        (NIGHT, "2026-10-24T23:30:00", "2026-10-25T00:30:00"),
        (NIGHT, "2026-10-25T00:29:59", "2026-10-25T00:30:00"),
        (NIGHT, "2026-10-25T00:45:00", None),
        (NIGHT, "2026-10-25T01:15:00", None),
        (RELEASE, "2026-12-24T00:00:00", "2026-12-26T00:00:00"),
        (RELEASE, "2026-12-25T23:59:59", "2026-12-26T00:00:00"),
        (RELEASE, "2026-12-26T00:00:00", None),
        (Freeze(cron="0 0 29 2 *", hours=1, reason="leap day"), "2026-07-01T00:00:00", None),
    ],
)
def test_a_freeze_is_open_from_its_time_for_its_hours(freeze: Freeze, now: str, until: str | None) -> None:
    """From the very second of the beginning to just before the end, in real hours, on days of every length."""
    end = guard.frozen_until(freeze, utc(now))
    assert (end.astimezone(UTC) if end else None) == (utc(until) if until else None)


def test_the_end_is_told_in_the_freeze_s_own_zone() -> None:
    """Whoever wrote the freeze reads its end."""
    end = guard.frozen_until(WEEKEND, utc("2026-07-05T12:00:00"))
    assert end is not None
    assert end.isoformat() == "2026-07-06T08:00:00+02:00"


def test_now_may_be_told_in_any_zone() -> None:
    """A moment is a moment."""
    now = datetime(2026, 7, 3, 12, 0, 0, tzinfo=ZoneInfo("America/New_York"))
    assert guard.frozen_until(WEEKEND, now) == utc("2026-07-06T06:00:00")
    assert guard.frozen_until(WEEKEND, now - timedelta(seconds=1)) is None


def test_an_open_freeze_refuses_with_its_reason_and_end(plan: Plan, sight: FakeSight) -> None:
    """The first open one of several."""
    frozen = with_freeze(plan, RELEASE, WEEKEND)
    with pytest.raises(RefusedError) as no:
        guard.no_freeze(frozen, sight, utc("2026-07-04T00:00:00"))
    assert no.value.seen == "a freeze until 2026-07-06T08:00:00+02:00: weekend"
    assert guard.no_freeze(frozen, sight, utc("2026-07-08T00:00:00")) == "none of 2 freeze windows is open"


def test_the_guard_asks_the_freeze_for_now(plan: Plan, sight: FakeSight) -> None:
    """A freeze that is always open refuses; the cluster was not asked for the Lease yet."""
    always = Freeze(cron="* * * * *", hours=2, reason="always")
    assert refused(with_freeze(plan, always), sight).check == "freeze"
    assert "lease_holder" not in sight.asked


@pytest.mark.parametrize(
    ("cron", "timezone"),
    [
        ("nonsense", "UTC"),
        ("0 0 * *", "UTC"),
        ("61 0 * * *", "UTC"),
        ("", "UTC"),
        ("0 0 * * *", "Mars/Olympus"),
        ("0 0 * * *", ""),
        ("0 0 * * *", "../../etc/passwd"),
        ("0 0 * * *", "America"),
        ("0 0 * * *", "x" * 300),
        ("0 0 * * *", "UTC\x00"),
    ],
)
def test_a_freeze_that_means_nothing_is_bad_input(cron: str, timezone: str) -> None:
    """Never silently taken for a time without a freeze."""
    with pytest.raises(BadInputError, match="a cron expression and an IANA time zone"):
        guard.frozen_until(Freeze(cron=cron, hours=1, reason="x", timezone=timezone), utc("2026-07-01T00:00:00"))
