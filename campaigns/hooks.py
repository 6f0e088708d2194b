"""Where providers call to tell what became of messages."""

import structlog
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from campaigns.channels import HookRefused, Sender
from campaigns.channels.providers import provider_sender
from campaigns.services import take_reports

log = structlog.get_logger(__name__)

LARGEST = 2 * 1024 * 1024


# Providers call without a cookie of ours; each proves by signature or key that it is the provider.
@csrf_exempt
@never_cache
@require_http_methods(["POST", "HEAD", "GET"])
def provider_hook(request: HttpRequest, provider: str) -> HttpResponse:
    """Take in a provider's reports. Only a POST, proved, changes anything."""
    found = provider_sender(provider)
    if found is None:
        raise Http404
    channel, sender = found
    if request.method != "POST" and not _tells_by_get(request, channel):
        return HttpResponse(status=204)  # Some providers try an address before they use it.
    if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST:
        return HttpResponse(status=413)
    return _take(request, sender, provider=provider, channel=channel)


def _take(request: HttpRequest, sender: Sender, *, provider: str, channel: str) -> HttpResponse:
    try:
        reports = sender.parse_webhook(request)
    except HookRefused as refusal:
        log.warning("provider_hook_refused", provider=provider, reason=str(refusal))
        return HttpResponse(status=403)
    except (ValueError, KeyError, TypeError, AttributeError, LookupError):
        log.warning("provider_hook_unreadable", provider=provider)
        return HttpResponse(status=400)
    finally:
        sender.close()
    take_reports(reports, provider=provider, channel=channel, at=timezone.now())
    return HttpResponse(status=204)


def _tells_by_get(request: HttpRequest, channel: str) -> bool:
    """Simple gateways call back by GET, with their key."""
    return request.method == "GET" and channel == "sms" and "key" in request.GET
