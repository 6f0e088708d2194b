"""Whether a person asks for a page, or a program that draws previews, indexes or looks ahead."""

import re

from django.http import HttpRequest

# Who fetches a link to draw its preview, or to index it, was not brought by anybody.
MACHINES = re.compile(
    r"(?<!cu)bot\b|crawl|slurp|spider|scan|preview|prefetch|headless|phantom|lighthouse|curl/|wget/|python|java/|"
    r"ruby|perl|libwww|okhttp|go-http|axios|node-fetch|http-?client|aiohttp|barracuda|mimecast|proofpoint|"
    r"bitdefender|fortinet|sophos|symantec|trend ?micro|forcepoint|cloudmark|ironport|safelinks|"
    r"google-safety|facebookexternalhit|whatsapp|office existence discovery",
    re.IGNORECASE,
)
# (Cubot makes telephones.)
PREFETCHING = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")


def agent_of(request: HttpRequest) -> str:
    """Return how the program calls itself; nothing for one that only looks ahead, as scanners do."""
    ahead = request.method != "GET" or any(request.META.get(header) for header in PREFETCHING)
    return "" if ahead else request.META.get("HTTP_USER_AGENT", "")


def is_person(agent: str) -> bool:
    """Return whether a program that calls itself so is a person's: all browsers have names."""
    return bool(agent.strip()) and not MACHINES.search(agent)
