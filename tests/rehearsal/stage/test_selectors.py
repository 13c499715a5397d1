"""Label and field selectors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameday.rehearsal.api.errors import ApiError
from gameday.rehearsal.api.selectors import parse, parse_fields, parse_labels, selector_test

KEYS = st.sampled_from(["a", "app", "x.io/b"])
VALUES = st.sampled_from(["", "1", "two", "3-x"])
LABELS = st.dictionaries(KEYS, VALUES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("app=api", True),
        ("app==api", True),
        ("app=web", False),
        ("app!=web", True),
        ("missing!=anything", True),
        ("app in (web, api)", True),
        ("app notin (web,api)", False),
        ("missing notin (x)", True),
        ("app", True),
        ("!app", False),
        ("!missing", True),
        ("app=api,tier in (a,b),!old", True),
        ("app=api,tier=b", False),
    ],
)
def test_each_kind_of_requirement(text: str, expected: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Equality, sets and existence mean what the Kubernetes documentation says."""
    assert parse_labels(text)({"app": "api", "tier": "a"}) is expected


@pytest.mark.parametrize("text", ["a in b", "=x", "a>1", "a in (x", "a b"])
def test_nonsense_is_refused(text: str) -> None:
    """A selector that cannot be read is a 400, never a selector of everything."""
    with pytest.raises(ApiError):
        parse_labels(text)


@given(KEYS, VALUES, LABELS)
def test_inequality_is_the_complement_of_equality(key: str, value: str, labels: dict[str, str]) -> None:
    """`!=` holds exactly where `=` does not, missing labels included."""
    assert parse_labels(f"{key}={value}")(labels) is not parse_labels(f"{key}!={value}")(labels)


@given(KEYS, st.sets(VALUES.filter(bool), min_size=1), LABELS)
def test_text_and_object_selectors_agree(key: str, values: set[str], labels: dict[str, str]) -> None:
    """`a in (…)` and its matchExpressions select the same."""
    text = parse_labels(f"{key} in ({','.join(values)})")
    expression = {"key": key, "operator": "In", "values": sorted(values)}
    assert text(labels) is selector_test({"matchExpressions": [expression]})(labels)


@given(LABELS, LABELS)
def test_more_requirements_never_select_more(wanted: dict[str, str], labels: dict[str, str]) -> None:
    """MatchLabels selects exactly the supersets of its labels."""
    assert selector_test({"matchLabels": wanted})(labels) is (wanted.items() <= labels.items())


def test_field_selectors_reach_into_the_object() -> None:
    """Name, phase and node can be asked for; a missing field is the empty text."""
    pod = {"metadata": {"name": "p"}, "status": {"phase": "Running"}, "spec": {}}
    assert parse_fields("metadata.name=p,status.phase!=Failed,spec.nodeName=")(pod)
    assert not parse_fields("status.phase=Pending")(pod)


def test_no_selector_is_no_test() -> None:
    """Without selectors the caller is told that there is nothing to test."""
    assert parse("", "") is None
