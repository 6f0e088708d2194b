"""What a customer's page shows of their rights: the record of them, and the dialogs behind the menu."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from customers.admin.rights import RIGHTS, counts_of, outcome_of, who_of
from customers.models import Customer
from customers.panels import Action, Panel

SHOWN = 50
GONE = {Customer.Status.ERASED, Customer.Status.MERGED}


def rights_panel(customer: Customer, request: HttpRequest) -> Panel | None:
    """Return the record of rights as a tab, and a dialog for each right that may be carried out."""
    allowed = [
        (code, right)
        for code, right in RIGHTS.items()
        if request.user.has_perm(right.permission) and customer.status not in GONE and right.offered(customer)
    ]
    if not allowed and not request.user.has_perm("customers.view_rightsrequest"):
        return None
    requests = customer.rights_requests.select_related("requested_by", "client", "job")[:SHOWN]
    rows = [(each, who_of(each), *outcome_of(each), counts_of(each)) for each in requests]
    return Panel(
        code="rights",
        title=_("Rights"),
        template="customers/tab_rights.html",
        context={"requests": rows, "rights": [(right, _url(code, customer)) for code, right in allowed]},
        actions=[Action(str(right.title), _url(code, customer), right.icon) for code, right in allowed],
        count=len(rows),
    )


def _url(code: str, customer: Customer) -> str:
    return reverse("admin:customers_right", args=[code, customer.pk])
