"""The queue of referrals that look like fraud: who, why, and the two answers."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from operations.errors import FidelioError
from referrals import services
from referrals.models import Referral

PERMISSION = "referrals.review_referral"
SHOWN = 20


class ReviewPages:
    """The pages of the review, for the admin of referrals."""

    def queue_view(self, request: HttpRequest) -> HttpResponse:
        """Show what waits, the oldest first, each with its reasons; whoever may decides here."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        waiting = Referral.objects.to_review().select_related(
            "programme", "referrer", "referee", "code", "order", "store", "employee"
        )
        page = Paginator(waiting, SHOWN).get_page(request.GET.get("p"))
        rejected = Referral.objects.rejected_with_rewards().select_related("programme", "referrer", "referee")
        context = {
            "page": page,
            "waiting": page.paginator.count,
            "may_review": _may(request),
            "rejected": rejected[:SHOWN],
        }
        return self._page(request, "referrals/review_queue.html", _("Referrals to review"), context)

    def decide_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Carry out one answer, by a POST."""
        if not _may(request):
            raise PermissionDenied
        referral = get_object_or_404(Referral, pk=pk)
        decide = services.clear_referral if request.POST.get("decision") == "clear" else None
        if request.POST.get("decision") == "refuse":
            decide = services.refuse_referral
        if decide is None:
            messages.error(request, _("Choose one of the two answers."))
            return _back(request, referral)
        try:
            decided = decide(referral, by=request.user, note=request.POST.get("note", ""), at=timezone.now())
        except FidelioError as error:
            messages.error(request, str(error.message))
        else:
            messages.success(request, _said(decided))
        return _back(request, referral)

    def take_back_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take back what a referral gave that turned out to be fraud, by a POST."""
        if not _may(request):
            raise PermissionDenied
        referral = get_object_or_404(Referral, pk=pk)
        try:
            services.take_back_referral(
                referral, by=request.user, note=request.POST.get("note", ""), at=timezone.now()
            )
        except FidelioError as error:
            messages.error(request, str(error.message))
        else:
            messages.success(request, _("Taken back, as far as it was still there."))
        return redirect(reverse("admin:referrals_referral_change", args=[referral.pk]))


def _may(request: HttpRequest) -> bool:
    return request.user.has_perm(PERMISSION)


def _back(request: HttpRequest, referral: Referral) -> HttpResponse:
    if request.POST.get("from") == "referral":
        return redirect(reverse("admin:referrals_referral_change", args=[referral.pk]))
    return redirect(reverse("admin:referrals_review_queue"))


def _said(referral: Referral) -> str:
    if referral.status == Referral.Status.REWARDED:
        return _("Found to be in order: both have been rewarded.")
    if referral.review == Referral.Review.CLEARED:
        return _("Found to be in order: the rewards go out when they are due.")
    return _("Found to be fraud: nobody gets anything for it.")
