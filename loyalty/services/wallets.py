"""Members' passes: given out, what they say, and the telephones that hold them."""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from coupons.models import Account, Lot
from customers.models import Customer, Identity, Namespace
from customers.services.locks import lock_rows
from customers.services.references import survivor
from loyalty.card_numbers import written
from loyalty.models import CardDesign, WalletDevice, WalletPass
from loyalty.services.cards import ensure_card
from loyalty.services.member_links import member_of_link, member_urls
from loyalty.services.tiers import tiers_at
from loyalty.wallets import apple, google
from loyalty.wallets.contents import CardContent
from operations.inserts import insert_missing
from operations.languages import in_language

MOST_DEVICES = 20  # Of one pass: more telephones than one person has.
Platform = WalletPass.Platform


@dataclass(frozen=True)
class PassPage:
    """The passes of a telephone that have news, and what to ask with the next time."""

    serials: list[str]
    tag: str


def pass_of_link(token: str, platform: str, *, at: datetime) -> WalletPass | None:
    """Return the pass in a kind of wallet of whom a link opens; None for a link that opens nothing any more.

    Who ends all links at this moment waits, and ends this pass with them; or we find the link ended.
    """
    member = member_of_link(token, at=at)
    if member is None:
        return None
    ensure_card(member.customer, at=at)
    with transaction.atomic():
        lock_rows([member.customer.pk])
        member = member_of_link(token, at=at)
        return member and ensure_pass(member.customer, platform, at=at)


def ensure_pass(customer: Customer, platform: str, *, at: datetime) -> WalletPass:
    """Return a person's pass in a kind of wallet; made when it is first asked for, with their card."""
    ensure_card(customer, at=at)
    with transaction.atomic():
        lock_rows([customer.pk])
        passes = WalletPass.objects.filter(customer=customer, platform=platform, voided_at__isnull=True)
        known = passes.order_by("pk").first()
        if known is not None:
            return known
        made = WalletPass(customer=customer, platform=platform, made_at=at, changed_at=at)
        made.told = contents_of([made], at=at)[0].digest
        made.save()
    return made


def contents_of(passes: Sequence[WalletPass], *, at: datetime) -> list[CardContent]:
    """Return what each of these passes says now, in a handful of statements.

    One that was ended, or whose holder was erased, says nothing of anybody any more.
    """
    people = {each.customer_id: survivor(each.customer) for each in passes}
    ids = {one.pk for one in people.values()}
    numbers = dict(
        Identity.objects.filter(customer__in=ids, namespace=Namespace.LOYALTY_CARD, shared=False)
        .order_by("pk")
        .values_list("customer", "value")
    )
    tiers = tiers_at(ids, at=at)
    points, pending, expiring = _points(ids, at=at)
    design, urls = CardDesign.current(), member_urls(people.values(), at=at)
    # Read after the links: a pass that was ended meanwhile must not be given one made after that.
    over = set(
        WalletPass.objects.filter(pk__in=[each.pk for each in passes], voided_at__isnull=False).values_list(
            "pk", flat=True
        )
    )
    found = []
    for each in passes:
        one = people[each.customer_id]
        content = _look(each, one, design)
        number = numbers.get(one.pk, "")
        if each.voided_at is not None or each.pk in over or not number:
            found.append(content)
            continue
        soonest = expiring.get(one.pk)
        found.append(
            replace(
                content,
                voided=False,
                number=number,
                written=written(number),
                holder=one.full_name,
                points=points.get(one.pk, 0),
                pending=pending.get(one.pk, 0),
                tier=tiers[one.pk].as_read("name", one.written_language) if one.pk in tiers else "",
                expiring_points=soonest[1] if soonest else 0,
                expires_on=_last_day(soonest[0]) if soonest else None,
                page_url=urls[one.pk],
            )
        )
    return found


def _look(one: WalletPass, holder: Customer, design: CardDesign) -> CardContent:
    """Return a pass that is over: how it looks, and nothing of its holder."""
    return CardContent(
        serial=str(one.serial),
        number="",
        written="",
        holder="",
        points=0,
        language=holder.written_language,
        title=design.title,
        background=design.background,
        foreground=design.foreground,
        website=design.website,
        terms=in_language(design.terms, holder.written_language),
        logo=bytes(design.logo or b""),
        voided=True,
    )


Units = dict[int, int]


def _points(ids: Iterable[int], *, at: datetime) -> tuple[Units, Units, dict[int, tuple[datetime, int]]]:
    """Return of each customer what they can spend, what is pending, and when how much expires next."""
    lots = Lot.objects.filter(account__customer__in=ids, account__kind=Account.Kind.POINTS)
    sums = []
    for part in (lots.spendable(at), lots.pending(at)):
        rows = part.order_by().values("account__customer").annotate(units=Sum("remaining"))
        sums.append({row["account__customer"]: row["units"] for row in rows})
    ending = lots.spendable(at).filter(expires_at__isnull=False).order_by()
    by_instant = ending.values("account__customer", "expires_at").annotate(units=Sum("remaining"))
    expiring: dict[int, tuple[datetime, int]] = {}
    for row in by_instant.order_by("-expires_at"):
        expiring[row["account__customer"]] = (row["expires_at"], row["units"])
    return *sums, expiring


def _last_day(end: datetime) -> date:
    return (end - timedelta(microseconds=1)).astimezone(ZoneInfo(settings.PROGRAMME_TIME_ZONE)).date()


def apple_file(found: WalletPass, *, at: datetime) -> bytes:
    """Return a pass as the file that Apple Wallet opens. Raises NotUsable."""
    (content,) = contents_of([found], at=at)
    return apple.build_pass(
        content,
        apple.identity(at=at),
        auth_token=auth_token(found.serial),
        service_url=f"{settings.PUBLIC_URL}/wallet/" if settings.HTTPS else "",
    )


def google_link(found: WalletPass, *, at: datetime) -> str:
    """Return the address under which Google Wallet saves a pass. Raises NotUsable."""
    (content,) = contents_of([found], at=at)
    logo = f"{settings.PUBLIC_URL}/wallet/logo.png"
    return google.save_link(content, google.account(), logo_url=logo, at=at.timestamp())


def auth_token(serial: UUID, *, key: str = "") -> str:
    """Return with what a telephone proves that it holds a pass; it follows from the serial number."""
    told = f"wallet pass\n{serial}".encode()
    return hmac.new((key or settings.SECRET_KEY).encode(), told, hashlib.sha256).hexdigest()


def pass_of_telephone(serial: UUID, token: str) -> WalletPass | None:
    """Return the pass whose holder asks; None where the token is not its own."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    if not any(hmac.compare_digest(auth_token(serial, key=key).encode(), token.encode()) for key in keys):
        return None
    passes = WalletPass.objects.select_related("customer__merged_into")
    return passes.filter(serial=serial, platform=Platform.APPLE).first()


def register_device(found: WalletPass, *, device_id: str, push_token: str, at: datetime) -> bool:
    """Let a telephone hear of a pass's news; return whether it is new. Its token is the latest it told.

    Of more telephones than anybody has, those that registered first are forgotten.
    """
    row = WalletDevice(wallet_pass=found, device_id=device_id, push_token=push_token, registered_at=at)
    with transaction.atomic():
        new = bool(insert_missing([row], unique=["device_id", "wallet_pass"]))
        devices = WalletDevice.objects.filter(wallet_pass=found)
        if not new:
            devices.filter(device_id=device_id).update(push_token=push_token)
        kept = devices.order_by("-pk").values("pk")[:MOST_DEVICES]
        devices.exclude(pk__in=list(kept.values_list("pk", flat=True))).delete()
    return new


def unregister_device(found: WalletPass, *, device_id: str) -> None:
    """Forget a telephone that threw the pass away."""
    WalletDevice.objects.filter(wallet_pass=found, device_id=device_id).delete()


def changed_passes(device_id: str, *, since: str) -> PassPage | None:
    """Return the passes of a telephone that changed after a tag of ours; None when none did."""
    passes = WalletPass.objects.filter(devices__device_id=device_id, platform=Platform.APPLE)
    if since.isascii() and since.isdigit() and len(since) < 20:
        passes = passes.filter(changed_at__gt=_instant(int(since)))
    rows = list(passes.order_by("changed_at").values_list("serial", "changed_at"))
    if not rows:
        return None
    return PassPage([str(serial) for serial, _changed in rows], str(_micros(rows[-1][1])))


def _micros(instant: datetime) -> int:
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _instant(micros: int) -> datetime:
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)
