"""Taking goods back and undoing, from the page of a redemption."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import FormView, View
from unfold.views import UnfoldModelAdminViewMixin

from coupons import services
from coupons.answers import plain_number
from coupons.models import Redemption, RedemptionReturn, RedemptionStack
from coupons.refunds import PaidLine
from customers.models import Return
from operations.admin.reauthentication import Reauthenticated
from operations.errors import FidelioError
from operations.formats import money

MAY_RETURN = "coupons.return_redemption"
MAY_UNDO = "coupons.undo_redemption"


class ReturnForm(forms.Form):
    """How many units of each line come back; `lines` are those of which some are left."""

    number = forms.CharField(
        label=gettext_lazy("Number of the return"),
        max_length=128,
        help_text=gettext_lazy("As the shop or till knows it: the same number is the same return."),
    )
    policy = forms.ChoiceField(label=gettext_lazy("Refunded first"), choices=RedemptionReturn.Policy.choices)

    def __init__(self, *args: Any, lines: Sequence[PaidLine], names: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines = lines
        for line in lines:
            left = plain_number(line.left)
            self.fields[_field(line)] = forms.DecimalField(
                label=names.get(line.line_id) or line.line_id,
                min_value=Decimal(0),
                max_value=line.left,
                max_digits=9,
                decimal_places=3,
                required=False,
                help_text=_("up to %(left)s") % {"left": left},
                widget=forms.NumberInput(attrs={"step": "any" if isinstance(left, str) else "1"}),
            )

    @property
    def line_fields(self) -> list[forms.BoundField]:
        return [self[_field(line)] for line in self.lines]

    def clean(self) -> dict[str, Any]:
        if not self.errors and not self.quantities:
            raise forms.ValidationError(_("Say how many units of which line come back."))
        return self.cleaned_data

    @property
    def quantities(self) -> dict[str, Decimal]:
        """Return what comes back by line; only of a form that is valid."""
        units = {line.line_id: self.cleaned_data.get(_field(line)) for line in self.lines}
        return {line_id: quantity for line_id, quantity in units.items() if quantity}


class ReturnFormView(FormView):
    """Goods of a redeemed cart come back: which, under which number, refunded to whom."""

    template_name = "coupons/take_back.html"
    title = gettext_lazy("Take goods back")
    form_class = ReturnForm

    @cached_property
    def redemption(self) -> Redemption:
        found = Redemption.objects.select_related("stack__customer", "stack__order")
        return get_object_or_404(found, pk=self.kwargs["pk"])

    @property
    def stack(self) -> RedemptionStack:
        return self.redemption.stack

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {
            "lines": [line for line in services.paid_lines(self.stack) if line.left > 0],
            "names": line_names(self.stack),
        }

    def get_initial(self) -> dict[str, Any]:
        number = self.stack.returns.count() + 1
        initial: dict[str, Any] = {
            "number": f"{self.stack.external_id or self.stack.pk}-R{number}",
            "policy": services.default_return_policy(),
        }
        told = _told(self.stack, self.request.GET.get("return", ""))
        if told is None:
            return initial
        units = dict(told.lines.values_list("line__line_id", "quantity"))
        back = {_field(line): units.get(line.line_id) for line in services.paid_lines(self.stack)}
        return initial | {"number": told.external_id} | back

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        stack = self.stack
        return super().get_context_data(
            **kwargs,
            redemption=self.redemption,
            stack=stack,
            tenders=stack.redemptions.filter(tender_amount__gt=0).exists(),
        )


class TakeBackView(UnfoldModelAdminViewMixin, Reauthenticated, ReturnFormView):
    """The form, sent: goods come back, by somebody who has proved lately who they are."""

    permission_required = MAY_RETURN

    def form_valid(self, form: ReturnForm) -> HttpResponse:
        given, at = form.cleaned_data, timezone.now()
        try:
            row = services.return_lines(
                self.stack,
                source_id=given["number"],
                lines=form.quantities,
                policy=given["policy"],
                by=self.request.user,
                at=at,
            ).row
        except FidelioError as error:
            form.add_error(None, str(error.message))
            return self.form_invalid(form)
        refund = money(row.refund_amount, self.stack.currency)
        messages.success(self.request, _("Taken back: %(refund)s to refund.") % {"refund": refund})
        return redirect(reverse("admin:coupons_redemption_change", args=[self.kwargs["pk"]]))


class RefundQuoteView(UnfoldModelAdminViewMixin, ReturnFormView):
    """What the form, as it is filled in, would refund: a fragment."""

    permission_required = MAY_RETURN

    http_method_names = ["post"]

    def form_valid(self, form: ReturnForm) -> HttpResponse:
        try:
            row = services.quote_return(
                self.stack, lines=form.quantities, policy=form.cleaned_data["policy"], at=timezone.now()
            )
        except FidelioError as error:
            return self._answer(error=str(error.message))
        return self._answer(row=row)

    def form_invalid(self, form: ReturnForm) -> HttpResponse:
        return self._answer()

    def _answer(self, **context: Any) -> HttpResponse:
        return render(self.request, "coupons/refund_quote.html", {"stack": self.stack, **context})


class RollBackView(UnfoldModelAdminViewMixin, Reauthenticated, View):
    """Undo a stack whole, at once."""

    permission_required = MAY_UNDO
    title = ""
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        redemption = get_object_or_404(Redemption.objects.select_related("stack"), pk=pk)
        reason = request.POST.get("reason", "").strip()[:300]
        try:
            services.roll_back_redemption(redemption.stack, reason=reason, by=request.user, at=timezone.now())
        except FidelioError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, _("Rolled back: everything it took is given back."))
        return redirect(reverse("admin:coupons_redemption_change", args=[pk]))


def line_names(stack: RedemptionStack) -> dict[str, str]:
    """Return the article of each line of a stack's cart, as the cart named it."""
    return {
        line.get("line_id"): line.get("product") or line.get("sku") or ""
        for line in stack.cart.get("lines", [])
    }


def untold_returns(stack: RedemptionStack) -> list[Return]:
    """Return what came back of the order and was not given back here, oldest first."""
    if stack.order_id is None or stack.status != RedemptionStack.Status.REDEEMED:
        return []
    known = stack.returns.values("external_id")
    return list(Return.objects.filter(order=stack.order_id).exclude(external_id__in=known).order_by("pk")[:5])


def _told(stack: RedemptionStack, number: str) -> Return | None:
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    return Return.objects.filter(order=stack.order_id, pk=int(number)).first() if stack.order_id else None


def _field(line: PaidLine) -> str:
    return f"line_{line.position}"
