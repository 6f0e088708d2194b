"""RFM on a customer's page and in GET /customers/{id}."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from analytics.models import RfmScore, RfmTransition
from analytics.rules import loyalty_level
from analytics.words import explain_score
from customers.models import Customer
from customers.panels import Figure, Panel

MOVES_SHOWN = 20


def rfm_details(customer: Customer) -> dict[str, Any]:
    """Return the customer's scores by model code; a model that has none of them is left out."""
    scores = RfmScore.objects.filter(customer=customer).select_related("model").order_by("model_id")
    return {"rfm": {score.model.code: score.as_dict() for score in scores}}


def rfm_panel(customer: Customer, request: HttpRequest) -> Panel | None:
    """Return the RFM cell for the strip, and a tab with every model's scores and moves."""
    if not request.user.has_perm("analytics.view_rfmscore"):
        return None
    scores = list(RfmScore.objects.filter(customer=customer).select_related("model").order_by("model_id"))
    if not scores:
        return None
    moves = (
        RfmTransition.objects.filter(customer=customer)
        .select_related("run__model")
        .order_by("-run_id")[:MOVES_SHOWN]
    )
    main = scores[0]
    return Panel(
        code="rfm",
        title=_("RFM"),
        template="analytics/customer_rfm.html",
        context={"scores": [_row(score) for score in scores], "moves": [_move(move) for move in moves]},
        figures=[
            Figure(
                _("RFM"),
                f"{main.r}-{main.f}-{main.m} · {_segment(main).label}",
                _("F%(score)d: %(words)s") % {"score": main.f, "words": explain_score(main)[1][1]},
            )
        ],
    )


def _segment(score: RfmScore):
    return score.model.segments.by_code(score.segment)


def _row(score: RfmScore) -> dict[str, Any]:
    other = score.candidate_segment not in ("", score.segment)
    return {
        "score": score,
        "segment": _segment(score),
        "words": explain_score(score),
        "level": loyalty_level(score.sum),
        "candidate": score.model.segments.by_code(score.candidate_segment) if other else None,
        "days_left": max(0, score.model.commit_after_runs - score.candidate_runs),
    }


def _move(move: RfmTransition) -> dict[str, Any]:
    segments = move.run.model.segments
    return {
        "run": move.run,
        "source": segments.by_code(move.from_segment).label if move.from_segment else "",
        "target": segments.by_code(move.to_segment).label if move.to_segment else "",
    }
