"""Lists are `{"data": [...], "next": "<cursor or null>"}`."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.core.exceptions import ValidationError
from django.db import DataError
from django.db.models import QuerySet
from rest_framework import pagination
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from operations.errors import InvalidInput


class CursorPagination(pagination.CursorPagination):
    """Page by cursor, newest first; `limit` is 1..500."""

    ordering = "-pk"
    page_size = 100
    max_page_size = 500
    page_size_query_param = "limit"

    def get_page_size(self, request: Any) -> int:
        value = request.query_params.get(self.page_size_query_param)
        if value is not None and not (
            value.isascii() and value.isdigit() and 1 <= int(value) <= self.max_page_size
        ):
            raise InvalidInput.at("/limit", f"limit is a whole number from 1 to {self.max_page_size}.")
        return super().get_page_size(request)

    def paginate_queryset(self, queryset: QuerySet, request: Request, view: Any = None) -> list | None:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (NotFound, ValueError, ValidationError, DataError) as error:
            if self.cursor_query_param not in request.query_params:
                raise
            raise InvalidInput.at("/cursor", "This is no cursor of this list.") from error

    def get_paginated_response(self, data: list) -> Response:
        return Response({"data": data, "next": self._cursor(self.get_next_link())})

    def get_paginated_response_schema(self, schema: dict) -> dict:
        return {
            "type": "object",
            "required": ["data", "next"],
            "properties": {"data": schema, "next": {"type": "string", "nullable": True}},
        }

    def _cursor(self, link: str | None) -> str | None:
        return parse_qs(urlsplit(link).query)[self.cursor_query_param][0] if link else None
