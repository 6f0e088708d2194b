"""Where people let this browser be notified: behind the signed link of their preferences."""

from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_http_methods, require_safe
from rest_framework.exceptions import ParseError

from campaigns.models import PushSubscription
from campaigns.push_keys import public_key
from campaigns.services import subscribe_push, unsubscribe_push
from customers.models import Customer
from customers.services.preferences import current_text, customer_of_link, preferences_url
from operations.api.parsers import read_json
from operations.errors import FidelioError

LARGEST = 8 * 1024
PAGE = "notifications"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def notifications_page(request: HttpRequest, token: str) -> HttpResponse:
    """Show how to switch notifications of this browser on and off; a POST of the script's does it."""
    customer = customer_of_link(token)
    language = _language(request, customer)
    with translation.override(language):
        frame = {"language": language, "other_language": "en" if language == "it" else "it"}
        if customer is None:
            return render(request, "customers/link_not_valid.html", frame, status=404)
        if request.method == "POST":
            return _change(request, customer, language)
        context = {
            "customer": customer,
            "text": current_text("MARKETING", language),
            "public_key": public_key(),
            "preferences_url": preferences_url(customer),
        }
        return render(request, "campaigns/notifications.html", context | frame)


def _change(request: HttpRequest, customer: Customer, language: str) -> JsonResponse:
    """Enter what the browser told: a subscription, or that it is over."""
    try:
        told = read_json(request.body[:LARGEST].decode())
        subscription, over = told["subscription"], bool(told.get("over"))
        endpoint, keys = str(subscription["endpoint"]), subscription.get("keys") or {}
        if over:
            unsubscribe_push(customer, kind=PushSubscription.Kind.WEB, endpoint=endpoint, at=timezone.now())
        else:
            subscribe_push(
                customer,
                kind=PushSubscription.Kind.WEB,
                endpoint=endpoint,
                p256dh=str(keys.get("p256dh", "")),
                auth=str(keys.get("auth", "")),
                proof={"page": PAGE, "language": language},
                language=language,
                at=timezone.now(),
            )
    except FidelioError as error:
        return JsonResponse({"message": str(error.message)}, status=422)
    except (ParseError, ValueError, KeyError, TypeError, AttributeError):
        return JsonResponse({"message": "This cannot be read."}, status=400)
    return JsonResponse({"subscribed": not over})


@require_safe
@cache_control(max_age=3600)
def push_worker(request: HttpRequest) -> HttpResponse:
    """Serve the worker from the root, because it may only speak for what lies below its own address."""
    with open(finders.find("fidelio/push-worker.js") or "") as file:
        script = file.read()
    return HttpResponse(script, content_type="text/javascript", headers={"Service-Worker-Allowed": "/"})


def _language(request: HttpRequest, customer: Customer | None) -> str:
    asked: Any = request.GET.get("lang", "")
    if asked in dict(settings.LANGUAGES):
        return asked
    return customer.written_language if customer else translation.get_language_from_request(request)
