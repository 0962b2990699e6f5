"""Errors become answers: one envelope for refusals, unknown routes, bad parameters and faults alike.

Who looks with a browser is shown a page instead, where there are pages.
"""

import logging
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from unstrung.studio.downloads import LinkRefused
from unstrung.studio.errors import (
    Forbidden,
    NotFound,
    RequestError,
    ServiceFault,
    WireError,
)
from unstrung.studio.storage import FileChanged, FileMissing, InvalidKey, StorageUnavailable
from unstrung.studio.wire import invalid_field

PageInstead = Callable[[Request, WireError], Response | None]
_log = logging.getLogger(__name__)


def add_error_handlers(app: FastAPI, page_instead: PageInstead) -> None:
    """Give an application the envelope, and the page that a browser is shown instead of it."""
    app.state.page_instead = page_instead
    app.add_exception_handler(WireError, _told)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(LinkRefused, _refused_link)
    for missing in (FileMissing, InvalidKey):
        app.add_exception_handler(missing, _missing)
    for fault in (StorageUnavailable, FileChanged):
        app.add_exception_handler(fault, _storage)


def _answer(request: Request, error: WireError) -> Response:
    page_instead: PageInstead = request.app.state.page_instead
    return page_instead(request, error) or _envelope(error)


def _envelope(error: WireError) -> JSONResponse:
    """An error for programs."""
    told: dict[str, Any] = {
        "message": str(error), "type": error.type, "param": error.param, "code": error.code,
    }  # fmt: skip
    if error.statement is not None:
        told["statement"] = error.statement
    headers = {}
    if error.retry_after_s is not None:
        headers["retry-after"] = str(error.retry_after_s)
    if error.status == HTTPStatus.CONFLICT:
        # The SDKs retry on 409, and asking again would not help here.
        headers["x-should-retry"] = "false"
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = "Bearer"
    return JSONResponse({"error": told}, error.status, headers)


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, WireError)
    # The line of the request says why, so that whoever tries doors is seen.
    request.state.refusal = error.code
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.warning("%s", error, exc_info=error.__cause__)
    return _answer(request, error)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return _answer(request, invalid_field(error.errors()))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.NOT_FOUND:
        told: WireError = NotFound(
            f"Unknown request URL: {request.method} {request.url.path}.", code="unknown_url"
        )
    else:
        told = RequestError(
            f"{error.detail}: {request.method} {request.url.path}.", code="method_not_allowed"
        )
        told.status = error.status_code
    response = _answer(request, told)
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        methods = _methods_of(request)
        if methods:  # pages are not in the description
            response.headers["allow"] = ", ".join(methods)
    return response


def _methods_of(request: Request) -> list[str]:
    """Methods of a path over all its routes; Starlette names only those of the first."""
    paths = request.app.openapi()["paths"]
    if request.url.path in paths:
        return sorted(method.upper() for method in paths[request.url.path])
    found: set[str] = set()
    for template, operations in paths.items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), request.url.path):
            found |= {method.upper() for method in operations}
    return sorted(found)


async def _refused_link(request: Request, error: Exception) -> Response:
    return _answer(request, Forbidden(str(error), code="link_refused"))


async def _missing(request: Request, error: Exception) -> Response:
    return _answer(request, NotFound(str(error), code="file_not_found"))


async def _storage(request: Request, error: Exception) -> Response:
    _log.error("The storage failed: %s", error)
    return _answer(
        request, ServiceFault("The storage cannot be reached; try again.", retry_after_s=2)
    )


def answer_to_fault(request: Request, error: Exception) -> Response:
    """What is said of an error that nobody foresaw: nothing but that it is ours; the log has it all."""
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    told = WireError("Something went wrong on our side; tell the operator the request id.")
    try:
        return _answer(request, told)
    except Exception:  # what failed may be what every page is made with
        _log.exception("the page that says so failed too")
        return _envelope(told)
