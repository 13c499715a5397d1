"""Prometheus's text format (version 0.0.4): `name{label="value"} 1.5`."""

import re
from collections.abc import Iterator

_LINE = re.compile(r"^(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?P<labels>.*)\})?\s+(?P<value>\S+)(?:\s+-?\d+)?$")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"')
_ESCAPES = {r"\n": "\n", r"\"": '"', r"\\": "\\"}


def unescape(text: str) -> str:
    """Undo the escapes of a label's value."""
    return re.sub(r"\\.", lambda found: _ESCAPES.get(found[0], found[0]), text)


def parse(text: str) -> Iterator[tuple[dict[str, str], float]]:
    """Yield each sample's labels (the name among them) and value; lines that are none are skipped."""
    for line in text.splitlines():
        found = _LINE.match(line.strip()) if line and not line.startswith("#") else None
        if found is None:
            continue
        labels = {key: unescape(value) for key, value in _LABEL.findall(found["labels"] or "")}
        try:
            yield {"__name__": found["name"], **labels}, float(found["value"])
        except ValueError:
            continue
