"""Why an event waits in the quarantine, in the reader's words; the reason itself is kept in English."""

import re

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

PLACED = re.compile(r"(?P<place>/\S+): (?P<rest>.+)", re.DOTALL)
SENTENCES = [
    (re.compile(r"The type (?P<type>\S+) is not known\."), _("The type %(type)s is not known.")),
    (re.compile(r"(?P<place>payload\S*) of (?P<type>\S+) is (?P<wanted>.+)\."),
     _("%(place)s of %(type)s is to be %(wanted)s.")),
]  # fmt: skip
WANTED = [
    (re.compile(r"one of (?P<names>.+)"), _("one of %(names)s")),
    (re.compile(r"(?P<kind>.+) from (?P<low>\S+) to (?P<high>\S+)"), _("%(kind)s from %(low)s to %(high)s")),
    (re.compile(r"(?P<kind>.+) of at least (?P<low>\S+)"), _("%(kind)s of at least %(low)s")),
    (re.compile(r"(?P<kind>.+) of at most (?P<high>\d+) characters"),
     _("%(kind)s of at most %(high)s characters")),
    (re.compile(r"(?P<kind>.+) of at most (?P<high>\d+) items"), _("%(kind)s of at most %(high)s items")),
    (re.compile(r"(?P<kind>.+) that is not empty"), _("%(kind)s that is not empty")),
]  # fmt: skip
KINDS = {
    "a text": _("a text"),
    "a number": _("a number"),
    "a whole number": _("a whole number"),
    "true or false": _("true or false"),
    "a list": _("a list"),
    "an object": _("an object"),
    "something else": _("something else"),
    "This instant is in the future.": _("This instant is in the future."),
    "There is no customer under this id.": _("There is no customer under this id."),
}


def reason_in_words(reason: str) -> str:
    """Return a stored reason in the active language; one that nobody translated as it is."""
    placed = PLACED.fullmatch(reason)
    if placed:
        return f"{placed['place']}: {reason_in_words(placed['rest'])}"
    return _matched(reason, SENTENCES)


def _matched(text: str, patterns: list) -> str:
    for pattern, sentence in patterns:
        if found := pattern.fullmatch(text):
            parts = found.groupdict()
            if "wanted" in parts:
                parts["wanted"] = _matched(parts["wanted"], WANTED)
            if "kind" in parts:
                parts["kind"] = _plain(parts["kind"])
            return str(sentence) % parts
    return _plain(text)


def _plain(text: str) -> str:
    return str(KINDS[text]) if text in KINDS else gettext(text) if text else ""
