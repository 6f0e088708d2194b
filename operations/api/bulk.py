"""Bulk writes: `{"items": [...]}` with an answer per item, or one object answered alone."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model
from django.http import HttpResponse
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request

from operations.api.idempotency import respond_once
from operations.api.problems import mistakes, problem_body
from operations.api.readers import NotPlain, reader_of
from operations.api.serializers import MistakeOut, ProblemOut
from operations.errors import FidelioError, InvalidInput, Refusal
from operations.models import ApiClient
from operations.outcomes import Outcome

MAXIMUM_ITEMS = 500


class TooManyItems(FidelioError):
    key = "too_many_items"
    message = f"A call takes at most {MAXIMUM_ITEMS} items."


@dataclass(frozen=True)
class BulkWrite:
    """How one kind of thing is written in bulk.

    `item` validates one item; `write` takes the validated items and returns one Outcome for each; `show`
    renders the rows of a single object's answer; `reject`, if given, hears of each item refused by `item`.
    `admit` raises a FidelioError for an item that this client may not send.
    """

    item: type[serializers.Serializer]
    write: Callable[[list[dict[str, Any]]], list[Outcome]]
    show: Callable[[Model], dict[str, Any]]
    identify: Callable[[Model], str] = field(default=lambda row: str(row.pk))
    reject: Callable[[Any, InvalidInput], None] = field(default=lambda item, error: None)
    admit: Callable[[ApiClient, dict[str, Any]], None] = field(default=lambda client, item: None)

    def respond(self, request: Request) -> HttpResponse:
        """Write the request's items, once under an Idempotency-Key, and answer."""
        try:
            return respond_once(request, lambda: self.answer(request))
        except InvalidInput as error:
            # Under a key the work was rolled back, with what `reject` may have kept of it.
            if "Idempotency-Key" in request.headers:
                self.reject(request.data, error)
            raise

    def answer(self, request: Request) -> tuple[int, Any]:
        """Write the request's items; return the status and body of the answer."""
        body = request.data
        if not isinstance(body, dict):
            raise InvalidInput.at("", 'Send one object, or {"items": [...]}.')
        if "items" not in body:
            return self._answer_single(body, request.auth)
        outcomes = self._write(items_of(body), request.auth)
        return 207, {"results": [self._result(index, outcome) for index, outcome in enumerate(outcomes)]}

    def _answer_single(self, body: dict[str, Any], client: ApiClient) -> tuple[int, Any]:
        (outcome,) = self._write([body], client)
        if isinstance(outcome.error, Refusal):
            # Answered, not raised: what the service kept of the contradiction must be committed.
            return outcome.status, problem_body(outcome.error)
        if outcome.error:
            raise outcome.error
        return outcome.status, self.show(outcome.row) | {"warnings": _warnings(outcome)}

    def _write(self, items: list[Any], client: ApiClient) -> list[Outcome]:
        outcomes: dict[int, Outcome] = {}
        valid: dict[int, dict[str, Any]] = {}
        for index, item in enumerate(items):
            try:
                read = self._read(item)
                self.admit(client, read)
                valid[index] = read
            except InvalidInput as error:
                outcomes[index] = Outcome(error=error)
                self.reject(item, error)
            except FidelioError as error:
                outcomes[index] = Outcome(error=error)
        written = self.write(list(valid.values())) if valid else []
        outcomes |= zip(valid, written, strict=True)
        return [outcomes[index] for index in range(len(items))]

    def _read(self, item: Any) -> dict[str, Any]:
        try:
            return reader_of(self.item)(item)
        except NotPlain:
            serializer = self.item(data=item)
            if not serializer.is_valid():
                raise InvalidInput(details=list(mistakes(serializer.errors))) from None
            return serializer.validated_data

    def _result(self, index: int, outcome: Outcome) -> dict[str, Any]:
        return {
            "index": index,
            "status": outcome.status,
            "id": self.identify(outcome.row) if outcome.row else None,
            "error": _error(outcome.error) if outcome.error else None,
            "warnings": _warnings(outcome),
        }


def items_of(body: dict[str, Any]) -> list[Any]:
    """Return the items of a bulk, 1 to 500. Raises InvalidInput, TooManyItems."""
    items = body["items"]
    unknown = [InvalidInput.at(f"/{name}", "This field is not known.") for name in body if name != "items"]
    if unknown:
        raise unknown[0]
    if not isinstance(items, list) or not items:
        raise InvalidInput.at("/items", f"items is a list of 1 to {MAXIMUM_ITEMS}.")
    if len(items) > MAXIMUM_ITEMS:
        raise TooManyItems
    return items


def _error(error: FidelioError) -> dict[str, Any]:
    details = [{"pointer": mistake.pointer, "message": str(mistake.message)} for mistake in error.details]
    return {"key": error.key, "message": str(error.message), "details": details}


def _warnings(outcome: Outcome) -> list[dict[str, str]]:
    return [{"key": warning.key, "message": str(warning.message)} for warning in outcome.warnings]


class WarningOut(serializers.Serializer):
    """Something the sender should know about an item that was taken."""

    key = serializers.CharField()
    message = serializers.CharField()


class ItemErrorOut(serializers.Serializer):
    key = serializers.CharField()
    message = serializers.CharField()
    details = MistakeOut(many=True)


class ItemResultOut(serializers.Serializer):
    """What became of one item."""

    index = serializers.IntegerField()
    status = serializers.IntegerField(help_text="201 created, 200 updated or the same again, 409, 422.")
    id = serializers.CharField(allow_null=True)
    error = ItemErrorOut(allow_null=True)
    warnings = WarningOut(many=True)


class BulkOut(serializers.Serializer):
    """What became of each item, in the order they were sent."""

    results = ItemResultOut(many=True)


def bulk_schema(
    item: type[serializers.Serializer], answer: type[serializers.Serializer], **kwargs: Any
) -> Callable:
    """Return the decorator that describes a bulk write in the OpenAPI file."""
    name = item.__name__.removesuffix("In")
    items = inline_serializer(
        f"{name}ItemsIn", {"items": item(many=True, max_length=MAXIMUM_ITEMS, min_length=1)}
    )
    body = PolymorphicProxySerializer(f"{name}BulkIn", [item, items], resource_type_field_name=None)
    responses = {200: answer, 201: answer, 207: BulkOut, 409: ProblemOut, 422: ProblemOut}
    return extend_schema(request=body, responses=responses, **kwargs)
