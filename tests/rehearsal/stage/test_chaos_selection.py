"""Which pods a PodChaos hits."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameday.rehearsal.api.selectors import parse_labels
from gameday.rehearsal.chaos_selection import SelectionError, choose, field_query, label_query, matching
from gameday.rehearsal.objects import Obj

PERCENT = st.integers(0, 100)


def pods(count: int) -> list[Obj]:
    return [{"metadata": {"namespace": "n", "name": f"p{number}"}} for number in range(count)]


@given(st.integers(1, 20), st.integers(0, 30), PERCENT, st.randoms(use_true_random=False))
def test_each_mode_picks_as_many_as_it_says(count: int, fixed: int, percent: int, dice: random.Random) -> None:
    """One, all, a number, a percentage rounded up; always distinct pods."""
    for mode, value, expected in (
        ("one", "", 1),
        ("all", "", count),
        ("fixed", str(fixed), min(fixed, count)),
        ("fixed-percent", str(percent), math.ceil(count * percent / 100)),
    ):
        if expected:
            chosen = choose(pods(count), {"mode": mode, "value": value}, dice)
            assert len({pod["metadata"]["name"] for pod in chosen}) == expected
        else:
            with pytest.raises(SelectionError):
                choose(pods(count), {"mode": mode, "value": value}, dice)


@given(st.integers(1, 20), PERCENT, st.randoms(use_true_random=False))
def test_a_random_percentage_never_exceeds_its_maximum(count: int, percent: int, dice: random.Random) -> None:
    """random-max-percent rounds down and may pick none."""
    try:
        chosen = choose(pods(count), {"mode": "random-max-percent", "value": str(percent)}, dice)
    except SelectionError as error:
        assert str(error) == "no target has been selected"  # noqa: PT017 - either outcome is right
    else:
        assert len(chosen) <= count * percent / 100


def test_no_pod_is_chaos_meshs_own_error() -> None:
    """The words that the harness reports."""
    with pytest.raises(SelectionError, match=r"^no pod is selected$"):
        choose([], {"mode": "one"}, random.Random(1))  # noqa: S311 - dice, not secrets


def test_selectors_become_a_list_request() -> None:
    """Labels and expressions form one label selector, fields a field selector."""
    expressions = [
        {"key": "tier", "operator": "In", "values": ["a", "b"]},
        {"key": "old", "operator": "DoesNotExist"},
    ]
    query = label_query({"labelSelectors": {"app": "x"}, "expressionSelectors": expressions})
    assert query == "app=x,tier in (a,b),!old"
    assert parse_labels(query)({"app": "x", "tier": "b"})
    assert field_query({"fieldSelectors": {"metadata.name": "p"}}) == "metadata.name=p"


def test_annotations_phases_and_nodes_filter() -> None:
    """What a list request cannot ask for is filtered afterwards; without phases every phase matches."""
    pod = {"metadata": {"annotations": {"a": "1"}}, "status": {"phase": "Pending"}, "spec": {"nodeName": "n"}}
    assert matching([pod], {}, None) == [pod]
    assert matching([pod], {"annotationSelectors": {"a": "1"}, "podPhaseSelectors": ["Pending"]}, frozenset({"n"})) == [
        pod
    ]
    assert matching([pod], {"annotationSelectors": {"a": "2"}}, None) == []
    assert matching([pod], {"podPhaseSelectors": ["Running"]}, None) == []
    assert matching([pod], {}, frozenset({"other"})) == []
