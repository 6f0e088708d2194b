"""Probes for load balancers: alive, and ready to serve."""

from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, JsonResponse


def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 while the process lives."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when database and cache answer, else 503 naming what is away."""
    away = [
        name for name, probe in (("database", _ask_database), ("cache", _ask_cache)) if not _answers(probe)
    ]
    return JsonResponse({"status": "away" if away else "ok", "away": away}, status=503 if away else 200)


def _answers(probe) -> bool:
    try:
        probe()
    except Exception:
        return False
    return True


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_cache() -> None:
    cache.get("probe")
