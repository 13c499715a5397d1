"""Errors of the API: each becomes a `Status` object, as client-go and the official clients expect."""

from gameday.rehearsal.api.resources import Resource
from gameday.rehearsal.objects import Obj


class ApiError(Exception):
    """A refused request."""

    def __init__(self, code: int, reason: str, message: str, details: Obj | None = None) -> None:
        super().__init__(message)
        self.code, self.reason, self.message, self.details = code, reason, message, details

    def status(self) -> Obj:
        """Return the `Status` object of the answer."""
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            **({"details": self.details} if self.details else {}),
            "code": self.code,
        }


def _details(resource: Resource, name: str) -> Obj:
    return {"name": name, **({"group": resource.group} if resource.group else {}), "kind": resource.plural}


def not_found(resource: Resource, name: str) -> ApiError:
    """404: no such object."""
    return ApiError(404, "NotFound", f'{resource.qualified} "{name}" not found', _details(resource, name))


def no_such_path() -> ApiError:
    """404: no such resource type."""
    return ApiError(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(resource: Resource, name: str) -> ApiError:
    """409: the name is taken."""
    return ApiError(409, "AlreadyExists", f'{resource.qualified} "{name}" already exists', _details(resource, name))


def conflict(resource: Resource, name: str, why: str) -> ApiError:
    """409: the object is not the one that the client read."""
    message = f'Operation cannot be fulfilled on {resource.qualified} "{name}": {why}'
    return ApiError(409, "Conflict", message, _details(resource, name))


def invalid(resource: Resource, name: str, problems: list[tuple[str, str]]) -> ApiError:
    """422: fields that do not hold what they must."""
    texts = [f"{field}: {problem}" for field, problem in problems]
    listed = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
    causes = [{"reason": "FieldValueInvalid", "message": problem, "field": field} for field, problem in problems]
    details = {"name": name, "group": resource.group, "kind": resource.kind, "causes": causes}
    message = f'{resource.kind}{"." + resource.group if resource.group else ""} "{name}" is invalid: {listed}'
    return ApiError(422, "Invalid", message, details)


def bad_request(message: str) -> ApiError:
    """400: not understood."""
    return ApiError(400, "BadRequest", message)


def unauthorized() -> ApiError:
    """401: no token, or a wrong one."""
    return ApiError(401, "Unauthorized", "Unauthorized")


def forbidden(resource: Resource, name: str, why: str) -> ApiError:
    """403: not allowed."""
    subject = f'{resource.qualified} "{name}"' if name else resource.qualified
    return ApiError(403, "Forbidden", f"{subject} is forbidden: {why}", _details(resource, name))


def expired(message: str) -> ApiError:
    """410: older than the kept history."""
    return ApiError(410, "Expired", message)


def not_allowed() -> ApiError:
    """405: the resource does not do that."""
    message = "the server does not allow this method on the requested resource"
    return ApiError(405, "MethodNotAllowed", message, {})


def unsupported_media(got: str) -> ApiError:
    """415: a body in a format that is not read here."""
    return ApiError(
        415,
        "UnsupportedMediaType",
        f"the body of the request was in an unknown format: got {got!r}, expected JSON or YAML",
    )
