"""Systems that take messages over a webhook: where they are, their secret, and whether they answer."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin

from campaigns.models import Receiver
from campaigns.services.receivers import edit_receiver, name_receiver, renew_secret, try_receiver
from coupons.admin.forms import RefusalForm
from operations.admin.pages import PageMixin
from operations.errors import FidelioError


class ReceiverForm(RefusalForm):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    code = forms.SlugField(
        label=gettext_lazy("Code"),
        max_length=64,
        help_text=gettext_lazy("What contents of campaigns call it: print-shop, call-centre ..."),
    )
    url = forms.URLField(
        label=gettext_lazy("Address"),
        max_length=500,
        assume_scheme="https",
        help_text=gettext_lazy("Where signed calls go, by https. It answers 2xx once it has a message."),
    )
    active = forms.BooleanField(
        label=gettext_lazy("Takes messages"),
        required=False,
        initial=True,
        help_text=gettext_lazy("While it does not, its messages wait."),
    )

    def __init__(self, data: Any = None, *, receiver: Receiver | None = None, **kwargs: Any) -> None:
        super().__init__(data, label_suffix="", **kwargs)
        if receiver is not None:
            del self.fields["code"]
            self.initial = {"name": receiver.name, "url": receiver.url, "active": receiver.active}
        else:
            del self.fields["active"]


@admin.register(Receiver)
class ReceiverAdmin(PageMixin, ModelAdmin):
    """The list of receivers, and a page for each."""

    list_display = ["name", "code", "url", "active", "disabled_reason"]
    list_filter = ["active"]
    list_per_page = 25
    empty_text = gettext_lazy(
        "A print shop, a call centre, a chat: systems of yours that take people over from campaigns."
    )

    def has_delete_permission(self, request: HttpRequest, obj: Receiver | None = None) -> bool:
        return False  # Campaigns name it; it is switched off instead.

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/try/", wrap(self.try_it), name="campaigns_receiver_try"),
            path("<int:pk>/secret/", wrap(self.renew), name="campaigns_receiver_secret"),
            *super().get_urls(),
        ]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ReceiverForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                receiver = name_receiver(**form.cleaned_data)
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _("Give the receiver its secret, and try it."))
                return redirect("admin:campaigns_receiver_change", receiver.pk)
        return self._page(request, "campaigns/receiver.html", _("New webhook receiver"), {"form": form})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        receiver = get_object_or_404(Receiver, pk=int(object_id) if object_id.isdigit() else 0)
        if not self.has_view_permission(request, receiver):
            raise PermissionDenied
        may_change = self.has_change_permission(request, receiver)
        form = ReceiverForm(request.POST or None, receiver=receiver)
        if request.method == "POST":
            if not may_change:
                raise PermissionDenied
            if form.is_valid() and self._save(request, form, receiver):
                return redirect("admin:campaigns_receiver_change", receiver.pk)
        context = {"form": form, "receiver": receiver, "may_change": may_change}
        return self._page(request, "campaigns/receiver.html", receiver.name, context, original=receiver)

    def _save(self, request: HttpRequest, form: ReceiverForm, receiver: Receiver) -> bool:
        try:
            edit_receiver(receiver, **form.cleaned_data)
        except FidelioError as error:
            form.show(error)
            return False
        messages.success(request, _("Saved."))
        return True

    def try_it(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send a signed call that names nobody."""
        receiver = self._to_change(request, pk)
        try:
            answer = try_receiver(receiver, at=timezone.now())
        except FidelioError as error:
            messages.error(request, str(error.message))
        else:
            messages.success(request, _("The receiver took the test (%(answer)s).") % {"answer": answer})
        return redirect("admin:campaigns_receiver_change", receiver.pk)

    def renew(self, request: HttpRequest, pk: int) -> HttpResponse:
        receiver = renew_secret(self._to_change(request, pk))
        messages.success(request, _("The receiver has a new secret; calls are signed with it from now on."))
        return redirect(reverse("admin:campaigns_receiver_change", args=[receiver.pk]))

    def _to_change(self, request: HttpRequest, pk: int) -> Receiver:
        receiver = get_object_or_404(Receiver, pk=pk)
        if request.method != "POST" or not self.has_change_permission(request, receiver):
            raise PermissionDenied
        return receiver
