"""The page on which a source leaves, with everything that only it told."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action

from customers import services
from customers.models import EventKey, Order, Source, SourceProfile
from customers.services.events import OWN_SOURCE
from customers.services.leaving import can_leave
from operations.admin.pages import PageMixin
from operations.errors import FidelioError
from operations.figures import Delta
from operations.formats import number


class LeavingMixin(PageMixin):
    """Gives the admin of sources a button and a page by which one leaves."""

    actions_detail = ["let_leave"]

    def get_urls(self) -> list[URLPattern]:
        leave = self.admin_site.admin_view(self.leave)
        return [path("<int:pk>/leave/", leave, name="customers_source_leave"), *super().get_urls()]

    @action(description=gettext_lazy("Let it leave"), permissions=["let_leave"], icon="logout")
    def let_leave(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect("admin:customers_source_leave", object_id)

    def has_let_leave_permission(self, request: HttpRequest, object_id: int | None = None) -> bool:
        return request.user.has_perm("customers.erase_customer") and self.has_change_permission(request)

    def leave(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say what goes and what stays, and have it done by a job."""
        if not self.has_let_leave_permission(request):
            raise PermissionDenied
        source = get_object_or_404(Source.objects.exclude(code=OWN_SOURCE), pk=pk)
        if request.method == "POST" and request.POST.get("sure"):
            try:
                job = services.leave_source(source, by=request.user, at=timezone.now())
            except FidelioError as error:
                messages.error(request, str(error.message))
            else:
                return redirect("admin:operations_jobrun_change", job.pk)
        profiles = SourceProfile.objects.filter(source=source).exclude(data={})
        orders = Order.objects.filter(source=source, customer__isnull=False)
        events = EventKey.objects.filter(source=source)
        counted = {_("Profiles"): profiles, _("Events"): events, _("Orders"): orders}
        figures = [Delta(label, number(rows.count())) for label, rows in counted.items()]
        title = _("Let %(source)s leave") % {"source": source}
        context = {"source": source, "figures": figures, "can_leave": can_leave(source)}
        return self._page(request, "customers/leave_source.html", title, context, source)
