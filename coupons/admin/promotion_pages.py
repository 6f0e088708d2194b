"""The page of one promotion: what it says, brought and cost; its budgets, alerts, versions and buttons."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.generic import TemplateView, View
from unfold.views import UnfoldModelAdminViewMixin

from coupons import services
from coupons.admin.forms import StopForm
from coupons.figures import BudgetBar, PromotionFigures, promotion_figures, redemption_chart
from coupons.forecast import BurnDown, burn_down
from coupons.models import Promotion, PromotionAlert, PromotionVersion, Redemption
from coupons.notices import promotion_notices
from coupons.services import Author
from coupons.services.alerts import alert_in_words, dismiss_alerts
from coupons.wording import compare, describe, sentences
from operations.errors import FidelioError
from operations.figure_files import ChartsPage
from operations.figures import Cell, Column, Delta, Table
from operations.formats import moment, money, number, whole_money

MAY_CHANGE = "coupons.change_promotion"
LATEST = 10
VERSIONS_SHOWN = 50
ALERTS_SHOWN = 5


class PromotionPage(UnfoldModelAdminViewMixin):
    """Base of the pages about one promotion."""

    def promotion(self) -> Promotion:
        return get_object_or_404(Promotion, pk=self.kwargs["pk"])


class PromotionView(ChartsPage, PromotionPage, TemplateView):
    """One promotion: what it says, what it brought and cost, and the buttons that move it."""

    permission_required = "coupons.view_promotion"
    template_name = "coupons/promotion.html"
    title = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        promotion, at = self.promotion(), timezone.now()
        self.title = promotion.name
        figures = promotion_figures([promotion], at=at)[promotion.pk]
        budgets = _budgets(promotion, figures.budgets, at=at)
        may_change = self.request.user.has_perm(MAY_CHANGE)
        status = promotion.status_at(at)
        return super().get_context_data(
            **kwargs,
            promotion=promotion,
            status=status,
            status_text=Promotion.Status(status).label,
            sentences=sentences(promotion),
            notices=promotion_notices(promotion, at=at) if status not in ("EXPIRED", "STOPPED") else [],
            alerts=_alerts(promotion),
            strip=_strip(promotion, figures),
            budgets=budgets,
            budget_charts=[burn.chart for _bar, burn in budgets if burn.chart],
            chart=redemption_chart(promotion, at=at) if figures.redemptions or status != "DRAFT" else None,
            latest=_latest(promotion),
            newest=_newest_version(promotion),
            may_change=may_change,
            may_stop=may_change and status in ("ACTIVE", "SCHEDULED"),
            drained=status == "STOPPED" and promotion.stop_mode == Promotion.StopMode.DRAIN,
            makes_codes=promotion.trigger == Promotion.Trigger.COUPON
            and not promotion.coupons.filter(public=True).exists(),
            batches=promotion.batches.select_related("job", "issued_by", "client")[:5],
        )


class PromotionMoveView(PromotionPage, View):
    """Activate, stop, resume, copy, or put an alert aside: one click."""

    permission_required = MAY_CHANGE
    title = ""
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int, move: str) -> HttpResponse:
        promotion = self.promotion()
        moves = {
            "activate": self._activate,
            "resume": self._resume,
            "stop": self._stop,
            "copy": self._copy,
            "seen": self._seen,
        }
        if move not in moves:
            raise Http404
        by, at = Author(request.user), timezone.now()
        try:
            promotion, text = moves[move](promotion, by=by, at=at)
        except FidelioError as error:
            messages.error(request, _why(error))
        else:
            messages.success(request, text)
        return redirect(page_of(promotion))

    def _activate(self, promotion: Promotion, *, by: Author, at: datetime) -> tuple[Promotion, str]:
        promotion = services.activate_promotion(promotion, by=by, at=at)
        if promotion.status == Promotion.Status.SCHEDULED:
            since = moment(promotion.starts_at, promotion.time_zone)
            return promotion, _("The promotion starts by itself on %(since)s.") % {"since": since}
        return promotion, _("The promotion is active.")

    def _resume(self, promotion: Promotion, *, by: Author, at: datetime) -> tuple[Promotion, str]:
        return services.resume_promotion(promotion, by=by, at=at), _("The promotion runs again.")

    def _stop(self, promotion: Promotion, *, by: Author, at: datetime) -> tuple[Promotion, str]:
        form = StopForm(self.request.POST)
        if not form.is_valid():
            raise Http404
        stopped = services.stop_promotion(promotion, by=by, at=at, **form.cleaned_data)
        if stopped.stop_mode == Promotion.StopMode.DRAIN:
            return stopped, _("Nothing new is handed out; coupons already out stay good.")
        return stopped, _("The promotion is stopped: nothing redeems any more.")

    def _copy(self, promotion: Promotion, *, by: Author, at: datetime) -> tuple[Promotion, str]:
        if not self.request.user.has_perm("coupons.add_promotion"):
            raise Http404
        version = self.request.POST.get("version", "")
        number_of = int(version) if version.isascii() and version.isdigit() and len(version) < 9 else None
        copy = services.clone_promotion(promotion, by=by, version=number_of, at=at)
        return copy, _("This is a copy, as a draft: change what differs, then activate it.")

    def _seen(self, promotion: Promotion, *, by: Author, at: datetime) -> tuple[Promotion, str]:
        dismiss_alerts(promotion, by=by.user, at=at)
        return promotion, _("Noted that you looked at it.")


class VersionsView(PromotionPage, TemplateView):
    """What the promotion said and when, who changed what, and a way back."""

    permission_required = "coupons.view_promotion"
    template_name = "coupons/promotion_versions.html"
    title = gettext_lazy("Versions")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        promotion = self.promotion()
        self.title = _("Versions of %(promotion)s") % {"promotion": promotion.name}
        found = list(
            promotion.versions.select_related("changed_by", "client").order_by("-number")[
                : VERSIONS_SHOWN + 1
            ]
        )
        older = {one.number + 1: one for one in found}
        rows = [_version_row(one, older.get(one.number), promotion) for one in found[:VERSIONS_SHOWN]]
        return super().get_context_data(
            **kwargs,
            promotion=promotion,
            versions=rows,
            newest=found[0].number if found else 0,
            may_change=self.request.user.has_perm(MAY_CHANGE),
            may_add=self.request.user.has_perm("coupons.add_promotion"),
        )


class RestoreView(PromotionPage, View):
    """Let the promotion say again what it once said."""

    permission_required = MAY_CHANGE
    title = ""
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        promotion = self.promotion()
        try:
            services.restore_version(promotion, number, by=Author(request.user), at=timezone.now())
        except FidelioError as error:
            messages.error(request, _why(error))
            return redirect("admin:coupons_promotion_versions", pk=pk)
        messages.success(
            request, _("The promotion says again what version %(number)s said.") % {"number": number}
        )
        return redirect(page_of(promotion))


def page_of(promotion: Promotion) -> str:
    return reverse("admin:coupons_promotion_change", args=[promotion.pk])


def _why(error: FidelioError) -> str:
    """Return why something was refused, in one line."""
    details = " ".join(dict.fromkeys(str(mistake.message) for mistake in error.details))
    return details or str(error.message)


def _alerts(promotion: Promotion) -> list[dict[str, Any]]:
    alerts = promotion.alerts.open().select_related("promotion", "coupon", "period__budget__promotion")
    return [
        {
            "text": alert_in_words(alert),
            "at": alert.raised_at,
            "tone": "warn" if alert.kind == PromotionAlert.Kind.BUDGET and alert.threshold < 100 else "bad",
        }
        for alert in alerts[:ALERTS_SHOWN]
    ]


def _budgets(
    promotion: Promotion, bars: list[BudgetBar], *, at: datetime
) -> list[tuple[BudgetBar, BurnDown]]:
    budgets = {one.pk: one for one in promotion.budgets.select_related("promotion")}
    return [(bar, burn_down(budgets[bar.budget_id], used=bar.used, at=at)) for bar in bars]


def _newest_version(promotion: Promotion) -> PromotionVersion | None:
    return promotion.versions.select_related("changed_by", "client").order_by("-number").first()


def _version_row(
    version: PromotionVersion, before: PromotionVersion | None, promotion: Promotion
) -> dict[str, Any]:
    zone = promotion.time_zone
    return {
        "version": version,
        "note": _note(version),
        "who": version.changed_by or version.client or _("the system"),
        "changes": compare(before.definition, version.definition, zone=zone) if before else [],
        "sentences": _described(version.definition, zone),
    }


def _note(version: PromotionVersion) -> str:
    """Return what was written beside a change; how a promotion was stopped is written as a key."""
    mode, _colon, reason = version.note.partition(": ")
    if version.change != PromotionVersion.Change.STOPPED or mode not in Promotion.StopMode.values:
        return version.note
    return " · ".join(filter(None, [str(Promotion.StopMode(mode).label), reason]))


def _described(definition: dict[str, Any], zone: str) -> list[tuple[str, str]]:
    try:
        return describe(definition, zone=zone)
    except FidelioError:  # Written when the rules were others.
        return [(_("As written"), str(definition))]


def _strip(promotion: Promotion, figures: PromotionFigures) -> list[Delta]:
    average = figures.discount_amount // figures.redemptions if figures.redemptions else None
    strip = [
        Delta(_("Redemptions"), number(figures.redemptions), icon="redeem"),
        Delta(_("Discount given"), whole_money(figures.discount_amount, promotion.currency), icon="payments"),
        Delta(_("Per redemption"), money(average, promotion.currency), icon="functions"),
    ]
    if promotion.trigger == Promotion.Trigger.COUPON:
        url = f"{reverse('admin:coupons_coupon_changelist')}?promotion__id__exact={promotion.pk}"
        strip.append(Delta(_("Codes"), number(figures.codes), icon="confirmation_number", url=url))
        strip.append(
            Delta(pgettext("how many", "Handed out"), number(figures.published), icon="outgoing_mail")
        )
    return strip


def _latest(promotion: Promotion) -> Table:
    redemptions = (
        Redemption.objects.filter(promotion=promotion)
        .select_related("customer", "coupon")
        .order_by("-redeemed_at")[:LATEST]
    )
    return Table(
        [
            Column(_("When")),
            Column(_("Customer")),
            Column(_("Code")),
            Column(_("Discount"), numeric=True),
            Column(_("State")),
        ],
        [
            [
                Cell(
                    moment(one.redeemed_at),
                    url=reverse("admin:coupons_redemption_change", args=[one.pk]),
                ),
                str(one.customer) if one.customer else "–",
                one.coupon.code if one.coupon else "–",
                money(one.discount_amount, one.currency),
                str(one.get_status_display()),
            ]
            for one in redemptions
        ],
        caption=_("The latest redemptions"),
        empty_title=_("Nobody has redeemed it yet"),
        empty_text=_("The first redemption will stand here."),
        empty_icon="redeem",
    )
