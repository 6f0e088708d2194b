"""The words in which customers share: written per channel and language, filled in for one customer."""

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from operations.errors import InvalidInput
from referrals.models import ReferralCode, ReferralCopy, ReferralProgramme
from referrals.sharing import APPS, EMAIL, WRITTEN, built_in, fill, share_link, unknown_placeholders
from referrals.words import referee_words

LONGEST_SMS = 640


@dataclass(frozen=True)
class Share:
    """What one customer shares by one channel: ready words, and the address that opens the channel's app."""

    channel: str
    subject: str
    text: str
    url: str


def write_copy(
    programme: ReferralProgramme, *, channel: str, language: str, text: str, subject: str = ""
) -> ReferralCopy | None:
    """Keep the merchant's words for a channel in a language; empty words bring back the built-in ones.

    Raises InvalidInput for a channel or language that is none, a placeholder nobody fills, words without the
    link, and an SMS of more than four parts.
    """
    text, subject = text.strip(), " ".join(subject.split())
    if channel not in WRITTEN:
        raise InvalidInput.at("/channel", _("Nothing is written for this channel."))
    if language not in dict(settings.LANGUAGES):
        raise InvalidInput.at("/language", _("There is no such language."))
    key = {"programme": programme, "channel": channel, "language": language}
    if not text:
        ReferralCopy.objects.filter(**key).delete()
        return None
    for pointer, words in (("/text", text), ("/subject", subject)):
        if unknown := unknown_placeholders(words):
            names = ", ".join(f"{{{name}}}" for name in unknown)
            raise InvalidInput.at(pointer, _("Nobody fills in %(names)s.") % {"names": names})
    if channel != "qr" and "{link}" not in text:
        raise InvalidInput.at("/text", _("The words need {link} where the link goes."))
    if channel == "sms" and len(text) > LONGEST_SMS:
        raise InvalidInput.at("/text", _("An SMS has at most %(most)s characters.") % {"most": LONGEST_SMS})
    words = {"text": text, "subject": subject if channel == EMAIL else ""}
    with transaction.atomic():
        return ReferralCopy.objects.update_or_create(**key, defaults=words)[0]


def copies_of(programme: ReferralProgramme, language: str) -> dict[str, tuple[str, str]]:
    """Return subject and text of every channel in a language, the merchant's own or the built-in ones."""
    own = {
        copy.channel: (copy.subject, copy.text)
        for copy in ReferralCopy.objects.filter(programme=programme, language=language)
    }
    return {channel: own.get(channel) or built_in(channel, language) for channel in WRITTEN}


def shares_of(code: ReferralCode, language: str) -> dict[str, Share]:
    """Return what a customer shares by each channel, in their language."""
    language = language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
    with override(language):
        values = {
            "code": code.code,
            "name": code.customer.first_name or _("A friend"),
            "reward": referee_words(code.offer),
            "programme": code.programme.name,
        }
    shares = {}
    for channel, (subject, text) in copies_of(code.programme, language).items():
        link = code.shared_by(channel)
        filled = fill(text, values | {"link": link})
        title = fill(subject, values | {"link": link})
        url = share_link(channel, url=link, text=filled, subject=title) if channel in APPS else link
        shares[channel] = Share(channel, title, filled, url)
    return shares
