"""The stage as a whole: its options, its neighbours, its end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gameday.rehearsal import options
from gameday.rehearsal.api.access import DenyRule
from gameday.rehearsal.kube_client import KubeClient
from gameday.rehearsal.manifests import ManifestError, load
from gameday.rehearsal.stage import Stage, StageError


def test_options_survive_the_command_line(tmp_path: Path) -> None:
    """What Python asks for is what the stage's process reads."""
    given = options.Options(
        directory=tmp_path,
        manifests=(tmp_path / "a b.yaml", tmp_path),
        endpoint_lag_s=0.25,
        images={"i:1": ("/bin/sh", "-c", "echo 'x y'"), "own:1": ()},
        deny=(DenyRule("create", "podchaos.chaos-mesh.org", "staging"),),
        chaos_mesh=False,
        chaos_mesh_filter_namespace=True,
        history=7,
        until_stdin_closes=True,
    )
    assert options.parse(given.arguments(), lambda: Path("unused")) == given


def test_a_taken_node_port_is_replaced(tmp_path: Path) -> None:
    """Two stages with the same manifest run side by side: the second names a node port of its own."""
    body = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s", "namespace": "default"},
        "spec": {"type": "NodePort", "ports": [{"port": 80, "nodePort": 32741}]},
    }
    endpoints = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "s", "namespace": "default", "labels": {"kubernetes.io/service-name": "s"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["127.0.0.1"]}],
        "ports": [{"port": 9}],
    }
    manifest = tmp_path / "s.yaml"
    manifest.write_text(yaml.safe_dump_all([body, endpoints]))
    with (
        Stage(tmp_path / "1", [manifest], chaos_mesh=False) as first,
        Stage(tmp_path / "2", [manifest], chaos_mesh=False) as second,
    ):
        ports = [_node_port(stage) for stage in (first, second)]
    assert ports[0] == 32741
    assert ports[1] != 32741


def _node_port(stage: Stage) -> int:
    service = KubeClient(stage.kubeconfig, None, "tests").request("GET", "/api/v1/namespaces/default/services/s")
    return service["spec"]["ports"][0]["nodePort"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{apiVersion: v1, kind: Nonsense, metadata: {name: x}}", "does not serve v1 Nonsense"),
        ("- just\n- a list", "expected an object with apiVersion and kind"),
        ("{", "not YAML"),
    ],
)
def test_an_unreadable_manifest_is_named(tmp_path: Path, text: str, words: str) -> None:
    """The error names the file and what is wrong with it."""
    manifest = tmp_path / "bad.yaml"
    manifest.write_text(text)
    with pytest.raises(ManifestError) as caught:
        load([manifest])
    assert words in str(caught.value)
    assert "bad.yaml" in str(caught.value)


def test_an_invalid_manifest_stops_the_stage(tmp_path: Path) -> None:
    """What the API refuses ends the start, in the API's words and with the file's name."""
    manifest = tmp_path / "bad.yaml"
    manifest.write_text("{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {}}")
    with (
        pytest.raises(StageError, match=r"bad\.yaml: Deployment 'x': .*spec\.selector: Required value"),
        Stage(tmp_path / "run", [manifest], chaos_mesh=False),
    ):
        pass


def test_pods_that_do_not_get_ready_are_named(tmp_path: Path) -> None:
    """When the time is up, the error says which pods are not ready, and why."""
    containers = [{"name": "c", "image": "nowhere:1"}]
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": containers}}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "late"}, "spec": spec}
    manifest = tmp_path / "late.yaml"
    manifest.write_text(yaml.safe_dump(body))
    with (
        pytest.raises(StageError, match=r"not Available after 1 s: default/late.*no stand-in for it"),
        Stage(tmp_path / "run", [manifest], chaos_mesh=False, ready_timeout_s=0.8),
    ):
        pass


def test_the_stage_ends_with_its_parent(tmp_path: Path) -> None:
    """A stage whose standard input closes ends by itself, in order."""
    command = [sys.executable, "-m", "gameday.rehearsal", "--no-chaos-mesh", "--until-stdin-closes"]
    command += ["--directory", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline().startswith("kubeconfig ")
        assert process.stdout.readline() == "ready\n"
        process.stdin.close()
        assert process.wait(5) == 0
