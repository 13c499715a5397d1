"""What a stage can be told: the same on the command line and from Python."""

import argparse
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gameday.rehearsal.api.access import DenyRule


@dataclass(frozen=True)
class Options:
    """How to run a stage.

    `kill_after_s` is how long processes of a pod that is deleted without grace live on after their SIGTERM.
    The kubelet gives them up to 2 s; the default of 0.1 s lets a well-behaved server finish what it has
    begun, as seen on a real cluster, and still cuts off one that does not.
    """

    directory: Path
    manifests: tuple[Path, ...] = ()
    endpoint_lag_s: float = 0.1
    kill_after_s: float = 0.1
    images: dict[str, tuple[str, ...]] = field(default_factory=dict)
    deny: tuple[DenyRule, ...] = ()
    chaos_mesh: bool = True
    chaos_mesh_filter_namespace: bool = False
    history: int = 4000
    ready_timeout_s: float = 30.0
    until_stdin_closes: bool = False

    def arguments(self) -> list[str]:
        """Return the command line that means these options."""
        words = ["--directory", str(self.directory), "--endpoint-lag", str(self.endpoint_lag_s)]
        words += ["--kill-after", str(self.kill_after_s), "--history", str(self.history)]
        words += ["--ready-timeout", str(self.ready_timeout_s)]
        for path in self.manifests:
            words += ["--manifests", str(path)]
        for image, command in self.images.items():
            words += ["--image", f"{image}={shlex.join(command)}"]
        for rule in self.deny:
            words += ["--deny", str(rule)]
        for flag, given in (
            ("--no-chaos-mesh", not self.chaos_mesh),
            ("--chaos-mesh-filter-namespace", self.chaos_mesh_filter_namespace),
            ("--until-stdin-closes", self.until_stdin_closes),
        ):
            words += [flag] if given else []
        return words


def _image(text: str) -> tuple[str, tuple[str, ...]]:
    image, separator, command = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected IMAGE=COMMAND")
    return image, tuple(shlex.split(command))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m gameday.rehearsal",
        description="A small Kubernetes that runs pods as local processes, until Ctrl-C.",
    )
    parser.add_argument("--directory", type=Path, help="where kubeconfig and logs go (default: a temporary folder)")
    parser.add_argument(
        "--manifests", type=Path, action="append", default=[], help="a file or folder to apply (repeatable)"
    )
    parser.add_argument(
        "--endpoint-lag",
        type=float,
        default=0.1,
        metavar="S",
        help="how late the Service proxy follows (default: 0.1)",
    )
    parser.add_argument(
        "--kill-after",
        type=float,
        default=0.1,
        metavar="S",
        help="SIGTERM to SIGKILL for a delete without grace",
    )
    parser.add_argument(
        "--image",
        type=_image,
        action="append",
        default=[],
        metavar="IMAGE=COMMAND",
        help="what runs for an image",
    )
    parser.add_argument("--deny", type=DenyRule.parse, action="append", default=[], metavar="VERB:RESOURCE[:NAMESPACE]")
    parser.add_argument("--no-chaos-mesh", action="store_true", help="nobody acts on PodChaos")
    parser.add_argument("--chaos-mesh-filter-namespace", action="store_true", help="Chaos Mesh's enableFilterNamespace")
    parser.add_argument(
        "--history", type=int, default=4000, help="how many changes a watch can look back (default: 4000)"
    )
    parser.add_argument(
        "--ready-timeout",
        type=float,
        default=30.0,
        metavar="S",
        help="how long Deployments may take to be Available",
    )
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when standard input does (for programs)")
    return parser


def parse(arguments: Sequence[str], default_directory: Callable[[], Path]) -> Options:
    """Read the command line."""
    given = _parser().parse_args(arguments)
    return Options(
        directory=given.directory or default_directory(),
        manifests=tuple(given.manifests),
        endpoint_lag_s=given.endpoint_lag,
        kill_after_s=given.kill_after,
        images=dict(given.image),
        deny=tuple(given.deny),
        chaos_mesh=not given.no_chaos_mesh,
        chaos_mesh_filter_namespace=given.chaos_mesh_filter_namespace,
        history=given.history,
        ready_timeout_s=given.ready_timeout,
        until_stdin_closes=given.until_stdin_closes,
    )
