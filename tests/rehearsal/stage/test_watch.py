"""Watches over HTTP: order, selectors, bookmarks, the end of history."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Api

    from gameday.rehearsal.objects import Obj

CONFIGMAPS = "/api/v1/namespaces/default/configmaps"


def watch(api: Api, query: str, path: str = CONFIGMAPS) -> Iterator[Obj]:
    """Yield watch events until the server ends the watch."""
    answer = api.raw.rest_client.pool_manager.request(
        "GET",
        f"{api.raw.configuration.host}{path}?watch=true&timeoutSeconds=1&{query}",
        headers={"Authorization": api.token},
        preload_content=False,
        retries=False,
    )
    rest = b""
    for chunk in answer.stream(None):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (json.loads(line) for line in lines)
    answer.release_conn()


def put(api: Api, name: str, labels: dict[str, str]) -> Obj:
    body = {"metadata": {"name": name, "labels": labels}}
    code, made = api.send("POST", CONFIGMAPS, body)
    if code == 409:
        _, made = api.send("PUT", f"{CONFIGMAPS}/{name}", body)
    return made


def version(api: Api) -> str:
    return api.send("GET", CONFIGMAPS)[1]["metadata"]["resourceVersion"]


def test_a_watch_from_a_list_sees_what_follows_in_order(bare_api: Api) -> None:
    """ADDED, MODIFIED, DELETED, with rising versions and nothing from before."""
    put(bare_api, "before", {})
    since = version(bare_api)
    put(bare_api, "a", {})
    put(bare_api, "a", {"x": "1"})
    bare_api.send("DELETE", f"{CONFIGMAPS}/a")
    events = list(watch(bare_api, f"resourceVersion={since}"))
    assert [(e["type"], e["object"]["metadata"]["name"]) for e in events] == [
        ("ADDED", "a"),
        ("MODIFIED", "a"),
        ("DELETED", "a"),
    ]
    versions = [int(e["object"]["metadata"]["resourceVersion"]) for e in events]
    assert versions == sorted(set(versions))
    assert versions[0] > int(since)


def test_an_open_watch_hears_of_a_change(bare_api: Api) -> None:
    """A change that is made while the watch runs arrives through it."""
    events = watch(bare_api, f"resourceVersion={version(bare_api)}")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(lambda: next(events))
        put(bare_api, "live", {"now": "yes"})
        assert first.result(5)["object"]["metadata"]["labels"] == {"now": "yes"}


def test_an_object_that_stops_to_match_disappears(bare_api: Api) -> None:
    """A watcher with a selector sees transitions as ADDED and DELETED."""
    since = version(bare_api)
    for labels in ({"app": "no"}, {"app": "yes"}, {"app": "yes", "n": "1"}, {"app": "no"}):
        put(bare_api, "moody", labels)
    events = list(watch(bare_api, f"resourceVersion={since}&labelSelector=app%3Dyes"))
    assert [e["type"] for e in events] == ["ADDED", "MODIFIED", "DELETED"]


def test_a_watch_without_a_version_begins_with_what_is_there(bare_api: Api) -> None:
    """The present state comes as ADDED events; with sendInitialEvents a bookmark marks its end."""
    put(bare_api, "present", {})
    events = list(watch(bare_api, "fieldSelector=metadata.name%3Dpresent"))
    assert [e["type"] for e in events] == ["ADDED"]
    query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    events = list(watch(bare_api, query))
    marks = [e["object"]["metadata"].get("annotations") for e in events if e["type"] == "BOOKMARK"]
    assert {"k8s.io/initial-events-end": "true"} in marks


def test_a_bookmark_carries_the_newest_version(bare_api: Api) -> None:
    """At the end of a quiet watch a bookmark says from where to go on."""
    since = version(bare_api)
    events = list(watch(bare_api, f"resourceVersion={since}&allowWatchBookmarks=true", "/api/v1/secrets"))
    assert [e["type"] for e in events] == ["BOOKMARK"]
    assert int(events[0]["object"]["metadata"]["resourceVersion"]) >= int(since)


def test_a_watch_from_before_the_history_is_gone(bare_api: Api) -> None:
    """An ERROR event with a Status of code 410; a list at that version answers 410 itself."""
    since = version(bare_api)
    for number in range(70):
        put(bare_api, "churn", {"n": str(number)})
    (event,) = watch(bare_api, f"resourceVersion={since}")
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")
    query = f"?resourceVersion={since}&resourceVersionMatch=Exact"
    assert bare_api.send("GET", CONFIGMAPS + query)[0] == 410


def test_pages_show_one_moment(bare_api: Api) -> None:
    """Limited lists continue at the first page's version: what came later is not in them."""
    for number in range(3):
        put(bare_api, f"page-{number}", {"paged": "yes"})
    query = "?limit=2&labelSelector=paged%3Dyes"
    _, first = bare_api.send("GET", CONFIGMAPS + query)
    put(bare_api, "page-9", {"paged": "yes"})
    _, rest = bare_api.send("GET", f"{CONFIGMAPS}{query}&continue={first['metadata']['continue']}")
    names = [obj["metadata"]["name"] for obj in first["items"] + rest["items"]]
    assert names == ["page-0", "page-1", "page-2"]
    assert "continue" not in rest["metadata"]
