"""The ledger's digests for everybody: who keeps one can prove later that nothing before it was changed."""

from datetime import date

from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from coupons import chains
from coupons.models import LedgerAnchor


@require_safe
def ledger_digest(request: HttpRequest, day: str) -> JsonResponse:
    """Answer the digest of a day, `latest` for the newest; it tells nothing about accounts or how many."""
    anchor = _anchor(day)
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
    answer["Cache-Control"] = f"public, max-age={300 if day == 'latest' else 86_400}"
    answer["Access-Control-Allow-Origin"] = "*"
    return answer


def _anchor(day: str) -> LedgerAnchor:
    every = LedgerAnchor.objects.order_by("-day")
    if day != "latest":
        try:
            every = every.filter(day=date.fromisoformat(day))
        except ValueError as error:
            raise Http404 from error
    found = every.first()
    if found is None:
        raise Http404
    return found
