"""Text from outside becomes one harmless, visible line."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reports import safe

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=80)
MARKUP_TEXT = st.text("\\`*_[](){}<>#|~!$&@:/. \t\nwxab1-+=\u202e\x00", max_size=40)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("two\nlines\r\nand\ta tab\u2028x\x85y", "two lines and a tab x y"),
        ("nul \x00 esc \x1b del \x7f c1 \x9b", "nul ␀ esc ␛ del ␡ c1 \ufffd"),
        ("gpj.\u202eexe", "gpj.[U+202E]exe"),
        ("lone \ud800 and \uffff", "lone \ufffd and \ufffd"),
        ("ü 漢 🙂", "ü 漢 🙂"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    """What cannot be seen, or is forbidden, is replaced by something that can be seen."""
    assert safe.visible(text) == shown


def test_long_text_is_cut() -> None:
    """Ten thousand characters become six hundred and a word about the others."""
    assert safe.visible("x" * 10_000) == "x" * 600 + "… (9,400 more characters)"


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a|b", "a&#124;b"),
        ("`rm`", "\\`rm\\`"),
        ("<script>&", "&#60;script&#62;&#38;"),
        ("task_api", "task_api"),
        ("_em_", "\\_em\\_"),
        ("see http://x and www.y", "see http&#58;//x and www&#46;y"),
        ("10:30 at 1.5 s", "10:30 at 1.5 s"),
        ("{{7*7}}", "\\{\\{7\\*7\\}\\}"),
    ],
)
def test_markdown(text: str, escaped: str) -> None:
    """Only what Markdown would take for more than text is escaped."""
    assert safe.markdown(text) == escaped


@given(ANY_TEXT | MARKUP_TEXT)
def test_visible_text_survives_xml(text: str) -> None:
    """Any text, shown, is one line that an XML parser gives back unchanged."""
    shown = safe.visible(text)
    element = ET.Element("x", {"a": shown})
    assert ET.fromstring(ET.tostring(element)).get("a") == shown  # noqa: S314 - written one line above
    assert len(shown.splitlines()) <= 1


@given(MARKUP_TEXT | ANY_TEXT)
def test_markdown_means_only_itself(text: str) -> None:
    """In a table's cell, any text is one cell of plain text that reads as it was shown."""
    cell = MarkdownIt().enable("table").parse(f"| a | b |\n| --- | --- |\n| x{safe.markdown(text)}x | last |\n")
    body = [token for token in cell if token.type == "inline"][2:]
    assert [token.content for token in body][1:] == ["last"]
    assert {child.type for child in body[0].children or ()} == {"text"}
    assert "".join(child.content for child in body[0].children or ()) == f"x{safe.visible(text)}x"
