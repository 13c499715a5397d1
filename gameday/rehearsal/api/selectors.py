"""Label and field selectors, in the syntax of `labelSelector=` and `fieldSelector=`."""

import re
from collections.abc import Callable, Mapping

from gameday.rehearsal.api.errors import bad_request
from gameday.rehearsal.objects import Obj, labels_of

type Predicate = Callable[[Obj], bool]
type LabelTest = Callable[[Mapping[str, str]], bool]

_COMMA_OUTSIDE_PARENTHESES = re.compile(r",(?![^(]*\))")
_SET = re.compile(r"^(?P<key>\S+)\s+(?P<op>in|notin)\s*\((?P<values>[^)]*)\)$")
_EQUALITY = re.compile(r"^(?P<key>[^=!<>\s]+)\s*(?P<op>==|=|!=)\s*(?P<value>[^=!<>\s]*)$")
_EXISTS = re.compile(r"^(?P<no>!?)\s*(?P<key>[^=!<>\s(),]+)$")


def _in(key: str, values: frozenset[str]) -> LabelTest:
    return lambda labels: key in labels and labels[key] in values


def _not_in(key: str, values: frozenset[str]) -> LabelTest:
    return lambda labels: labels.get(key) not in values  # a missing label is not in any set, as in Kubernetes


def _exists(key: str) -> LabelTest:
    return lambda labels: key in labels


def _missing(key: str) -> LabelTest:
    return lambda labels: key not in labels


def _requirement(text: str) -> LabelTest:
    if found := _SET.match(text):
        values = frozenset(value.strip() for value in found["values"].split(","))
        return (_in if found["op"] == "in" else _not_in)(found["key"], values)
    if found := _EQUALITY.match(text):
        wanted = frozenset({found["value"]})
        return (_not_in if found["op"] == "!=" else _in)(found["key"], wanted)
    if found := _EXISTS.match(text):
        return (_missing if found["no"] else _exists)(found["key"])
    raise bad_request(
        f"unable to parse requirement: got {text!r}, expected e.g. 'a=b', 'a!=b', 'a in (b,c)', 'a', '!a'"
    )


def parse_labels(text: str) -> LabelTest:
    """Read a label selector; empty selects everything."""
    parts = [part.strip() for part in _COMMA_OUTSIDE_PARENTHESES.split(text)] if text.strip() else []
    tests = [_requirement(part) for part in parts]
    return lambda labels: all(test(labels) for test in tests)


_OPERATORS: dict[str, Callable[[str, frozenset[str]], LabelTest]] = {
    "In": _in,
    "NotIn": _not_in,
    "Exists": lambda key, _: _exists(key),
    "DoesNotExist": lambda key, _: _missing(key),
}


def selector_test(selector: Obj | None) -> LabelTest:
    """Read a `LabelSelector` object; None selects nothing, an empty one everything."""
    if selector is None:
        return lambda _: False
    tests = [_in(key, frozenset({value})) for key, value in (selector.get("matchLabels") or {}).items()]
    for expression in selector.get("matchExpressions") or []:
        operator = _OPERATORS.get(expression.get("operator", ""))
        if operator is None:
            raise bad_request(f"{expression.get('operator')!r} is not a valid label selector operator")
        tests.append(operator(expression["key"], frozenset(expression.get("values") or [])))
    return lambda labels: all(test(labels) for test in tests)


_FIELD = re.compile(r"^(?P<path>[A-Za-z0-9.\-/\[\]]+)\s*(?P<op>==|=|!=)\s*(?P<value>.*)$")


def _field_value(obj: Obj, path: str) -> str:
    value: object = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _field_test(path: str, wanted: str, *, equal: bool) -> Predicate:
    return lambda obj: (_field_value(obj, path) == wanted) is equal


def parse_fields(text: str) -> Predicate:
    """Read a field selector; any path into the object is allowed, more than the real API server allows."""
    tests: list[Predicate] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        found = _FIELD.match(part)
        if found is None:
            raise bad_request(f"invalid field selector: got {part!r}, expected e.g. 'status.phase=Running'")
        tests.append(_field_test(found["path"], found["value"], equal=found["op"] != "!="))
    return lambda obj: all(test(obj) for test in tests)


def parse(labels: str, fields: str) -> Predicate | None:
    """Read both selectors of a request; None when neither is given, so that callers can skip the test."""
    if not labels and not fields:
        return None
    label_test, field_test = parse_labels(labels), parse_fields(fields)
    return lambda obj: label_test(labels_of(obj)) and field_test(obj)
