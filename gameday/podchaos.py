"""The PodChaos document that a Game Day may apply: one pod-kill, one namespace, one explicit selector, nothing else.

Chaos Mesh accepts far more (source: Chaos Mesh v2.8, api/v1alpha1). What is refused here is refused because it can hit
something else than the one pod that was agreed: `pods` bypasses every other key, an empty `namespaces` can mean all of
them, and every update of a spec is rejected, so that nothing can be narrowed later.
"""

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from gameday import yamlfile
from gameday.spec import DnsLabel, Strict

GROUP, VERSION, PLURAL = "chaos-mesh.org", "v1alpha1", "podchaos"
_NAME = "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
LABEL_KEY, LABEL_VALUE = re.compile(f"([a-z0-9]([-a-z0-9.]{{0,251}}[a-z0-9])?/)?{_NAME}"), re.compile(_NAME)
"""What Kubernetes takes as a label (Labels and Selectors, syntax): anything else could be read as more than one."""


class Selector(Strict):
    """Which pods may be hit."""

    namespaces: tuple[DnsLabel, ...] = Field(min_length=1, max_length=1)
    label_selectors: dict[str, str] = Field(alias="labelSelectors", min_length=1)
    pod_phase_selectors: tuple[Literal["Running"], ...] = Field(default=(), alias="podPhaseSelectors", max_length=1)

    @field_validator("label_selectors")
    @classmethod
    def _labels_have_values(cls, labels: dict[str, str]) -> dict[str, str]:
        for key, value in labels.items():
            if not LABEL_KEY.fullmatch(key) or not LABEL_VALUE.fullmatch(value):
                raise ValueError(f"the label {key!r}: {value!r} must be plain, non-empty ASCII as Kubernetes takes it")
        return labels


class PodChaosSpec(Strict):
    """One pod-kill. `duration` is no field: a pod-kill is one-shot, and Chaos Mesh ignores it."""

    action: Literal["pod-kill"]
    mode: Literal["one"]
    selector: Selector
    grace_period: int = Field(default=0, alias="gracePeriod", ge=0, le=300)


class Metadata(Strict):
    """The names that a manifest may carry; the harness appends the run to `name`."""

    name: DnsLabel
    namespace: DnsLabel
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)


class PodChaos(Strict):
    """A PodChaos manifest, whole."""

    api_version: Literal["chaos-mesh.org/v1alpha1"] = Field(alias="apiVersion")
    kind: Literal["PodChaos"]
    metadata: Metadata
    spec: PodChaosSpec

    @model_validator(mode="after")
    def _own_namespace(self) -> "PodChaos":
        target = self.spec.selector.namespaces[0]
        if target.startswith("kube-") or target == self.metadata.namespace:
            raise ValueError(
                f"the target namespace {target!r} is protected: the cluster's or the chaos controller's own"
            )
        return self

    @property
    def target_namespace(self) -> str:
        """The one namespace in which a pod may be killed."""
        return self.spec.selector.namespaces[0]

    def manifest(self, name: str, labels: dict[str, str]) -> dict[str, object]:
        """The document to create under another name, with more labels."""
        document = self.model_dump(by_alias=True, mode="json")
        document["metadata"] |= {"name": name, "labels": {**self.metadata.labels, **labels}}
        return dict(document)


def load_podchaos(path: Path) -> PodChaos:
    """Read a PodChaos manifest.

    Raises:
        BadInputError: Names the line, what stands there and what is allowed.
    """
    return yamlfile.load(path).parse(PodChaos)
