"""The page and the Markdown: what they say, and that nobody else can make them say something."""

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from gameday.verdict import Status, Verdict
from reports import figure, page, safe
from reports.view import RunView

Run = tuple[Verdict, RunView]

CHOSEN_BY_US = {"schema_version", "status", "stage", "severity", "connection"}
"""String fields that hold one of a few words."""

HOSTILE = (
    "<script>alert(1)</script>",
    "{{7*7}}{% raw %}",
    "a|b||c",
    '" onload="alert(1)',
    "' style='x",
    "--></style></svg><img src=http://x>",
    "\x00\x1b[31m\x9b\u202egpj.exe",
    "\n\n# heading\n- item\r\n```\n<b>",
    "![x](http://y) [z](javascript:1) <http://w> www.v.example",
    "x" * 10_000,
    "<" * 10_000,
    "&lt;b&gt; &#60;",
)


class Outline(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.data: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, tuple(attrs)))

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.data.append(data)

    def handle_comment(self, data: str) -> None:
        """Note a comment: a page that strangers could comment out would change its outline."""
        self.elements.append(("!--", ((data, None),)))


def filled(value: object, text: str, key: str = "") -> object:
    """The value with every free string replaced by the text."""
    if isinstance(value, dict):
        return {name: filled(item, text, name) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [filled(item, text, key) for item in value]
    return text if isinstance(value, str) and key not in CHOSEN_BY_US else value


def said_by(text: str, run: Run) -> Run:
    """The run with the text in every place that comes from outside."""
    verdict = Verdict.model_validate(filled(run[0].model_dump(), text))
    view = replace(run[1], provenance={text: text, text + "2": text}, log=((0.0, text), (1.0, text)))
    return verdict, view


@pytest.fixture
def no_figure() -> Iterator[None]:
    """Pages without figures: these hold no text from outside, and drawing takes time."""
    with patch.object(figure, "timeline", return_value=figure.Drawing("<svg></svg>", 0)):
        yield


def blocks(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """The structure of a Markdown text: its blocks, and what is in their lines besides plain text."""
    tokens = MarkdownIt().enable("table").parse(text)
    return [(t.type, tuple(child.type for child in t.children or () if child.type != "text")) for t in tokens]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(HOSTILE) | st.text(min_size=1, max_size=60))
@example(HOSTILE[0])
@example(HOSTILE[5])
@example(HOSTILE[7])
@pytest.mark.usefixtures("no_figure")
def test_nobody_else_shapes_the_page(passed: Run, text: str) -> None:
    """With any text in every field, the page has the elements and attributes of the page with plain text."""
    # "[" first: a criterion whose words hold bounds already shows no others.
    plain, hostile = (Outline(page.html(*said_by("[" + words, passed))) for words in ("plain", text))
    assert hostile.elements == plain.elements
    assert safe.visible("[" + text) in "".join(hostile.data)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(HOSTILE) | st.text(min_size=1, max_size=60))
@example(HOSTILE[2])
@example(HOSTILE[7])
@example(HOSTILE[8])
def test_nobody_else_shapes_the_markdown(passed: Run, text: str) -> None:
    """With any text in every field, Markdown has the blocks, cells and emphasis of plain text."""
    plain, hostile = (page.markdown(*said_by("[" + words, passed)) for words in ("plain", text))
    assert blocks(hostile) == blocks(plain)


def test_first_words(passed: Run, failed: Run) -> None:
    """Both formats begin with the verdict in words."""
    heading = re.search(r"<h1>(.*?)</h1>", page.html(*passed), re.DOTALL)
    assert heading
    assert " ".join(re.sub("<[^>]*>", "", heading[1]).split()) == (
        "✓ PASS One pod was killed. Users saw 0 HTTP 5xx and 14 unanswered requests of 6,000. "
        "Ready again in 6.1 s (target 30 s)."
    )
    assert page.markdown(*failed).splitlines()[0] == (
        "# FAIL: One pod was killed. Users saw 1,334 HTTP 5xx and 100 unanswered requests of 12,000. "
        "Ready again only after 45.2 s (target 30 s)."
    )


def test_markdown_tables(failed: Run) -> None:
    """Criteria, recovery and traffic stand in tables, infinity and open ends as words."""
    lines = page.markdown(*failed).splitlines()
    for line in (
        "| SC-008 | Pod recovery | &#60; 30 s | 45.2 s \\[45.19, 45.21\\]"
        " (all of the interval misses the target) | **FAIL** | cluster.jsonl:41-130 (n = 1) |",
        "| SC-001 | Backup success rate | ≥ 99 % | needs another probe | NOT RUN |  |",
        "| in the EndpointSlice | +45.200 s | no end seen | watch: EndpointSlice |",
        "| during (0 s to 45.2 s) | 9,040 | 1,334 | 100 | 404 ms | no answer | no answer |",
        "| HTTP 503 | 1,334 | +0.000 s | +19.995 s |",
        "- **error** Prometheus counts 1,402 to 1,431 responses with 5xx where the client saw 1,334."
        " (prometheus-disagrees)",
        "**Proven:** the record names the victim, its UID is gone, and a replacement of the same ReplicaSet appeared",
    ):
        assert line in lines


@pytest.mark.usefixtures("no_figure")
def test_the_stage_is_stamped(passed: Run, failed: Run) -> None:
    """A rehearsal says that it is one; a run on a cluster does not."""
    for render in (page.html, page.markdown):
        assert "REHEARSAL" in render(*passed)
        assert "REHEARSAL" not in render(*failed)


@pytest.mark.usefixtures("no_figure")
def test_unknown_run(unknown: Run) -> None:
    """A run that saw nothing says so in each part, and draws nothing."""
    text = page.html(*unknown)
    for words in (
        "NOT PROVEN",
        "Failed to select targets: no pod is selected",
        "No phase of a recovery was seen.",
        "No request was measured.",
        "Nothing to draw: No request was recorded.",
        "not measured",
    ):
        assert words in text
    assert "<figure>" not in text
    assert "**Not proven:** Failed to select targets: no pod is selected" in page.markdown(*unknown)


@pytest.mark.usefixtures("no_figure")
def test_nothing_judged(unknown: Run) -> None:
    """A verdict without criteria is told, not left empty."""
    verdict = unknown[0].model_copy(update={"criteria": ()})
    assert "Nothing was judged." in page.html(verdict, unknown[1])
    assert "Nothing was judged." in page.markdown(verdict, unknown[1])


@pytest.mark.usefixtures("no_figure")
def test_p95_without_an_answer(failed: Run) -> None:
    """An infinite P95 is "no answer" with its lower bound, never the name of a float."""
    text = page.html(*failed)
    assert "no answer" in text
    assert not re.search(r"\b(inf|Infinity|nan|None)\b", re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL))


@pytest.mark.usefixtures("no_figure")
def test_odd_numbers(passed: Run) -> None:
    """NaN and infinity in any number of the verdict still give a page."""
    for odd in (math.nan, math.inf, -math.inf):
        window = passed[0].window.model_copy(update={"fault_s": odd, "end_s": odd})
        traffic = tuple(t.model_copy(update={"p50_ms": odd, "start_s": odd}) for t in passed[0].traffic)
        verdict = passed[0].model_copy(update={"window": window, "traffic": traffic})
        assert page.html(verdict, passed[1]).count("<h2") == 7
        assert page.markdown(verdict, passed[1])


def test_the_page_stands_alone(passed: Run, long_run: RunView) -> None:
    """30,000 requests fit into half a megabyte; no script, no address but the names of XML's own formats."""
    text = page.html(passed[0], long_run)
    assert len(text.encode()) <= 500_000
    outline = Outline(text)
    assert not {"script", "link", "iframe", "object", "base", "form", "a"} & {tag for tag, _ in outline.elements}
    assert "default-src 'none'" in text
    loaded = [v for _, attrs in outline.elements for name, v in attrs if name in {"src", "href", "xlink:href"} and v]
    assert all(value.startswith(("#", "data:image/png;base64,")) for value in loaded)
    assert "20,000 of 30,000 requests are drawn" in text


def test_tables_have_headers(passed: Run) -> None:
    """Every column and row has a header cell with its scope, and both figures have a text."""
    outline = Outline(page.html(*passed))
    assert all(dict(attrs).get("scope") in {"col", "row"} for tag, attrs in outline.elements if tag == "th")
    labels = [dict(attrs).get("aria-label") for _, attrs in outline.elements if dict(attrs).get("role") == "img"]
    assert len(labels) == 2
    assert all(label and label.startswith("5,986 requests answered") for label in labels)


@pytest.mark.usefixtures("no_figure")
def test_long_lists_are_cut(passed: Run) -> None:
    """A journal of a thousand lines shows two hundred and says how many more there are."""
    view = replace(passed[1], log=[(float(second), f"line {second}") for second in range(1000)])
    text = page.html(passed[0], view)
    assert "line 199<" in text
    assert "line 200<" not in text
    assert "800 more lines in the run folder" in text


def test_every_status_has_its_badge(passed: Run) -> None:
    """Each status is a word with a sign of its own, never a colour alone."""
    with patch.object(figure, "timeline", return_value=figure.Drawing("", 0)):
        for status, sign in ((Status.PASS, "✓"), (Status.FAIL, "✕"), (Status.UNKNOWN, "?")):
            text = page.html(passed[0].model_copy(update={"status": status}), passed[1])
            assert f'<span aria-hidden="true">{sign}</span> {status.value}</span> <bdi>One pod' in text
