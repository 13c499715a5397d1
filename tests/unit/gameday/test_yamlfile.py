"""Reading YAML that people wrote: no duplicate keys, no aliases, no surprises, and every complaint with its line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from gameday import yamlfile
from gameday.errors import BadInputError

type Write = Callable[[str | bytes], Path]


def complaint(path: Path) -> str:
    """Why a file is refused; everything in one line, and never a traceback of another kind."""
    with pytest.raises(BadInputError) as refused:
        yamlfile.load(path)
    message = str(refused.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3: the key 'a' stands there twice"),
        ("top:\n  - x: 1\n    x: 1\n", "line 3: the key 'x' stands there twice"),
        ("a: &here 1\nb: *here\n", "line 1: anchors and aliases are not accepted"),
        ("a: 1\nb: &here {c: 1}\n", "line 2: anchors and aliases are not accepted"),
        ("a: [1, *gone]\n", "line 1: anchors and aliases are not accepted"),
        ("&key a: 1\n", "anchors and aliases are not accepted"),
        ("<<: {a: 1}\nb: 2\n", "merge"),
        ("1: one\n", "line 1: the key 1 is no text; put it in quotes"),
        ("a:\n  true: one\n", "line 2: the key True is no text"),
        ("null: one\n", "line 1: the key None is no text"),
        ("? [a, b]\n: one\n", "is no text"),
        ("a: !!binary aGFsbG8=\n", "line 1: the tag 'tag:yaml.org,2002:binary' is not accepted"),
        ("a: !!timestamp 2026-01-01\n", "timestamp' is not accepted"),
        ("a: !!set {x, y}\n", "set' is not accepted"),
        ("a: !!python/object/apply:os.system [id]\n", "is not accepted"),
        ("a: !env {b: 1}\n", "line 1: the tag '!env' is not accepted"),
        ("a: .nan\n", "line 1: a number beyond"),
        ("a: 1\nb: -.inf\n", "line 2: a number beyond"),
        ("a: 0x" + "f" * 5000 + "\n", "line 1: a number beyond"),
        ("a: [1, 2\n", "expected ',' or ']'"),
        ("a: b: c\n", "mapping values are not allowed here"),
        ("a: \x07\n", "control characters"),
        ("a: 'open\n", "unexpected end of stream"),
        ("", "0 YAML documents"),
        ("# only a comment\n", "0 YAML documents"),
        ("---\n...\n", "0 YAML documents"),
        ("a: 1\n---\nb: 2\n", "2 YAML documents"),
        ("[" * 60 + "]" * 60, "nested deeper than 50 levels"),
        ("[" * 20_000, "recursion"),
    ],
)
def test_what_is_not_plain_data_is_refused(yaml_file: Write, text: str, words: str) -> None:
    """The message names the file, the line where there is one, and what is wrong there."""
    assert words in complaint(yaml_file(text))


def test_a_file_that_is_not_utf8_is_refused(yaml_file: Write) -> None:
    """The message says what encoding is wanted."""
    assert "UTF-8" in complaint(yaml_file(b"a: \xff\xfe\n"))


def test_a_large_file_is_refused_without_being_read_whole(yaml_file: Write) -> None:
    """One byte beyond the limit is enough."""
    assert "more than 1,000,000 bytes" in complaint(yaml_file(b"#" * (yamlfile.MAX_BYTES + 1)))


def test_a_file_of_just_the_greatest_size_is_read(yaml_file: Write) -> None:
    """The limit itself is allowed."""
    head = b"a: 1\n#"
    path = yaml_file(head + b"x" * (yamlfile.MAX_BYTES - len(head)))
    assert yamlfile.load(path).data == {"a": 1}


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    """The operating system's reason is quoted."""
    assert "No such file" in complaint(tmp_path / "gone.yaml")
    assert "Is a directory" in complaint(tmp_path)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("when: 2026-01-01\n", {"when": "2026-01-01"}),
        ("when: 2026-01-01T10:00:00Z\n", {"when": "2026-01-01T10:00:00Z"}),
        ("a: null\nb: ~\nc:\n", {"a": None, "b": None, "c": None}),
        ("'1': one\n", {"1": "one"}),
        ('a: "< 30 s"\n', {"a": "< 30 s"}),
        ("a: {b: [1, 2.5, true]}\n", {"a": {"b": [1, 2.5, True]}}),
        ("\ufeffa: 1\n", {"a": 1}),
        ("- 1\n- 2\n", [1, 2]),
        ("just text\n", "just text"),
    ],
)
def test_plain_data_comes_through(yaml_file: Write, text: str, data: object) -> None:
    """A date stays the text that it is: JSON, and so the Kubernetes API, has no dates."""
    assert yamlfile.load(yaml_file(text)).data == data


def test_every_document_of_a_file_is_read_and_empty_ones_are_left_out(yaml_file: Write) -> None:
    """Manifests often have several documents and a stray separator."""
    path = yaml_file("a: 1\n---\n---\nb: 2\n")
    assert [document.data for document in yamlfile.load_all(path)] == [{"a": 1}, {"b": 2}]


class Inner(BaseModel):
    """A part of what people write."""

    model_config = ConfigDict(extra="forbid")
    number: int = Field(ge=1)


class Outer(BaseModel):
    """What people write."""

    model_config = ConfigDict(extra="forbid")
    title: str
    items: tuple[Inner, ...]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title: x\nitems:\n  - number: 1\n  - number: 0\n", ":4: items.1.number: Input should be greater"),
        ("title: x\nitems:\n  - number: 1\n    colour: red\n", ":4: items.0.colour: Extra inputs are not permitted"),
        ("title: 5\nitems: []\n", ":1: title: Input should be a valid string (got 5)"),
        ("title: x\nitems:\n  - number: '1'\n", ":3: items.0.number: Input should be a valid integer"),
        ("title: x\nitems:\n  - number: 1.0\n", ":3: items.0.number: Input should be a valid integer"),
        ("title: x\nitems:\n  - number: true\n", ":3: items.0.number: Input should be a valid integer"),
        ("items: []\n", ":1: title: Field required"),
        ("- 1\n", ":1: the document: Input should be"),
    ],
)
def test_a_wrong_field_is_named_with_its_line(yaml_file: Write, text: str, words: str) -> None:
    """The line, the path of keys, what is wrong and what stands there; nothing is converted."""
    path = yaml_file(text)
    with pytest.raises(BadInputError) as refused:
        yamlfile.load(path).parse(Outer)
    assert f"{path}{words}" in str(refused.value)


def test_all_wrong_fields_are_named_at_once(yaml_file: Write) -> None:
    """Nobody wants to correct a file one message at a time."""
    with pytest.raises(BadInputError, match=r"file\.yaml:1: title.*; .*file\.yaml:2: items"):
        yamlfile.load(yaml_file("title: 5\nitems: 7\n")).parse(Outer)


def test_a_long_wrong_value_is_quoted_short(yaml_file: Write) -> None:
    """A message is one line to read, not a copy of the file."""
    with pytest.raises(BadInputError) as refused:
        yamlfile.load(yaml_file(f"title: [{'x' * 5000}]\nitems: []\n")).parse(Outer)
    assert len(str(refused.value)) < 500


def test_data_without_known_lines_claims_none() -> None:
    """A section that was handed over as data has a file and no line."""
    document = yamlfile.Document(Path("pod-kill.yaml"), {"items": []}, {}, "")
    with pytest.raises(BadInputError, match=r"pod-kill\.yaml: title: Field required"):
        document.parse(Outer)


printable = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=20)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(-1e15, 1e15).filter(lambda number: "e" not in repr(number))
)
data = st.recursive(
    scalars | printable,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(printable, inner, max_size=4),
    max_leaves=20,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data.filter(lambda found: found is not None))
def test_json_is_yaml_and_comes_back_as_it_was(yaml_file: Write, found: object) -> None:
    """Any JSON-like data, written as JSON or in YAML's own style, is read back equal (1e+16 is text in YAML 1.1)."""
    assert yamlfile.load(yaml_file(json.dumps(found, indent=2, ensure_ascii=False))).data == found
    if "\\" not in json.dumps(found):
        text = yaml.safe_dump(found, allow_unicode=True)
        assert yamlfile.load(yaml_file(text)).data == found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text("ab:-[]{}#&*!|>'\"%@`,? \n\t\\01.~<=", max_size=60) | st.text(max_size=40))
def test_any_text_is_read_or_refused_in_words(yaml_file: Write, text: str) -> None:
    """Nothing but BadInputError ever comes out."""
    path = yaml_file(text.encode("utf-8", "surrogatepass"))
    try:
        document = yamlfile.load(path)
    except BadInputError:
        return
    with pytest.raises(BadInputError):
        document.parse(Outer)
