"""The ledger's digests for everybody: who keeps one can prove later that nothing before it was changed."""

from datetime import date

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from coupons import chains
from coupons.models import LedgerAnchor
from operations.errors import NotFound


@require_safe
def ledger_digest(request: HttpRequest, day: str) -> JsonResponse:
    """Answer the digest of a day, `latest` for the newest; it tells nothing about accounts or how many.

    Programs read it: a day without one is answered as the API answers, not with a page.
    """
    anchor = _anchor(day)
    if anchor is None:
        refusal = {"key": NotFound.key, "message": "There is no digest of this day.", "details": []}
        return _to_everybody(JsonResponse(refusal, status=NotFound.status), seconds=60)
    answer = JsonResponse(
        {
            "algorithm": chains.ALGORITHM,
            "day": anchor.day.isoformat(),
            "digest": anchor.digest,
            "previous": anchor.previous or None,
            "root": anchor.root,
            "anchored_at": anchor.anchored_at.isoformat(),
        }
    )
    # A day's digest never changes; the newest is another one tomorrow.
    return _to_everybody(answer, seconds=300 if day == "latest" else 86_400)


def _to_everybody(answer: JsonResponse, *, seconds: int) -> JsonResponse:
    answer["Cache-Control"] = f"public, max-age={seconds}"
    answer["Access-Control-Allow-Origin"] = "*"
    return answer


def _anchor(day: str) -> LedgerAnchor | None:
    every = LedgerAnchor.objects.order_by("-day")
    if day != "latest":
        try:
            every = every.filter(day=date.fromisoformat(day))
        except ValueError:
            return None
    return every.first()
