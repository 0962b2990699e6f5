"""Every error the studio raises on purpose, each with its status and its stable code.

    StudioError
    |-- ConfigurationError        a setting breaks its rule; the process does not start
    |-- ServiceFault              the database, the storage or a worker is not there (503)
    `-- RequestError              the caller can do something about it
        |-- InvalidField          a field breaks its rule (400)
        |-- UnsupportedByModel    the model cannot do this (400)
        |-- Unauthenticated       no key, or not a good one (401)
        |-- Forbidden             the key may not do this (403)
        |-- NotFound              it does not exist, or it is not yours (404)
        |-- Conflict              it is not in the right state for this (409)
        |-- BodyTooLarge          the request body is larger than the limit (413)
        `-- TooMany               a rate or a quota is used up (429)

On the wire: `{"error": {"message", "type", "param", "code"}}`, the envelope of the closed Videos API, so that
unmodified clients raise their own exceptions. Codes are listed in docs/api.md, and a test keeps that list.
"""


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
