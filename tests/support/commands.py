"""What tests of whole commands share: how a command ended, and how to spoil an input."""

import json
from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Finished:
    """A command that ended: its exit code, what it printed, and the run folder that it left, if any."""

    code: int
    stdout: str
    stderr: str
    folder: Path | None

    @property
    def verdict(self) -> dict:
        assert self.folder is not None, self.stderr
        return json.loads((self.folder / "verdict.json").read_text())

    @property
    def marks(self) -> list[str]:
        assert self.folder is not None, self.stderr
        return [json.loads(line)["mark"] for line in (self.folder / "marks.jsonl").read_text().splitlines()]

    def measurement(self, name: str) -> dict:
        return next(item for item in self.verdict["measurements"] if item["name"] == name)


def change(path: Path, *keys: str, value: object) -> None:
    """Set one value in a YAML file."""
    data = yaml.safe_load(path.read_text())
    parent = data
    for key in keys[:-1]:
        parent = parent[key]
    parent[keys[-1]] = value
    path.write_text(yaml.safe_dump(data, sort_keys=False))
