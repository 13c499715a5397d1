"""Who may do what: two users with tokens, and deny rules that tests set for the first of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from gameday.rehearsal.api.errors import bad_request, forbidden
from gameday.rehearsal.api.requests import Info
from gameday.rehearsal.objects import Obj

ADMIN = "rehearsal-admin"
CHAOS_MESH = "system:serviceaccount:chaos-mesh:chaos-controller-manager"


@dataclass(frozen=True, slots=True)
class DenyRule:
    """What the stage's user may not do; `*` stands for anything.

    Written as `verb:resource[.group][/subresource][:namespace]`, e.g.
    `create:podchaos.chaos-mesh.org:staging`.
    """

    verb: str
    resource: str
    namespace: str = "*"

    @classmethod
    def parse(cls, text: str) -> "DenyRule":
        """Read the rule's text."""
        verb, _, rest = text.partition(":")
        resource, _, namespace = rest.partition(":")
        if not verb or not resource:
            raise ValueError(f"deny rule: got {text!r}, expected 'verb:resource[.group][/subresource][:namespace]'")
        return cls(verb, resource, namespace or "*")

    def __str__(self) -> str:
        """Return the text that `parse` reads."""
        return f"{self.verb}:{self.resource}:{self.namespace}"

    def hits(self, verb: str, resource: str, namespace: str) -> bool:
        """Say whether the rule forbids the request."""
        asked = ((self.verb, verb), (self.resource, resource), (self.namespace, namespace))
        return all(rule in ("*", value) for rule, value in asked)


class Access:
    """Decides on requests and answers reviews."""

    def __init__(self, tokens: dict[str, str], deny: Sequence[DenyRule] = ()) -> None:
        self._users = dict(tokens)
        self._deny = tuple(deny)

    def user(self, authorization: str) -> str | None:
        """Return who asks; None without a valid token."""
        scheme, _, token = authorization.partition(" ")
        return self._users.get(token.strip()) if scheme.lower() == "bearer" else None

    def allows(self, user: str, verb: str, resource: str, namespace: str) -> bool:
        """Say whether the user may."""
        return user != ADMIN or not any(rule.hits(verb, resource, namespace) for rule in self._deny)

    def check(self, user: str, info: Info) -> None:
        """Raise 403 unless the user may."""
        resource = info.resource.qualified + (f"/{info.subresource}" if info.subresource else "")
        if self.allows(user, info.verb, resource, info.namespace):
            return
        where = f' in the namespace "{info.namespace}"' if info.namespace else " at the cluster scope"
        kind = f'resource "{info.resource.plural}" in API group "{info.resource.group}"'
        what = f"cannot {info.verb} {kind}{where}"
        raise forbidden(info.resource, info.name, f'User "{user}" {what}')

    def review(self, user: str, kind: str, given: Obj) -> Obj:
        """Answer one of the self-subject reviews."""
        if kind == "SelfSubjectReview":
            return {**given, "status": {"userInfo": {"username": user, "groups": ["system:authenticated"]}}}
        if kind == "SelfSubjectRulesReview":
            everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
            incomplete = bool(self._deny) and user == ADMIN
            status = {"resourceRules": [everything], "nonResourceRules": [], "incomplete": incomplete}
            return {**given, "status": status}
        return {**given, "status": self._access_status(user, given.get("spec") or {})}

    def _access_status(self, user: str, spec: Obj) -> Obj:
        asked = spec.get("resourceAttributes")
        if asked is None:
            if not spec.get("nonResourceAttributes"):
                raise bad_request("spec: exactly one of nonResourceAttributes or resourceAttributes must be specified")
            return {"allowed": True}
        resource = str(asked.get("resource", ""))
        group, subresource = asked.get("group"), asked.get("subresource")
        resource += (f".{group}" if group else "") + (f"/{subresource}" if subresource else "")
        if self.allows(user, str(asked.get("verb", "")), resource, str(asked.get("namespace", ""))):
            return {"allowed": True, "reason": "the stage allows everything that no deny rule forbids"}
        return {"allowed": False, "denied": True, "reason": "a deny rule of the rehearsal stage"}
