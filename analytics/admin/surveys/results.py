"""A survey's page: what was answered in a period, by whom, and what to do about it."""

from functools import cached_property
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.generic import TemplateView
from unfold.views import UnfoldModelAdminViewMixin

from analytics.choices import ChosenPeriod, Preset
from analytics.models import Survey, SurveyParticipation, SurveyQuestion, SurveyResponse
from analytics.nps import Nps
from analytics.periods import Grain
from analytics.services.survey_results import (
    GROUPS,
    Distribution,
    SurveyResults,
    answers_series,
    nps_series,
    responses_of,
    results_of,
)
from customers.models import Segment
from operations import formats
from operations.figure_files import ChartsPage
from operations.figures import Chart, Delta, Series

COMMENTS_SHOWN = 20
# Promoters, passives and detractors keep their colours from page to page.
SHADES = {"promoters": "#0f766e", "passives": "#94a3b8", "detractors": "#c2410c"}


class SurveyView(UnfoldModelAdminViewMixin, ChartsPage, TemplateView):
    """One survey: its score and answers over time, each question, what people wrote."""

    permission_required = "analytics.view_survey"
    template_name = "analytics/survey.html"
    title = ""

    @cached_property
    def survey(self) -> Survey:
        rows = Survey.objects.select_related("reward_promotion")
        return get_object_or_404(rows, pk=self.kwargs["pk"])

    @cached_property
    def period(self) -> ChosenPeriod:
        return ChosenPeriod.from_query(
            self.request.GET, until=timezone.localdate(), usual=Preset.DAYS_365, usual_grain=Grain.MONTH
        )

    @cached_property
    def segment(self) -> Segment | None:
        code = self.request.GET.get("segment", "")
        return Segment.objects.filter(code=code).first() if code and not self.survey.anonymous else None

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        self.title = self.survey.name
        results = self._results(self.period.start, self.period.end)
        user = self.request.user
        return super().get_context_data(
            **kwargs,
            original=self.survey,
            survey=self.survey,
            is_open=self.survey.is_open(timezone.now()),
            period=self.period,
            segment=self.segment,
            segments=[] if self.survey.anonymous else Segment.objects.order_by("name"),
            results=results,
            ever=self.survey.responses.exists(),
            figures=self._figures(results),
            over_time=self._over_time(),
            score_over_time=self._score_over_time() if results.nps else None,
            distributions=_charts([each for each in results.distributions if each.counts]),
            shown=self._shown,
            groups=self._groups(),
            comments=self._comments() if user.has_perm("analytics.view_surveyresponse") else None,
            newer_url=self._page_url(-1),
            older_url=self._page_url(1),
            problems=self._problems(),
            languages_with_gaps=self.survey.languages_with_gaps,
            may_change=user.has_perm("analytics.change_survey"),
            may_add=user.has_perm("analytics.add_survey"),
            may_mail=user.has_perm("campaigns.add_campaign"),
            sees_customers=user.has_perm("customers.view_customer"),
        )

    def _results(self, start: Any, end: Any) -> SurveyResults:
        return results_of(self.survey, start=start, end=end, segment=self.segment)

    def _figures(self, results: SurveyResults) -> list[Delta]:
        before = self._results(*self.period.compared) if self.period.compared else None
        figures = [
            Delta(
                _("Answers"),
                formats.number(results.answers),
                delta=_change(results.answers, before.answers) if before else None,
                against=self.period.against,
                icon="how_to_reg",
            )
        ]
        if results.nps:
            figures = [_score_figure(results.nps, before.nps if before else None), *figures]
            figures += _group_figures(results.nps)
        figures.append(
            Delta(
                _("Comments"),
                formats.number(results.comments),
                hint=_share(results.comments, results.answers),
                icon="comment",
            )
        )
        if self.survey.has_reward:
            given = self.survey.participations.filter(reward=SurveyParticipation.Reward.GIVEN).count()
            figures.append(Delta(_("Rewards given"), formats.number(given), hint=_("in all"), icon="redeem"))
        return figures

    @property
    def _span(self) -> dict[str, Any]:
        period = self.period
        return {"start": period.start, "end": period.end, "grain": period.grain, "segment": self.segment}

    def _over_time(self) -> Chart:
        period, starts = self.period, self.period.starts
        if any(one.kind == SurveyQuestion.Kind.RECOMMEND for one in self.survey.questions.all()):
            by_start = nps_series(self.survey, **self._span)
            empty = Nps(0, 0, 0)
            series = [
                Series(
                    str(label),
                    [getattr(by_start.get(start, empty), name) for start in starts],
                    shade=SHADES[name],
                )
                for name, label in _group_labels().items()
            ]
        else:
            counted = answers_series(self.survey, **self._span)
            series = [Series(_("Answers"), [counted.get(start, 0) for start in starts])]
        return Chart(
            _("Answers over time"), period.labels, series, kind="bar", stacked=True, key="answers",
            axis=period.grain.label,
        )  # fmt: skip

    def _score_over_time(self) -> Chart:
        period = self.period
        found = nps_series(self.survey, **self._span)
        scores = [found.get(start) for start in period.starts]
        intervals = [one.interval if one else None for one in scores]
        series = [
            Series(_("NPS"), [one.score if one else None for one in scores], colour=1),
            Series(_("95 %: from"), _ends(intervals, 0), colour=2, dashed=True),
            Series(_("95 %: to"), _ends(intervals, 1), colour=2, dashed=True),
        ]
        return Chart(
            _("NPS over time, with its interval of 95 %"), period.labels, series, key="nps",
            axis=period.grain.label,
        )  # fmt: skip

    @property
    def _shown(self) -> str:
        shown = self.request.GET.get("show", "")
        return shown if shown in {*GROUPS, "waiting"} else ""

    def _groups(self) -> list[tuple[str, str, str]]:
        """Return the choices above the comments: code, name, address."""
        names = {"": _("All"), **_group_labels(), "waiting": _("Unhappy, nobody has answered")}
        if not any(one.kind == SurveyQuestion.Kind.RECOMMEND for one in self.survey.questions.all()):
            return []
        return [
            (code, str(name), f"{self.period.url(show=code or None)}#comments")
            for code, name in names.items()
        ]

    def _comments(self) -> Page:
        rows = responses_of(self.survey, start=self.period.start, end=self.period.end, segment=self.segment)
        if self._shown == "waiting":
            rows = self.survey.responses.waiting()
        else:
            rows = rows.exclude(comment="")
            rows = rows.filter(GROUPS[self._shown]) if self._shown else rows
        rows = rows.select_related("customer", "settled_by")
        page = Paginator(rows, COMMENTS_SHOWN).get_page(self.request.GET.get("page"))
        page.object_list = [_comment(row) for row in page.object_list]
        return page

    def _page_url(self, step: int) -> str:
        page = self.request.GET.get("page", "")
        here = int(page) if page.isascii() and page.isdigit() and len(page) < 9 else 1
        return f"{self.period.url(page=str(max(1, here + step)))}#comments"

    def _problems(self) -> list[str]:
        """Return the rewards that could not be given, by reason."""
        stuck = self.survey.participations.filter(reward=SurveyParticipation.Reward.NOT_POSSIBLE).order_by()
        return [
            ngettext(
                "%(count)d reward could not be given: %(reason)s.",
                "%(count)d rewards could not be given: %(reason)s.",
                row["count"],
            )
            % {"count": row["count"], "reason": row["reward_problem"].replace("_", " ")}
            for row in stuck.values("reward_problem").annotate(count=Count("pk"))
        ]


def _comment(row: SurveyResponse) -> dict[str, Any]:
    url = reverse("admin:customers_customer_change", args=[row.customer_id]) if row.customer_id else ""
    tone = "" if row.score is None else "good" if row.score >= 9 else "bad" if row.score <= 6 else "info"
    return {"response": row, "customer_url": url, "tone": tone}


def _ends(intervals: list[tuple[float, float] | None], place: int) -> list[float | None]:
    return [round(ends[place], 1) if ends else None for ends in intervals]


def signed(score: int | None) -> str:
    """Return a score with its sign: "+30"."""
    if score is None:
        return formats.NOTHING
    return f"+{score}" if score > 0 else f"−{-score}" if score < 0 else "0"


def _group_labels() -> dict[str, str]:
    return {"promoters": _("Promoters"), "passives": _("Passives"), "detractors": _("Detractors")}


def _score_figure(nps: Nps, before: Nps | None) -> Delta:
    hint = ""
    if nps.interval:
        low, high = (signed(round(end)) for end in nps.interval)
        hint = _("95 %% interval %(low)s to %(high)s") % {"low": low, "high": high}
    if before and before.score is not None:
        earlier = _("before: %(score)s") % {"score": signed(before.score)}
        hint = f"{hint}; {earlier}"
    return Delta(_("NPS"), signed(nps.score), hint=hint, icon="sentiment_satisfied")


def _group_figures(nps: Nps) -> list[Delta]:
    icons = {"promoters": "thumb_up", "passives": "thumbs_up_down", "detractors": "thumb_down"}
    return [
        Delta(
            label,
            formats.percent(getattr(nps, name) / nps.answers if nps.answers else None, 0),
            hint=formats.number(getattr(nps, name)),
            icon=icons[name],
        )
        for name, label in _group_labels().items()
    ]


def _charts(distributions: list[Distribution]) -> list[dict[str, Any]]:
    """Return a card for each question, two in a row; a last one alone has the row to itself."""
    alone = len(distributions) - 1 if len(distributions) % 2 else None
    return [_chart(each) | {"span": 12 if place == alone else 6} for place, each in enumerate(distributions)]


def _chart(each: Distribution) -> dict[str, Any]:
    question = each.question
    note = _share_of(each)
    chart = Chart(
        str(question),
        [question.label_of(value) for value in each.counts],
        [Series(_("Answers"), list(each.counts.values()))],
        kind="bars" if question.kind in SurveyQuestion.LISTS else "bar",
        key=f"question-{question.code}",
        axis=_("Answer"),
        small=True,
    )
    return {"chart": chart, "note": note}


def _share_of(each: Distribution) -> str:
    answered = ngettext("%(count)s answer", "%(count)s answers", each.answered) % {
        "count": formats.number(each.answered)
    }
    if each.mean is None:
        return answered
    return _("%(answers)s, on average %(mean)s") % {"answers": answered, "mean": formats.number(each.mean, 1)}


def _change(now: int, before: int) -> float | None:
    return (now - before) / before if before else None


def _share(part: int, whole: int) -> str:
    return _("%(share)s of the answers") % {"share": formats.percent(part / whole, 0)} if whole else ""
