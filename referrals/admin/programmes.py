"""Referral programmes in the console: the list, the page of one with its funnel, its form, its stop."""

from decimal import Decimal

from babel.numbers import get_currency_precision
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from customers.models import Customer
from operations import formats
from operations.admin.pages import PageMixin
from operations.errors import FidelioError
from operations.figure_files import wanted_file
from referrals import services
from referrals.admin import programme_figures
from referrals.admin.copy_pages import CopyPages
from referrals.admin.programme_forms import ProgrammeForm
from referrals.models import ReferralProgramme
from referrals.services.costs import months_of
from referrals.services.reports import friends_and_others, variants_of
from referrals.words import referee_words, referrer_words

MINOR = Decimal(10) ** get_currency_precision(settings.PROGRAMME_CURRENCY)
OFFER = ["referrer_promotion", "referee_promotion", "referrer_reward", "referee_reward"]


@admin.register(ReferralProgramme)
class ReferralProgrammeAdmin(CopyPages, PageMixin, ModelAdmin):
    list_display = ["name", "state", "who_invites", "the_friend", "brought"]
    list_filter = ["active"]
    list_select_related = OFFER
    list_per_page = 25
    search_fields = ["code", "name"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReferralProgramme]:
        return super().get_queryset(request).annotate(referred=Count("referrals"))

    @display(description=gettext_lazy("status"), ordering="active", label={"on": "success", "off": "danger"})
    def state(self, programme: ReferralProgramme) -> tuple[str, str]:
        return ("on", _("Active")) if programme.active else ("off", _("Stopped"))

    @admin.display(description=gettext_lazy("for who invites"))
    def who_invites(self, programme: ReferralProgramme) -> str:
        return referrer_words(programme)

    @admin.display(description=gettext_lazy("for the friend"))
    def the_friend(self, programme: ReferralProgramme) -> str:
        return referee_words(programme)

    @admin.display(description=gettext_lazy("friends"), ordering="referred")
    def brought(self, programme: ReferralProgramme) -> str:
        return formats.number(programme.referred)

    def has_delete_permission(self, request: HttpRequest, obj: ReferralProgramme | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        stop, resume = require_POST(self.stop_view), require_POST(self.resume_view)
        make_code = require_POST(self.make_code_view)
        return [
            path("<int:pk>/edit/", wrap(self.edit_view), name="referrals_programme_edit"),
            path("<int:pk>/texts/", wrap(self.copies_view), name="referrals_programme_copies"),
            path("<int:pk>/stop/", wrap(stop), name="referrals_programme_stop"),
            path("<int:pk>/resume/", wrap(resume), name="referrals_programme_resume"),
            path("<int:pk>/code/<int:customer_pk>/", wrap(make_code), name="referrals_make_code"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Show the programme's funnel, what it brings, and who brings the most friends."""
        programme = self.get_object(request, object_id)
        if programme is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, programme):
            raise PermissionDenied
        standing, variants = services.report_of(programme), variants_of(programme)
        context = {
            "programme": programme,
            "figures": programme_figures.figures(standing, programme),
            "steps": programme_figures.steps(standing, programme),
            "standing": standing,
            "plan": programme_figures.plan(standing, programme),
            "compared": programme_figures.value_table(friends_and_others(programme)),
            "spend": programme_figures.spend_chart(months_of(programme)),
            "variants": programme_figures.variants_table(variants, programme),
            "variants_chart": programme_figures.variants_chart(variants),
            "leaders": programme_figures.leaders(programme),
            "reward_steps": programme.steps.filter(active=True).select_related("reward"),
            "referrer_reward": referrer_words(programme),
            "referee_reward": referee_words(programme),
            "may_change": self.has_change_permission(request, programme),
        }
        return wanted_file(request, context) or self._page(
            request, "referrals/programme.html", programme.name, context, programme
        )

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Make a programme, active at once."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ProgrammeForm(request.POST or None, minor=MINOR)
        if request.method == "POST" and form.is_valid():
            try:
                programme = services.create_programme(code=form.cleaned_data["code"], **form.arguments())
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _("The programme runs: customers can invite their friends."))
                return redirect(_url(programme))
        context = {"form": form, "currency": settings.PROGRAMME_CURRENCY}
        return self._page(request, "referrals/programme_form.html", _("New programme"), context)

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Change the terms; referrals that qualify from now on follow them."""
        programme = self._changeable(request, pk)
        form = ProgrammeForm(request.POST or None, programme=programme, minor=MINOR)
        if request.method == "POST" and form.is_valid():
            try:
                services.edit_programme(programme, **form.arguments())
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _("Saved."))
                return redirect(_url(programme))
        context = {"form": form, "programme": programme, "currency": settings.PROGRAMME_CURRENCY}
        return self._page(request, "referrals/programme_form.html", programme.name, context, programme)

    def stop_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        programme = self._changeable(request, pk)
        services.stop_programme(programme, reason=request.POST.get("reason", "")[:300], at=timezone.now())
        messages.success(request, _("Stopped: nobody is referred and nobody qualifies any more."))
        return redirect(_url(programme))

    def resume_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        programme = self._changeable(request, pk)
        services.resume_programme(programme)
        messages.success(request, _("The programme goes on."))
        return redirect(_url(programme))

    def make_code_view(self, request: HttpRequest, pk: int, customer_pk: int) -> HttpResponse:
        """Make a customer's code, for somebody who asks at the desk."""
        if not request.user.has_perm("referrals.add_referralcode"):
            raise PermissionDenied
        customer = get_object_or_404(Customer.objects.present(), pk=customer_pk)
        try:
            code = services.code_of(customer, get_object_or_404(ReferralProgramme, pk=pk, active=True))
        except FidelioError as error:
            messages.error(request, str(error.message))
        else:
            messages.success(request, _("The code is %(code)s.") % {"code": code.code})
        return redirect(reverse("admin:customers_customer_change", args=[customer.pk]))

    def _changeable(self, request: HttpRequest, pk: int) -> ReferralProgramme:
        programme = get_object_or_404(ReferralProgramme.objects.select_related(*OFFER), pk=pk)
        if not self.has_change_permission(request, programme):
            raise PermissionDenied
        return programme


def _url(programme: ReferralProgramme) -> str:
    return reverse("admin:referrals_referralprogramme_change", args=[programme.pk])
