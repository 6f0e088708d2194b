"""The page a shared link leads to, where the merchant has none of their own."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone, translation
from django.views.decorators.http import require_safe

from loyalty.public import languages, page_language
from operations.visitors import agent_of, is_person
from referrals.models import ReferralCode
from referrals.rules import canonical_code
from referrals.services import count_opening
from referrals.words import referee_words


@require_safe
def invitation(request: HttpRequest, code: str) -> HttpResponse:
    """Tell a friend what they get, the code, and how to join; of who invites, the first name alone."""
    codes = ReferralCode.objects.select_related(
        "programme__referee_promotion",
        "programme__referee_reward",
        "variant__referee_promotion",
        "variant__referee_reward",
        "customer",
    )
    shared = get_object_or_404(codes, code=canonical_code(code))
    # The links that lead to the other language are no other opening.
    if is_person(agent_of(request)) and "lang" not in request.GET:
        count_opening(shared, at=timezone.now())
    language = page_language(request, None)
    with translation.override(language):
        context = languages(language) | {
            "code": shared,
            "offered": shared.programme,
            "gets": referee_words(shared.offer),
        }
        return render(request, "referrals/invitation.html", context)
