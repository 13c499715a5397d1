"""The four kinds of patches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameday.rehearsal.api.errors import ApiError
from gameday.rehearsal.api.patches import json_patch, merge, strategic
from gameday.rehearsal.objects import Obj, clone

JSON = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=3), JSON, max_size=4)


@given(OBJECTS, OBJECTS)
def test_a_merge_patch_is_idempotent_and_leaves_its_target_alone(target: Obj, patch: Obj) -> None:
    """Applied twice it changes no more, and the old object stays as it was."""
    before = clone(target)
    once = merge(target, patch)
    assert merge(once, patch) == once
    assert target == before


@given(OBJECTS, OBJECTS)
def test_a_merge_patch_wins_where_it_speaks(target: Obj, patch: Obj) -> None:
    """What is no object replaces; what it does not mention stays."""
    merged = merge(target, patch)
    assert isinstance(merged, dict)
    assert all(merged[key] == value for key, value in patch.items() if not isinstance(value, dict))
    assert all(merged[key] == value for key, value in target.items() if key not in patch)


def test_null_removes() -> None:
    """RFC 7386: null deletes the member."""
    assert merge({"a": 1, "b": {"c": 1, "d": 2}}, {"a": None, "b": {"c": None}}) == {"b": {"d": 2}}


def test_a_strategic_merge_matches_containers_by_name() -> None:
    """One container's image changes, the other container stays, and so does the first one's environment."""
    old = {"containers": [{"name": "a", "image": "1", "env": [{"name": "X", "value": "1"}]}, {"name": "b"}]}
    new = strategic(old, {"containers": [{"name": "a", "image": "2"}]})
    assert new == {"containers": [{"name": "a", "image": "2", "env": [{"name": "X", "value": "1"}]}, {"name": "b"}]}


def test_a_strategic_merge_can_delete_and_replace() -> None:
    """The directives $patch: delete, $patch: replace and $deleteFromPrimitiveList work."""
    old = {"containers": [{"name": "a"}, {"name": "b"}], "labels": {"x": "1"}, "finalizers": ["f", "g"]}
    patch = {
        "containers": [{"name": "a", "$patch": "delete"}],
        "labels": {"$patch": "replace", "y": "2"},
        "$deleteFromPrimitiveList/finalizers": ["f"],
        "$setElementOrder/containers": [{"name": "b"}],
    }
    assert strategic(old, patch) == {"containers": [{"name": "b"}], "labels": {"y": "2"}, "finalizers": ["g"]}


@given(OBJECTS, st.text(max_size=3), JSON)
def test_adding_and_removing_a_member_changes_nothing(target: Obj, key: str, value: object) -> None:
    """JSON patch: remove undoes add, also for names that need escapes."""
    target.pop(key, None)
    path = "/" + key.replace("~", "~0").replace("/", "~1")
    operations = [{"op": "add", "path": path, "value": value}, {"op": "remove", "path": path}]
    assert json_patch(target, operations) == target


def test_json_patch_moves_copies_and_tests() -> None:
    """The other operations do what RFC 6902 says."""
    operations = [
        {"op": "test", "path": "/a", "value": 1},
        {"op": "move", "from": "/a", "path": "/b"},
        {"op": "copy", "from": "/b", "path": "/c"},
        {"op": "add", "path": "/list/-", "value": 3},
        {"op": "add", "path": "/list/0", "value": 0},
        {"op": "replace", "path": "/list/1", "value": "one"},
    ]
    assert json_patch({"a": 1, "list": [1, 2]}, operations) == {"b": 1, "c": 1, "list": [0, "one", 2, 3]}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/a", "value": 2},
        {"op": "remove", "path": "/missing"},
        {"op": "replace", "path": "/missing", "value": 1},
        {"op": "add", "path": "/x/y", "value": 1},
        {"op": "jump", "path": "/a"},
        {"op": "add", "path": "/a"},
    ],
)
def test_an_impossible_json_patch_is_refused(operation: Obj) -> None:
    """What cannot be done is an error, and the target stays whole."""
    with pytest.raises(ApiError):
        json_patch({"a": 1}, [operation])
