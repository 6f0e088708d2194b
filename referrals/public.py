"""The page a shared link leads to, where the merchant has none of their own."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from referrals.models import ReferralCode
from referrals.rules import canonical_code


@require_safe
def invitation(request: HttpRequest, code: str) -> HttpResponse:
    """Tell a friend what they get and the code to show; of who invites, the first name alone."""
    codes = ReferralCode.objects.select_related("programme__referee_promotion", "customer")
    shared = get_object_or_404(codes, code=canonical_code(code))
    return render(request, "referrals/invitation.html", {"code": shared, "programme": shared.programme})
