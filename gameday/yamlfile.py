"""Reading YAML that people wrote: no duplicate keys, no aliases, no surprises, and every complaint with its line."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ValidationError

from gameday.errors import BadInputError

MAX_BYTES = 1_000_000
"""More than any manifest of one service needs; a larger file is a mistake or an attack."""
MAX_DEPTH = 50
MAX_INTEGER = 2**63
TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("map", "seq", "str", "int", "float", "bool", "null"))
"""What JSON can hold. Others (`!!binary`, `!!timestamp`, a program's own) would be taken for something else here."""


@dataclass(frozen=True)
class Document:
    """One YAML document: plain data, and the line on which each path of keys stands."""

    path: Path
    data: object
    lines: dict[tuple[str | int, ...], int]
    text: str

    def where(self, location: tuple[str | int, ...]) -> str:
        """`file:line` of the nearest known parent of a path of keys; just the file where no lines are known."""
        if not self.lines:
            return str(self.path)
        known = tuple(location)
        while known and known not in self.lines:
            known = known[:-1]
        return f"{self.path}:{self.lines.get(known, 1)}"

    def parse[Model: BaseModel](self, model: type[Model]) -> Model:
        """The document as a model, strictly: no unknown fields, no converted types.

        Raises:
            BadInputError: Names each wrong field with its line.
        """
        try:
            return model.model_validate_json(json.dumps(self.data), strict=True)
        except ValidationError as error:
            problems = [self._problem(detail["loc"], detail["msg"], detail["input"]) for detail in error.errors()]
            raise BadInputError(
                "; ".join(problems), f"a valid {model.__name__}", "Correct the named fields."
            ) from error

    def _problem(self, location: tuple[str | int, ...], message: str, seen: object) -> str:
        name = ".".join(str(part) for part in location) or "the document"
        message = message.removeprefix("Value error, ")
        return f"{self.where(location)}: {name}: {message} (got {json.dumps(seen, default=str)[:80]})"


def load(path: Path) -> Document:
    """The only document of a YAML file.

    Raises:
        BadInputError: The file is missing, too large, no YAML, or holds anything but one document.
    """
    documents = load_all(path)
    if len(documents) != 1:
        raise BadInputError(f"{path}: {len(documents)} YAML documents", "exactly one", "Split the file.")
    return documents[0]


def load_all(path: Path) -> list[Document]:
    """Every document of a YAML file, empty ones left out."""
    text = read_text(path)
    loader = _loader(path, text)
    documents = []
    try:
        while loader.check_node():
            node = loader.get_node()
            lines: dict[tuple[str | int, ...], int] = {}
            data = _plain(loader, node, (), lines) if node is not None else None
            if data is not None:
                documents.append(Document(path, data, lines, text))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        message = " ".join(str(error).split()) or type(error).__name__
        raise BadInputError(f"{path}: {message}", "well-formed YAML", "Correct the file.") from error
    finally:
        loader.dispose()
    return documents


def read_text(path: Path) -> str:
    """A text file of reasonable size.

    Raises:
        BadInputError: It cannot be read, is too large, or is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadInputError(
            f"{path}: {error.strerror}", "a readable file", "Check the path and the current folder."
        ) from error
    if len(raw) > MAX_BYTES:
        raise BadInputError(
            f"{path}: more than {MAX_BYTES:,} bytes", "a small YAML file", "Check that it is the right file."
        )
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInputError(f"{path}: {error}", "UTF-8 text", "Save the file as UTF-8.") from error


class _Loader(yaml.SafeLoader):
    """SafeLoader without timestamps, which JSON (and so the Kubernetes API) does not have, and without aliases."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None):
            line = event.start_mark.line + 1
            raise ValueError(f"line {line}: anchors and aliases are not accepted; write the value out")
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _loader(path: Path, text: str) -> _Loader:
    try:
        return _Loader(text)
    except yaml.YAMLError as error:
        message = " ".join(str(error).split())
        raise BadInputError(f"{path}: {message}", "YAML text", "Remove the control characters.") from error


def _plain(
    loader: _Loader, node: yaml.Node, location: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int]
) -> object:
    """The node as plain data; `lines` takes the line of every path of keys."""
    if len(location) > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    lines.setdefault(location, node.start_mark.line + 1)
    if node.tag not in TAGS:
        raise ValueError(f"line {node.start_mark.line + 1}: the tag {node.tag!r} is not accepted; write plain data")
    if isinstance(node, yaml.SequenceNode):
        return [_plain(loader, item, (*location, index), lines) for index, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return _mapping(loader, node, location, lines)
    return _scalar(loader, node)


def _scalar(loader: _Loader, node: yaml.Node) -> object:
    """Text, a number, a truth value or null: what JSON has, and numbers that every reader of JSON takes."""
    found: object = loader.construct_object(node, deep=True)
    infinite = isinstance(found, float) and not math.isfinite(found)
    if infinite or (isinstance(found, int) and abs(found) >= MAX_INTEGER):
        raise ValueError(f"line {node.start_mark.line + 1}: a number beyond what JSON holds")
    return found


def _mapping(
    loader: _Loader,
    node: yaml.MappingNode,
    location: tuple[str | int, ...],
    lines: dict[tuple[str | int, ...], int],
) -> dict[str, object]:
    found: dict[str, object] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        line = key_node.start_mark.line + 1
        if not isinstance(key, str):
            raise ValueError(f"line {line}: the key {key!r} is no text; put it in quotes")  # noqa: TRY004 - one kind of error for one place
        if key in found:
            raise ValueError(f"line {line}: the key {key!r} stands there twice")
        found[key] = _plain(loader, value_node, (*location, key), lines)
    return found
