"""Every error leaves the API in one format: `{"key", "message", "details", "request_id"}`."""

from typing import Any

import structlog
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from operations.errors import FidelioError, InvalidInput, Mistake, NotFound, TryLater


def request_id() -> str:
    """Return the id under which this request is found in the logs."""
    return structlog.contextvars.get_contextvars().get("request_id", "")


def problem_body(error: FidelioError) -> dict[str, Any]:
    """Return the error as the body of an answer."""
    return {
        "key": error.key,
        "message": str(error.message),
        "details": [{"pointer": d.pointer, "message": str(d.message)} for d in error.details],
        "request_id": request_id(),
    }


def handle_exception(exception: Exception, context: dict[str, Any]) -> Response | None:
    """Turn an exception into a problem; None (a 500) only for what nobody foresaw."""
    error, headers = _problem(exception)
    if error is None:
        return None
    if isinstance(error, TryLater):
        headers.setdefault("Retry-After", str(error.retry_after))
    return Response(problem_body(error), status=error.status, headers=headers)


def _problem(exception: Exception) -> tuple[FidelioError | None, dict[str, str]]:
    headers: dict[str, str] = {}
    if isinstance(exception, FidelioError):
        return exception, headers
    if isinstance(exception, Http404):
        return NotFound(), headers
    if isinstance(exception, OperationalError | InterfaceError):
        return TryLater("The database cannot be reached right now; try again in a moment."), headers
    if isinstance(exception, RequestDataTooBig):
        return _error("too_large", 413, "The body is too large."), headers
    if isinstance(exception, exceptions.ValidationError):
        return InvalidInput(details=list(mistakes(exception.detail))), headers
    if isinstance(exception, exceptions.ParseError):
        return _error("not_json", 400, str(exception.detail)), headers
    if isinstance(exception, exceptions.APIException):
        if getattr(exception, "auth_header", None):
            headers["WWW-Authenticate"] = exception.auth_header
        if getattr(exception, "wait", None):
            headers["Retry-After"] = str(int(exception.wait) + 1)
        return _error(
            _KEYS.get(exception.status_code, exception.default_code),
            exception.status_code,
            str(exception.detail),
        ), headers
    return None, headers


_KEYS = {
    401: "not_authenticated",
    403: "missing_scope",
    404: "not_found",
    405: "method_not_allowed",
    429: "rate_limited",
}


def _error(key: str, status: int, message: str) -> FidelioError:
    error = FidelioError(message)
    error.key, error.status = key, status
    return error


def mistakes(detail: Any, pointer: str = ""):
    """Yield one Mistake per message of a DRF error detail, with the JSON pointer to its field."""
    if isinstance(detail, dict):
        for name, value in detail.items():
            own = pointer if name == "non_field_errors" else f"{pointer}/{_escape(str(name))}"
            yield from mistakes(value, own)
    elif isinstance(detail, list):
        for index, value in enumerate(detail):
            nested = isinstance(value, dict | list)
            yield from mistakes(value, f"{pointer}/{index}" if nested else pointer)
    else:
        yield Mistake(pointer, str(detail))


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
