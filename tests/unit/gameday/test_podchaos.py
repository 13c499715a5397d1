"""The PodChaos that may be applied: one pod-kill, one namespace, one explicit selector, nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gameday.errors import BadInputError
from gameday.podchaos import PodChaos, load_podchaos

type Edit = Callable[[Path, str, str], Path]
type Write = Callable[[str | bytes], Path]

NAMESPACES = "    namespaces:\n      - staging\n"
LABELS = "    labelSelectors:\n      app: task-api\n"


@pytest.fixture
def chaos_file(experiment: Path) -> Path:
    """A copy of the Task API's PodChaos."""
    return experiment.parent / "podchaos.yaml"


def complaint(path: Path) -> str:
    with pytest.raises(BadInputError) as refused:
        load_podchaos(path)
    return str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (LABELS, LABELS + "    pods: {staging: [a]}\n", "spec.selector.pods: Extra inputs"),
        (LABELS, LABELS + "    pods: {production: [a]}\n", "spec.selector.pods: Extra inputs"),
        (LABELS, LABELS + "    expressionSelectors: []\n", "expressionSelectors: Extra inputs"),
        (LABELS, LABELS + "    fieldSelectors: {metadata.name: a}\n", "fieldSelectors: Extra inputs"),
        (LABELS, LABELS + "    annotationSelectors: {a: b}\n", "annotationSelectors: Extra inputs"),
        (LABELS, LABELS + "    nodes: [a]\n", "nodes: Extra inputs"),
        (LABELS, LABELS + "    nodeSelectors: {a: b}\n", "nodeSelectors: Extra inputs"),
        (LABELS, LABELS + "    podPhaseSelectors: [Pending]\n", "podPhaseSelectors.0: Input should be 'Running'"),
        (LABELS, "    labelSelectors: {}\n", "labelSelectors: Dictionary should have at least 1 item"),
        (LABELS, "", "labelSelectors: Field required"),
        (LABELS, "    labelSelectors: {app: ''}\n", "must be plain, non-empty ASCII"),
        (LABELS, "    labelSelectors: {'': task-api}\n", "must be plain, non-empty ASCII"),
        (LABELS, "    labelSelectors: {app: t\u0430sk-api}\n", "must be plain, non-empty ASCII"),
        (LABELS, "    labelSelectors: {\u0430pp: task-api}\n", "must be plain, non-empty ASCII"),
        (LABELS, "    labelSelectors: {app: 'task-api,app!=x'}\n", "must be plain, non-empty ASCII"),
        (LABELS, "    labelSelectors: {'app in (task-api,other),x': y}\n", "must be plain, non-empty ASCII"),
        (LABELS, "    labelSelectors: {app: task-api\u00a0}\n", "must be plain, non-empty ASCII"),
        (LABELS, '    labelSelectors: {app: "task-api\\n"}\n', "must be plain, non-empty ASCII"),
        (LABELS, "    labelSelectors: {app: 1}\n", "labelSelectors.app: Input should be a valid string"),
        (NAMESPACES, "", "namespaces: Field required"),
        (NAMESPACES, "    namespaces: []\n", "namespaces: Tuple should have at least 1 item"),
        (NAMESPACES, "    namespaces: [staging, production]\n", "namespaces: Tuple should have at most 1 item"),
        (NAMESPACES, "    namespaces: ['']\n", "must be a DNS label"),
        (NAMESPACES, "    namespaces: ['*']\n", "must be a DNS label"),
        (NAMESPACES, "    namespaces: [st\u0430ging]\n", "must be a DNS label"),
        (NAMESPACES, "    namespaces: [Staging]\n", "must be a DNS label"),
        (NAMESPACES, "    namespaces: staging\n", "namespaces: Input should be a valid array"),
        (NAMESPACES, "    namespaces: [kube-system]\n", "the target namespace 'kube-system' is protected"),
        (NAMESPACES, "    namespaces: [kube-public]\n", "the target namespace 'kube-public' is protected"),
        (NAMESPACES, "    namespaces: [chaos-mesh]\n", "the target namespace 'chaos-mesh' is protected"),
        ("  mode: one\n", "  mode: all\n", "mode: Input should be 'one'"),
        ("  mode: one\n", "  mode: fixed\n  value: '1'\n", "mode: Input should be 'one'"),
        ("  mode: one\n", "  mode: fixed-percent\n", "mode: Input should be 'one'"),
        ("  mode: one\n", "  mode: random-max-percent\n", "mode: Input should be 'one'"),
        ("  mode: one\n", "  mode: One\n", "mode: Input should be 'one'"),
        ("  mode: one\n", "  mode: one\n  value: '2'\n", "spec.value: Extra inputs"),
        ("  mode: one\n", "  mode: one\n  duration: 30s\n", "spec.duration: Extra inputs"),
        ("  mode: one\n", "  mode: one\n  containerNames: [a]\n", "spec.containerNames: Extra inputs"),
        ("  mode: one\n", "  mode: one\n  remoteCluster: other\n", "spec.remoteCluster: Extra inputs"),
        ("  mode: one\n", "  mode: one\n  gracePeriod: -1\n", "gracePeriod: Input should be greater"),
        ("  mode: one\n", "", "mode: Field required"),
        ("  action: pod-kill\n", "  action: pod-failure\n", "action: Input should be 'pod-kill'"),
        ("  action: pod-kill\n", "  action: container-kill\n", "action: Input should be 'pod-kill'"),
        ("kind: PodChaos\n", "kind: NetworkChaos\n", "kind: Input should be 'PodChaos'"),
        ("kind: PodChaos\n", "kind: Schedule\n", "kind: Input should be 'PodChaos'"),
        ("kind: PodChaos\n", "kind: PodChaos\nstatus: {}\n", "status: Extra inputs"),
        ("chaos-mesh.org/v1alpha1", "chaos-mesh.org/v1", "apiVersion: Input should be"),
        ("  namespace: chaos-mesh\n", "", "metadata.namespace: Field required"),
        ("  namespace: chaos-mesh\n", "  namespace: chaos-mesh\n  finalizers: [x]\n", "finalizers: Extra"),
        ("  name: task-api-pod-kill\n", "  generateName: x\n", "metadata.generateName: Extra inputs"),
    ],
)
def test_what_could_hit_something_else_is_refused(chaos_file: Path, edit: Edit, old: str, new: str, words: str) -> None:
    """Each form that Chaos Mesh would take and that could hit more, or other, than the one agreed pod."""
    assert words in complaint(edit(chaos_file, old, new))


def test_two_documents_are_refused(chaos_file: Path) -> None:
    """The second one would be applied by nobody, or by somebody else."""
    text = chaos_file.read_text()
    chaos_file.write_text(f"{text}---\n{text}")
    assert "2 YAML documents" in complaint(chaos_file)


def test_the_manifest_has_its_own_name_and_labels_and_everything_else_as_written(chaos_file: Path, edit: Edit) -> None:
    """Nothing is dropped, nothing is widened; the run's labels beat the file's."""
    edit(chaos_file, "  mode: one\n", "  mode: one\n  gracePeriod: 3\n")
    edit(chaos_file, LABELS, LABELS + "    podPhaseSelectors: [Running]\n")
    edit(chaos_file, "  labels:\n", "  annotations: {reviewed-by: ada}\n  labels:\n    gameday.dev/run: forged\n")
    chaos = load_podchaos(chaos_file)
    assert chaos.target_namespace == "staging"
    assert chaos.manifest("kill-1", {"gameday.dev/run": "run-1"}) == {
        "apiVersion": "chaos-mesh.org/v1alpha1",
        "kind": "PodChaos",
        "metadata": {
            "name": "kill-1",
            "namespace": "chaos-mesh",
            "labels": {
                "team": "product-team",
                "app": "task-api",
                "experiment-type": "resilience",
                "gameday.dev/run": "run-1",
            },
            "annotations": {"reviewed-by": "ada"},
        },
        "spec": {
            "action": "pod-kill",
            "mode": "one",
            "selector": {
                "namespaces": ["staging"],
                "labelSelectors": {"app": "task-api"},
                "podPhaseSelectors": ["Running"],
            },
            "gracePeriod": 3,
        },
    }


def test_the_manifest_is_a_valid_podchaos_again_and_leaves_the_first_alone(chaos_file: Path) -> None:
    """What goes to the API server would pass the same checks; the parsed one keeps its name."""
    chaos = load_podchaos(chaos_file)
    again = PodChaos.model_validate(chaos.manifest("kill-1", {"a": "b"}))
    assert again.spec == chaos.spec
    assert (again.metadata.name, chaos.metadata.name) == ("kill-1", "task-api-pod-kill")
    assert "a" not in chaos.metadata.labels
