"""Pages for people themselves, behind a signed link: their preferences, the confirmation of a consent."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from customers.models import Customer, Purpose
from customers.services.confirmations import confirm_consent, waiting_consent
from customers.services.preferences import (
    current_text,
    customer_of_link,
    preferences_of,
    save_preferences,
    withdraw_everything,
)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def preferences_page(request: HttpRequest, token: str) -> HttpResponse:
    """Show what a person allows and let them change it; a POST, and only a POST, changes anything."""
    customer = customer_of_link(token)
    language = _language(request, customer)
    with translation.override(language):
        saved = request.method == "POST" and customer is not None
        if saved and "withdraw" in request.POST:
            withdraw_everything(customer, language=language, at=timezone.now())
        elif saved:
            save_preferences(customer, request.POST.getlist("allow"), language=language, at=timezone.now())
        if saved:
            # Whoever was merged meanwhile sees what they chose where it was entered.
            customer = customer_of_link(token)
        if customer is None:
            return render(request, "customers/link_not_valid.html", _frame(language), status=404)
        preferences = preferences_of(customer)
        context = {
            "customer": customer,
            "offers": [each for each in preferences if each.purpose == Purpose.MARKETING],
            "profiling": next(each for each in preferences if each.purpose == Purpose.PROFILING),
            "marketing_text": current_text(Purpose.MARKETING, language),
            "profiling_text": current_text(Purpose.PROFILING, language),
            "saved": saved,
            "token": token,
        }
        return render(request, "customers/preferences.html", context | _frame(language))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirmation_page(request: HttpRequest, token: str) -> HttpResponse:
    """Ask for one press that confirms a consent: mail scanners follow links, they do not press buttons."""
    waiting = waiting_consent(token, at=timezone.now())
    language = _language(request, waiting.customer if waiting else None)
    with translation.override(language):
        if waiting is None:
            return render(request, "customers/link_not_valid.html", _frame(language), status=404)
        if request.method == "POST":
            done = confirm_consent(token, at=timezone.now())
            return render(request, "customers/confirmation.html", {"done": done} | _frame(language))
        text = current_text(waiting.purpose, language)
        context = {"waiting": waiting, "text": text}
        return render(request, "customers/confirmation.html", context | _frame(language))


def _language(request: HttpRequest, customer: Customer | None) -> str:
    """Return the language the person asked for on the page, else theirs, else the browser's."""
    asked = request.GET.get("lang", "")
    if asked in dict(settings.LANGUAGES):
        return asked
    return customer.written_language if customer else translation.get_language_from_request(request)


def _frame(language: str) -> dict[str, str]:
    return {"language": language, "other_language": "en" if language == "it" else "it"}
