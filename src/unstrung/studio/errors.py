"""Every error the studio raises on purpose, each with its status and its stable code.

    StudioError
    |-- ConfigurationError        a setting breaks its rule; the process does not start
    |-- ServiceFault              the database, the storage or a worker is not there (503)
    `-- RequestError              the caller can do something about it
        |-- InvalidField          a field breaks its rule (400)
        |-- UnsupportedByModel    the model cannot do this (400)
        |-- Unauthenticated       no key, or not a good one (401)
        |-- Forbidden             the key may not do this (403)
        |-- Paused                access is paused, with the statement (403; 503 for everybody)
        |-- Refused               it was decided against, with the statement (403)
        |   `-- NotedRefusal      the same, its statement outliving the transaction that it ends
        |-- NotFound              it does not exist, or it is not yours (404)
        |-- Conflict              it is not in the right state for this (409)
        |-- BodyTooLarge          the request body is larger than the limit (413)
        `-- TooMany               a rate or a quota is used up (429)

On the wire: `{"error": {"message", "type", "param", "code"}}`, the envelope of the closed Videos API, so that
unmodified clients raise their own exceptions. Codes are listed in docs/api.md, and a test keeps that list.
"""

from collections.abc import Callable
from typing import Any


class StudioError(Exception):
    """Something the studio refuses or fails at, told in a sentence that a person can act on."""


class ConfigurationError(StudioError):
    """A setting breaks its rule."""


class WireError(StudioError):
    """An error that a caller sees.

    Attributes:
        status: of the HTTP response.
        type: the family, in the words of the closed API.
        code: stable name of the reason.
        param: the field at fault, or None.
        statement: a decision in machine-readable form, or None.
        retry_after_s: when it is worth asking again, or None.
    """

    status = 500
    type = "server_error"
    code = "internal_error"

    def __init__(
        self,
        message: str,
        param: str | None = None,
        code: str | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        """Take the sentence and, where they differ from the class's own, the field and the code."""
        super().__init__(message)
        self.param = param
        self.code = code or type(self).code
        self.retry_after_s = retry_after_s
        self.statement: dict[str, Any] | None = None


class ServiceFault(WireError):
    """A part of the service is not there at the moment."""

    status = 503
    code = "service_unavailable"


class RequestError(WireError):
    """The caller can do something about it."""

    status = 400
    type = "invalid_request_error"
    code = "invalid_request"


class InvalidField(RequestError):
    """A field breaks its rule."""

    code = "invalid_value"


class UnsupportedByModel(RequestError):
    """The model that was asked for does not do this."""

    code = "unsupported_by_model"


class Unauthenticated(RequestError):
    """No key was given, or none that is good."""

    status = 401
    code = "invalid_api_key"


class Forbidden(RequestError):
    """The key is good, but not for this."""

    status = 403
    code = "insufficient_scope"


class Paused(RequestError):
    """Access is paused for a while; what exists already stays reachable."""

    status = 403
    type = "access_paused_error"
    code = "access_paused"

    def __init__(
        self, message: str, statement: dict[str, Any], is_everybody: bool, retry_after_s: int
    ) -> None:
        """Take the notice and the pause; a pause of everybody is a state of the service (503)."""
        super().__init__(message, retry_after_s=retry_after_s)
        self.statement = statement
        if is_everybody:
            self.status = 503


class Refused(RequestError):
    """A rule decided against it; the statement says which, why, and how to contest it."""

    status = 403
    type = "refused_error"
    code = "refused"

    def __init__(self, message: str, statement: dict[str, Any], param: str | None = None) -> None:
        """Take the sentence and the statement of reasons."""
        super().__init__(message, param)
        self.statement = statement


class NotedRefusal(Refused):
    """A refusal whose statement must outlive the transaction that it ends.

    `Database.transaction` writes it in a transaction of its own after it has rolled back, so whoever lets
    this pass through a transaction has it written; nobody may swallow it inside one.
    """

    def __init__(
        self, message: str, write: Callable[[Any], dict[str, Any]], param: str | None = None
    ) -> None:
        """Take the sentence and what writes the statement with a session and returns it as it is told."""
        super().__init__(message, {}, param)
        self.write = write


class NotFound(RequestError):
    """There is no such thing, or it belongs to somebody else; both look the same from outside."""

    status = 404
    code = "not_found"


class Conflict(RequestError):
    """It is not in the right state for this."""

    status = 409
    code = "conflict"


class BodyTooLarge(RequestError):
    """The request body is larger than the limit."""

    status = 413
    code = "body_too_large"


class TooMany(RequestError):
    """A rate or a quota is used up."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"
