"""Whether the sending domain proves that our mails are its own: SPF, DKIM and DMARC as the DNS has them."""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import dns.exception
import dns.resolver
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from django.conf import settings
from django.utils.translation import gettext as _

MOST_LOOKUPS = 10  # RFC 7208, 4.6.4: a receiver gives up beyond.
SHORTEST_KEY, USUAL_KEY = 1024, 2048
SECONDS = 4.0
NAMES_ALONE, OTHERS = {"a", "mx", "ptr"}, ("include:", "exists:", "redirect=")
Texts = Callable[[str], list[str]]


class Verdict(StrEnum):
    GOOD = "GOOD"
    WARNING = "WARNING"
    BAD = "BAD"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: what it is, how it stands, what to do, and what the DNS says."""

    code: str
    title: str
    verdict: Verdict
    text: str
    record: str = ""


class NoAnswer(Exception):
    """The name servers did not answer: nothing is known."""


def check_domain(domain: str, *, selectors: Sequence[str], texts: Texts | None = None) -> list[Finding]:
    """Return how a sending domain stands. `texts` gives the TXT records of a name; the DNS's by default."""
    texts = texts or lookup
    return [
        _guarded("spf", "SPF", lambda: _spf(domain, texts)),
        _guarded("dkim", "DKIM", lambda: _dkim(domain, selectors, texts)),
        _guarded("dmarc", "DMARC", lambda: _dmarc(domain, texts)),
    ]


def lookup(name: str) -> list[str]:
    """Return the TXT records of a name, none where it has none. Raises NoAnswer."""
    resolver = dns.resolver.Resolver(configure=not settings.DNS_SERVERS)
    resolver.lifetime = SECONDS
    if settings.DNS_SERVERS:
        hosts = [server.rpartition(":") for server in settings.DNS_SERVERS]
        resolver.nameservers = [host or port for host, _colon, port in hosts]
        resolver.port = int(hosts[0][2]) if hosts[0][0] else 53
    try:
        answer = resolver.resolve(name, "TXT", search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError, UnicodeError) as error:
        raise NoAnswer(str(error)) from error
    return [b"".join(record.strings).decode(errors="replace") for record in answer]


def _guarded(code: str, title: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except NoAnswer:
        text = _("The name servers did not answer. Try again later.")
        return Finding(code, title, Verdict.WARNING, text)


def _spf(domain: str, texts: Texts) -> Finding:
    records = [text for text in texts(domain) if text.lower().split()[:1] == ["v=spf1"]]
    if not records:
        text = _(
            "There is no SPF record: any server may send in the domain's name, and receivers trust none."
        )
        return Finding("spf", "SPF", Verdict.BAD, text)
    if len(records) > 1:
        text = _("There are several SPF records: receivers then ignore all of them. Keep one.")
        return Finding("spf", "SPF", Verdict.BAD, text, " / ".join(records))
    record = records[0]
    lookups = _lookups(record, texts, seen={domain})
    if lookups > MOST_LOOKUPS:
        text = _("It needs %(count)d look-ups, and receivers stop after 10: take servers out.")
        return Finding("spf", "SPF", Verdict.BAD, text % {"count": lookups}, record)
    verdict, text = _ending_of(record)
    return Finding("spf", "SPF", verdict, text, record)


def _ending_of(record: str) -> tuple[Verdict, str]:
    terms = record.lower().split()[1:]
    ending = next((term for term in terms if term.lstrip("+-~?") == "all"), "")
    if ending in ("-all", "~all"):
        return Verdict.GOOD, _("It names the servers that may send, and tells receivers to doubt all others.")
    if not ending and any(term.startswith("redirect=") for term in terms):
        return Verdict.GOOD, _("It takes the servers that may send from another domain.")
    if ending in ("all", "+all"):
        return Verdict.BAD, _(
            "It ends in +all: anybody may send in the domain's name. End it in ~all or -all."
        )
    return Verdict.WARNING, _("It says nothing about other servers: end it in ~all or -all.")


def _lookups(record: str, texts: Texts, *, seen: set[str]) -> int:
    """Return how many look-ups a receiver makes for a record, those of included ones too."""
    count = 0
    for term in record.lower().split()[1:]:
        bare = term.lstrip("+-~?")
        if re.split(r"[:/]", bare)[0] not in NAMES_ALONE and not bare.startswith(OTHERS):
            continue
        count += 1
        other = bare.partition("include:")[2] or bare.partition("redirect=")[2]
        if other and other not in seen and len(seen) <= MOST_LOOKUPS + 1:
            seen.add(other)
            inner = [text for text in texts(other) if text.lower().startswith("v=spf1")]
            count += sum(_lookups(each, texts, seen=seen) for each in inner[:1])
    return count


def _dkim(domain: str, selectors: Sequence[str], texts: Texts) -> Finding:
    for selector in selectors:
        name = f"{selector}._domainkey.{domain}"
        for text in texts(name):
            if "p=" in text.replace(" ", ""):
                return _key_of(selector, text)
    if not selectors:
        text = _("Set DKIM_SELECTORS to the names under which your provider publishes its keys.")
        return Finding("dkim", "DKIM", Verdict.WARNING, text)
    text = _(
        "No key under any of these selectors: %(names)s. Publish your provider's key, or name its selector."
    )
    return Finding("dkim", "DKIM", Verdict.BAD, text % {"names": ", ".join(selectors)})


def _key_of(selector: str, record: str) -> Finding:
    tags = _tags(record)
    shown = f"{selector}: {record[:120]}{'…' if len(record) > 120 else ''}"
    if not tags.get("p"):
        text = _("The key was withdrawn: mails signed with it are refused.")
        return Finding("dkim", "DKIM", Verdict.BAD, text, shown)
    bits = 256 if tags.get("k") == "ed25519" else _rsa_bits(tags["p"])
    if bits is None or (tags.get("k") != "ed25519" and bits < SHORTEST_KEY):
        text = _("The key cannot be used: it is broken, or shorter than 1024 bits.")
        return Finding("dkim", "DKIM", Verdict.BAD, text, shown)
    if "y" in tags.get("t", ""):
        text = _("The key is marked as a test: receivers treat signed mails as unsigned ones.")
        return Finding("dkim", "DKIM", Verdict.WARNING, text, shown)
    if tags.get("k") != "ed25519" and bits < USUAL_KEY:
        text = _("The key has %(bits)d bits; 2048 are usual by now.") % {"bits": bits}
        return Finding("dkim", "DKIM", Verdict.WARNING, text, shown)
    return Finding(
        "dkim", "DKIM", Verdict.GOOD, _("A key is published with which mails can be signed."), shown
    )


def _rsa_bits(key: str) -> int | None:
    try:
        loaded = load_der_public_key(base64.b64decode("".join(key.split()), validate=True))
    except (ValueError, TypeError, binascii.Error):
        return None
    return loaded.key_size if isinstance(loaded, RSAPublicKey) else None


def _dmarc(domain: str, texts: Texts) -> Finding:
    records = _dmarc_records(domain, texts)
    if not records:
        text = _(
            "There is no DMARC record. Large mailbox providers ask bulk senders for one; begin with p=none."
        )
        return Finding("dmarc", "DMARC", Verdict.BAD, text)
    record = records[0]
    tags = _tags(record)
    policy = tags.get("p", "").lower()
    if len(records) > 1 or policy not in ("none", "quarantine", "reject"):
        text = _("The record cannot be used: it needs one policy, p=none, quarantine or reject.")
        return Finding("dmarc", "DMARC", Verdict.BAD, text, record)
    if policy == "none":
        text = _("It only watches. Once the reports show no mail of your own failing, go to p=quarantine.")
        return Finding("dmarc", "DMARC", Verdict.WARNING, text, record)
    if tags.get("pct", "100") != "100":
        text = _("It holds for %(share)s %% of the mails only.") % {"share": tags["pct"][:5]}
        return Finding("dmarc", "DMARC", Verdict.WARNING, text, record)
    if not tags.get("rua"):
        text = _("It protects the domain, but nobody gets the reports: add rua=mailto:...")
        return Finding("dmarc", "DMARC", Verdict.WARNING, text, record)
    text = _("Mails that claim to be yours and are not are kept from their readers.")
    return Finding("dmarc", "DMARC", Verdict.GOOD, text, record)


def _dmarc_records(domain: str, texts: Texts) -> list[str]:
    """Return the domain's record, else that of the nearest domain above it (RFC 7489, 6.6.3)."""
    labels = domain.split(".")
    for start in range(max(1, len(labels) - 1)):
        name = ".".join(labels[start:])
        found = [
            text for text in texts(f"_dmarc.{name}") if text.lower().replace(" ", "").startswith("v=dmarc1")
        ]
        if found:
            return found
    return []


def _tags(record: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): value.strip() for name, _sign, value in pairs}
