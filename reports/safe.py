"""Text from outside, made harmless: what a cluster or a service says reaches a page as one visible line.

The escaping of HTML is Jinja2's; this module does what it leaves open: characters that cannot be seen or that
XML forbids, texts without end, and Markdown.
"""

import re

LIMIT = 600
"""Characters of one text that a report shows; `verdict.json` and the run folder hold the whole."""

_BREAKS = re.compile(r"(?:\r\n|[\t\n\v\f\r\x85\u2028\u2029])")
_ODD = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_FIRST_C1 = "\x7f"
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

_MARKDOWN = re.compile(
    r"[\\`*\[\]{}<>#|~!$&@]"
    r"|(?<![^\W_])_|_(?![^\W_])"  # inside a word an underscore means itself
    r"|:(?=//)|(?<=www)\.",  # no address becomes a link
    re.IGNORECASE,
)
_AS_ENTITY = frozenset("<>&|@:.")
"""A backslash does not keep these from HTML, from the splitting of table cells or from becoming links."""


def visible(text: str, limit: int = LIMIT) -> str:
    """The text as one line of characters that can be seen, cut after `limit` of them.

    Line breaks and tabs become spaces; control characters their pictures (U+2400…); marks that turn the
    writing direction their number; lone surrogates and what XML 1.0 forbids U+FFFD.
    """
    line = _ODD.sub(_picture, _BREAKS.sub(" ", text[: 2 * limit]))
    if len(text) <= limit:
        return line
    return f"{line[:limit]}… ({len(text) - limit:,} more characters)"


def _picture(match: re.Match[str]) -> str:
    char = match.group()
    if char in _BIDI:
        return f"[U+{ord(char):04X}]"
    if char < _FIRST_C1:
        return chr(0x2400 + ord(char))
    return "␡" if char == _FIRST_C1 else "\ufffd"


def markdown(text: str, limit: int = LIMIT) -> str:
    """The text for any place inside a line of Markdown, a table's cell too: it means only itself there.

    It does not guard the first character of a line: templates never begin a line with text from outside.
    """
    return _MARKDOWN.sub(_escape, visible(text, limit))


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    return f"&#{ord(char)};" if char in _AS_ENTITY else f"\\{char}"
