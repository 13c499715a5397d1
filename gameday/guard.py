"""Whether this Game Day may happen, asked in order and before the first write.

Each check reads as little as it needs, so that a cluster that was named by mistake is not even looked at. A check
returns what it saw, in words, or raises.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from gameday import objects
from gameday.errors import BadInputError, RefusedError
from gameday.experiment import Plan
from gameday.spec import Freeze
from gameday.timeline import KubeObject

OPT_IN = "chaos-mesh.org/inject"
"""The namespace annotation by which a team agrees to chaos (Chaos Mesh asks for it only with enableFilterNamespace)."""

PROTECTED_LABELS = {"environment": ("production", "prod"), "env": ("production", "prod")}


class Sight(Protocol):
    """What the guard may look at; every method asks the cluster once and writes nothing."""

    context: str

    @property
    def service_url(self) -> str:
        """Where traffic will go."""

    def namespace(self) -> KubeObject | None:
        """The target namespace."""

    def deployment(self) -> KubeObject | None:
        """The target workload."""

    def own_pods(self) -> Sequence[KubeObject]:
        """Pods that the workload controls."""

    def selected_pods(self) -> Sequence[KubeObject]:
        """Pods that the PodChaos selector matches now."""

    def chaos_mesh_installed(self) -> bool:
        """Whether the API server knows PodChaos."""

    def lease_holder(self) -> str:
        """Who else is at it; empty when nobody is."""

    def dry_run(self) -> None:
        """Have the API server accept everything that the run will create, without keeping it.

        Raises:
            ClusterError: Its objection.
        """

    def denied(self) -> Sequence[str]:
        """What the run needs and this account may not do."""

    def health(self) -> str:
        """Why the service does not answer at its health path; empty when it does."""


type Check = Callable[[Plan, Sight], str]


def clear(plan: Plan, sight: Sight) -> list[tuple[str, str]]:
    """Every check in order: its name and what it saw.

    Raises:
        RefusedError: A check says no.
        BadInputError: There is nothing to check: no such workload, no Chaos Mesh.
    """
    return [(check.__name__.replace("_", " "), check(plan, sight)) for check in CHECKS]


def known_steps_only(plan: Plan, sight: Sight) -> str:
    """The experiment does nothing but what this project can vouch for."""
    del sight
    if not plan.foreign:
        return "every step of the experiment is known"
    raise foreign_refusal(plan.foreign)


def foreign_refusal(steps: Sequence[str]) -> RefusedError:
    """The refusal of an experiment that would do more than this project can vouch for."""
    return RefusedError(
        "experiment",
        f"steps of others: {', '.join(steps)}",
        "actions of gameday.actions and loadgen.actions, probes of probes and chaosk8s, the control gameday.control",
        "Remove the step: it could break something past the guard.",
    )


def context_allowed(plan: Plan, sight: Sight) -> str:
    """The kubeconfig's context is on the specification's list."""
    allowed = plan.spec.staging.contexts
    if sight.context in allowed:
        return f"context {sight.context!r} is on the list"
    raise RefusedError(
        "context",
        f"context {sight.context!r}",
        f"one of {', '.join(allowed)}",
        "Choose a staging context with --context, or add this one to `staging.contexts` if it is no production.",
    )


def namespace_opted_in(plan: Plan, sight: Sight) -> str:
    """The target namespace exists, is not protected, and asks for chaos."""
    namespace = sight.namespace()
    if namespace is None:
        raise BadInputError(
            f"no namespace {plan.namespace!r} in context {sight.context!r}",
            "the staging namespace",
            "Apply the manifests first, or correct `staging.namespace`.",
        )
    _refuse_protected("namespace", namespace)
    if objects.text(namespace, "metadata", "annotations", OPT_IN) == "enabled":
        return f"namespace {plan.namespace!r} carries {OPT_IN}: enabled"
    raise RefusedError(
        "opt-in",
        f"namespace {plan.namespace!r} without the annotation {OPT_IN}: enabled",
        "a namespace whose owners agreed to chaos",
        f"If they do: kubectl annotate namespace {plan.namespace} {OPT_IN}=enabled",
    )


def chaos_mesh_installed(plan: Plan, sight: Sight) -> str:
    """The API server knows PodChaos."""
    if sight.chaos_mesh_installed():
        return "PodChaos is installed"
    raise BadInputError(
        f"context {sight.context!r} has no PodChaos (chaos-mesh.org/v1alpha1)",
        f"Chaos Mesh in the cluster, its objects in namespace {plan.chaos.metadata.namespace!r}",
        "Install Chaos Mesh (its Helm chart is chaos-mesh/chaos-mesh).",
    )


def blast_radius(plan: Plan, sight: Sight) -> str:
    """The selector matches the workload's Ready pods, all of them, nothing else, and at least two."""
    workload = f"Deployment {plan.namespace}/{plan.spec.staging.deployment}"
    deployment = sight.deployment()
    if deployment is None:
        raise BadInputError(
            f"no {workload} in context {sight.context!r}",
            "the workload under test",
            "Apply its manifest first.",
        )
    _refuse_protected("workload", deployment)
    own = {objects.uid(pod): objects.name(pod) for pod in sight.own_pods() if objects.ready(pod)}
    selected = {objects.uid(pod): objects.name(pod) for pod in sight.selected_pods()}
    if own.keys() != selected.keys():
        strange = sorted({**own, **selected}[uid] for uid in own.keys() ^ selected.keys())
        raise RefusedError(
            "blast radius",
            f"the PodChaos selector and the Ready pods of {workload} differ by {', '.join(strange)}",
            f"exactly the Ready pods {', '.join(sorted(own.values())) or '(there are none)'}",
            "Correct `labelSelectors`, or wait until every pod is Ready.",
        )
    if len(own) < plan.spec.staging.minimum_ready:
        raise RefusedError(
            "blast radius",
            f"{len(own)} Ready pod(s) of {workload}",
            f"at least {plan.spec.staging.minimum_ready}, so that one may fail",
            "Scale the Deployment up first.",
        )
    return f"the selector matches {', '.join(sorted(own.values()))}: the Ready pods of {workload}"


def no_freeze(plan: Plan, sight: Sight, now: datetime | None = None) -> str:
    """No freeze window is open."""
    del sight
    now = now or datetime.now(UTC)
    for freeze in plan.spec.freeze:
        if (until := frozen_until(freeze, now)) is not None:
            raise RefusedError(
                "freeze",
                f"a freeze until {until.isoformat()}: {freeze.reason}",
                "a time in which chaos is allowed",
                "Wait for the end of the freeze.",
            )
    return f"none of {len(plan.spec.freeze)} freeze windows is open"


def nobody_else(plan: Plan, sight: Sight) -> str:
    """No other run holds the Lease."""
    current = sight.lease_holder()
    if not current:
        return "no other run"
    raise RefusedError(
        "one run at a time",
        f"the Lease of {plan.namespace}/{plan.spec.staging.deployment} is held by {current}",
        "no other Game Day on this workload",
        "Wait until it ends; the Lease of a dead run expires by itself.",
    )


def permitted(plan: Plan, sight: Sight) -> str:
    """This account may do all that the run will do, its own cleanup included."""
    del plan
    denied = sight.denied()
    if not denied:
        return "the account may do all that the run needs"
    raise RefusedError(
        "permissions",
        f"this account may not: {'; '.join(denied)}",
        "every permission that the run and its cleanup need",
        "Ask the cluster's administrators for them.",
    )


def accepted(plan: Plan, sight: Sight) -> str:
    """The API server accepts the PodChaos and the Lease as a dry run."""
    del plan
    sight.dry_run()
    return "the API server accepts the PodChaos and the Lease as a dry run"


def steady_state(plan: Plan, sight: Sight) -> str:
    """Every desired replica is Ready, of the newest generation, and the service answers."""
    deployment = sight.deployment()
    desired = objects.number(deployment, "spec", "replicas")
    seen = {
        name: objects.number(deployment, "status", name) for name in ("readyReplicas", "updatedReplicas", "replicas")
    }
    current = objects.number(deployment, "status", "observedGeneration")
    if set(seen.values()) != {desired} or current < objects.number(deployment, "metadata", "generation"):
        raise RefusedError(
            "steady state",
            f"Deployment {plan.spec.staging.deployment}: {seen}, desired {desired}",
            "every replica updated and Ready",
            "Wait for the rollout to end, or repair it: chaos on a broken service proves nothing.",
        )
    if trouble := sight.health():
        raise RefusedError(
            "steady state",
            f"{sight.service_url}{plan.spec.staging.health_path}: {trouble}",
            "an answer of 200",
            "Repair the service or the URL first: chaos on a broken service proves nothing.",
        )
    return f"{desired} of {desired} replicas are Ready and {sight.service_url} answers"


CHECKS: tuple[Check, ...] = (
    known_steps_only,
    context_allowed,
    namespace_opted_in,
    chaos_mesh_installed,
    blast_radius,
    no_freeze,
    nobody_else,
    permitted,
    accepted,
    steady_state,
)


def frozen_until(freeze: Freeze, now: datetime) -> datetime | None:
    """When an open freeze window ends; None when it is not open.

    Raises:
        BadInputError: The cron expression or the time zone does not exist.
    """
    now, length = now.astimezone(UTC), timedelta(hours=freeze.hours)
    try:
        zone = ZoneInfo(freeze.timezone)
        # Lengths in UTC: the same subtraction on a local time counts an hour too many or too few when clocks change.
        begun = next(CronSim(freeze.cron, (now - length).astimezone(zone))).astimezone(UTC)
    except StopIteration:
        return None
    except (CronSimError, ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInputError(
            f"freeze window {freeze.cron!r} in {freeze.timezone!r}: {error or type(error).__name__}",
            "a cron expression and an IANA time zone",
            "Correct `freeze` in the spec.",
        ) from error
    return (begun + length).astimezone(zone) if begun <= now else None


def _refuse_protected(what: str, thing: KubeObject) -> None:
    found = objects.labels(thing)
    for key, values in PROTECTED_LABELS.items():
        if found.get(key, "").lower() in values:
            raise RefusedError(
                "protected",
                f"the {what} {objects.name(thing)!r} is labelled {key}={found[key]}",
                "nothing of production",
                "Chaos is for staging only: choose the staging namespace and workload.",
            )
