"""Files over the API: one CSV, NDJSON or Excel file as the body, taken as a job."""

import hashlib
import tempfile
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import FileResponse, HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.api.references import SourceCodeField
from customers.imports.kinds import KINDS
from customers.imports.records import UnreadableFile
from customers.models.imports import ImportKind, ImportRun
from customers.services import imports
from customers.services.references import ensure_sources
from operations.api.idempotency import respond_once
from operations.api.serializers import ProblemOut, StrictSerializer
from operations.errors import FidelioError, NotFound
from operations.models import JobFile

IN_MEMORY, BLOCK = 1024 * 1024, 64 * 1024
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ENDINGS = {"text/csv": "csv", "application/x-ndjson": "ndjson", XLSX: "xlsx"}


class FileBody(dict):
    """The digest and size of a body, which make it a request of its own; the body itself lies in `file`."""

    def __init__(self, file: Any, *, digest: str, size: int) -> None:
        super().__init__(digest=digest, size=size)
        self.file = file


class FileParser(BaseParser):
    """Read a body of up to 200 MB block by block, never as a whole."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> FileBody:
        file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - it outlives this call
        digest, size = hashlib.sha256(), 0
        while block := stream.read(BLOCK):
            size += len(block)
            if size > imports.MAXIMUM_BYTES:
                raise RequestDataTooBig
            digest.update(block)
            file.write(block)
        file.seek(0)
        return FileBody(file, digest=digest.hexdigest(), size=size)


class CsvParser(FileParser):
    media_type = "text/csv"


class NdjsonParser(FileParser):
    media_type = "application/x-ndjson"


class XlsxParser(FileParser):
    media_type = XLSX


class ImportIn(StrictSerializer):
    """What the file holds and whose it is; columns are found by their names, as in the console."""

    kind = serializers.ChoiceField(ImportKind.choices)
    source = SourceCodeField()
    mode = serializers.ChoiceField(ImportRun.Mode.choices, default=ImportRun.Mode.UPSERT)
    announce = serializers.BooleanField(default=False)
    dry_run = serializers.BooleanField(default=False)


class PromisedImportOut(serializers.Serializer):
    """The import and its job; `GET /imports/{id}` tells what became of the records."""

    id = serializers.CharField()
    job = serializers.CharField()


class ReasonOut(serializers.Serializer):
    """Why so many records were refused, and where the first of them stands."""

    code = serializers.CharField()
    column = serializers.CharField()
    line = serializers.IntegerField()
    message = serializers.CharField()
    count = serializers.IntegerField()


class ImportOut(serializers.Serializer):
    """How far an import is and what became of its records; of a dry run, what would become of them."""

    id = serializers.CharField()
    kind = serializers.ChoiceField(ImportKind.choices)
    source = serializers.CharField()
    status = serializers.ChoiceField(ImportRun.Status.choices)
    job = serializers.CharField()
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    rejected = serializers.IntegerField()
    reasons = ReasonOut(many=True)
    error = serializers.CharField(allow_blank=True)


def import_out(run: ImportRun) -> dict[str, Any]:
    """Return an import as `GET /imports/{id}` answers it."""
    report = (run.checked if run.status == ImportRun.Status.CHECKED else run.report) or {}
    counts = {name: report.get(name, 0) for name in ("created", "updated", "unchanged", "rejected")}
    reasons = [
        {"code": code.partition(" ")[0]} | reason for code, reason in report.get("reasons", {}).items()
    ]
    told = {"kind": run.kind, "source": run.source.code, "status": run.status, "job": str(run.job_id)}
    return {"id": str(run.pk)} | told | counts | {"reasons": reasons, "error": report.get("error", "")}


class ImportsView(APIView):
    """Take a file of records as a job; what is refused comes back line by line, the rest is taken.

    The scope is that of the records: `customers:write`, `orders:write`, `catalogue:write`, `events:write` or
    `consents:write`.
    """

    required_scope = "any"
    parser_classes = (CsvParser, NdjsonParser, XlsxParser)

    @extend_schema(
        operation_id="imports_create",
        parameters=[ImportIn, OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
        request=dict.fromkeys(ENDINGS, OpenApiTypes.BINARY),
        responses={202: PromisedImportOut, 403: ProblemOut, 413: ProblemOut, 422: ProblemOut},
    )
    def post(self, request: Request) -> HttpResponse:
        asked = ImportIn(data=dict(request.query_params.items()))
        asked.is_valid(raise_exception=True)
        _check_scope(request, asked.validated_data["kind"])
        return respond_once(request, lambda: self._promise(request, asked.validated_data))

    def _promise(self, request: Request, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        body = request.data
        if not isinstance(body, FileBody):
            raise UnreadableFile.at("", "The file is empty.")
        ending = ENDINGS[request.content_type.partition(";")[0].strip().lower()]
        file = UploadedFile(body.file, name=f"{asked['source']}-{asked['kind']}.{ending}", size=body["size"])
        with transaction.atomic():
            source = ensure_sources({asked["source"]})[asked["source"]]
            run = imports.create_import(asked["kind"], source=source, file=file, owner=None)
            run.mode, run.announce = asked["mode"], asked["announce"]
            run.save(update_fields=["mode", "announce"])
            start = imports.start_check if asked["dry_run"] else imports.start_import
            try:
                run = start(run, owner=None, client=request.auth)
            except FidelioError:
                run.upload.delete(save=False)
                raise
        return 202, {"id": str(run.pk), "job": str(run.job_id)}


class ImportView(APIView):
    """How far an import is that this client sent, and what became of its records."""

    required_scope = "any"

    @extend_schema(responses={200: ImportOut, 404: ProblemOut}, operation_id="imports_retrieve")
    def get(self, request: Request, pk: int) -> Response:
        return Response(import_out(_own_import(request, pk)))


class ImportErrorsView(APIView):
    """The refused records as CSV: line, column, code, sentence and the line as it stood in the file."""

    required_scope = "any"

    @extend_schema(
        responses={(200, "text/csv"): OpenApiTypes.BINARY, 404: ProblemOut}, operation_id="imports_errors"
    )
    def get(self, request: Request, pk: int) -> FileResponse:
        run = _own_import(request, pk)
        file = JobFile.objects.filter(job=run.job_id, code="errors").first()
        if file is None:
            raise NotFound
        return FileResponse(file.file.open(), as_attachment=True, filename=file.name, content_type="text/csv")


def _own_import(request: Request, pk: int) -> ImportRun:
    own = ImportRun.objects.select_related("source").filter(job__client=request.auth)
    run = get_object_or_404(own, pk=pk)
    _check_scope(request, run.kind)
    return run


def _check_scope(request: Request, kind: str) -> None:
    scope = KINDS[kind].scope
    if not request.auth.has_scope(scope):
        raise PermissionDenied(f"This API key lacks the scope {scope}.")
