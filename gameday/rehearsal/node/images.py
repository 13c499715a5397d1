"""Images and their stand-ins: which command plays which image."""

import hashlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from gameday.rehearsal.objects import Obj

TASK_API = "ghcr.io/panaversity/task-api:1.0.0"
STAND_INS: Mapping[str, tuple[str, ...]] = {
    TASK_API: (sys.executable, "-I", "-S", str(Path(__file__).parent.parent / "task_api.py")),
}


class Images:
    """The images that are "present on the machine"."""

    def __init__(self, extra: Mapping[str, Sequence[str]]) -> None:
        self._commands = {**STAND_INS, **{image: tuple(command) for image, command in extra.items()}}

    def command(self, container: Obj) -> tuple[str, ...] | None:
        """Return what to run for a container; None when its image has no stand-in.

        The stand-in replaces the image and its entry point; the manifest's args follow it. A stand-in that is
        an empty command means: run the manifest's own command.
        """
        stand_in = self._commands.get(str(container["image"]))
        if stand_in is None:
            return None
        own = () if stand_in else tuple(container.get("command") or ())
        return (*stand_in, *own, *(container.get("args") or ()))

    def digest(self, image: str) -> str:
        """Return the stand-in's digest: over its command and the files that it names."""
        digest = hashlib.sha256()
        for word in self._commands.get(image, ()):
            digest.update(word.encode() + b"\0")
            path = Path(word)
            if path.is_absolute() and path.suffix == ".py" and path.is_file():
                digest.update(path.read_bytes())
        return f"sha256:{digest.hexdigest()}"
