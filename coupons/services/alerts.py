"""What about promotions a person should look at: budgets that run out, codes used far too often.

Each alert is a row, raised once, told as an event and mailed to the owner; seen when somebody looked.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coupons.models import BudgetPeriod, Promotion, PromotionAlert, Redemption
from coupons.rules import local_day, period_start
from customers.models import Order
from customers.services import record_event
from operations.formats import money, number
from operations.models import User

log = structlog.get_logger(__name__)

Kind = PromotionAlert.Kind
THRESHOLDS = (80, 100)
HOUR = timedelta(hours=1)
BASELINE = timedelta(days=7)
MOSTLY = 0.8  # Of the uses of a leaked code are by people who never bought before.
ENOUGH = 10  # Uses in the week before, below which nothing is known of what is usual.
MAILED_WITHIN = timedelta(days=2)
MOST_MAILS = 20
MOST_OWNERS = 20


@dataclass(frozen=True)
class Speed:
    """How often a promotion, or one public code of it, was redeemed in an hour, and usually is."""

    promotion_id: int
    coupon_id: int | None
    redemptions: int
    usual: int


def watch_promotions(*, at: datetime) -> list[PromotionAlert]:
    """Raise what there is to raise, once each, and mail what was not mailed yet; return the new alerts."""
    raised = [*_watch_budgets(at), *_watch_speed(at), *_watch_newcomers(at)]
    mail_alerts(at=at)
    return raised


def dismiss_alerts(promotion: Promotion, *, by: User, at: datetime) -> int:
    """Note that somebody has looked at the promotion's alerts; return how many there were."""
    return promotion.alerts.open().update(seen_at=at, seen_by=by)


def mail_alerts(*, at: datetime) -> int:
    """Mail the alerts of the last days that were not mailed yet; a server that is away is asked again."""
    sent = 0
    waiting = PromotionAlert.objects.filter(mailed_at=None, raised_at__gte=at - MAILED_WITHIN)
    for pk in list(waiting.order_by("pk").values_list("pk", flat=True)[:MOST_MAILS]):
        try:
            sent += _mail_alert(pk, at)
        except OSError as error:  # smtplib's errors are ones as well.
            log.warning("alert_not_mailed", alert=pk, error=repr(error))
            break
    return sent


def alert_in_words(alert: PromotionAlert) -> str:
    """Return what happened, in one sentence."""
    name = alert.promotion.name
    if alert.kind == Kind.BUDGET:
        used, cap = _written(alert.period)
        share = alert.period.used * 100 // alert.period.cap
        words = {"name": name, "used": used, "cap": cap, "share": share}
        if alert.threshold >= 100:
            return _("%(name)s has spent its budget of %(cap)s") % words
        return _("%(name)s has spent %(share)s%% of its budget: %(used)s of %(cap)s") % words
    if alert.kind == Kind.REFERRER:
        return _(
            "%(host)s, never seen before, sent %(count)s visitors to where codes of %(name)s are given"
        ) % {
            "host": alert.host,
            "count": number(alert.redemptions),
            "name": name,
        }
    if alert.kind == Kind.NEWCOMER:
        return _(
            "%(name)s: %(new)s of %(count)s redemptions in an hour are of people who never bought before"
        ) % {
            "name": f"{name} ({alert.coupon.code})",
            "new": number(alert.usual),
            "count": number(alert.redemptions),
        }
    words = {
        "name": f"{name} ({alert.coupon.code})" if alert.coupon else name,
        "count": number(alert.redemptions),
        "usual": number(alert.usual),
    }
    text = ngettext(
        "%(name)s was redeemed %(count)s time in an hour, where %(usual)s are usual",
        "%(name)s was redeemed %(count)s times in an hour, where %(usual)s are usual",
        alert.redemptions,
    )
    return text % words


def _watch_budgets(at: datetime) -> Iterator[PromotionAlert]:
    for threshold in THRESHOLDS:
        known = PromotionAlert.objects.filter(kind=Kind.BUDGET, threshold=threshold).values("period")
        passed = (
            BudgetPeriod.objects.filter(
                used__gte=F("cap") * threshold / 100,
                cap__gt=0,
                budget__promotion__status=Promotion.Status.ACTIVE,
            )
            .exclude(pk__in=known)
            .select_related("budget__promotion")
        )
        for period in passed:
            promotion = period.budget.promotion
            if period.starts_on != period_start(period.budget.period, at, promotion.time_zone):
                continue
            if threshold < 100 and period.used >= period.cap:
                continue  # It was spent at once: one alert says it.
            yield from _raise(promotion, at, kind=Kind.BUDGET, period=period, threshold=threshold)


def _watch_speed(at: datetime) -> Iterator[PromotionAlert]:
    for speed in _unusual(at):
        promotion = Promotion.objects.get(pk=speed.promotion_id)
        yield from _raise(
            promotion,
            at,
            kind=Kind.SPEED,
            coupon_id=speed.coupon_id,
            redemptions=speed.redemptions,
            usual=speed.usual,
        )


def raise_referrer(promotion: Promotion, *, host: str, visits: int, at: datetime) -> PromotionAlert | None:
    """Say that a site never seen before sends people to where a promotion's codes are given; once a day."""
    return next(_raise(promotion, at, kind=Kind.REFERRER, host=host, redemptions=visits), None)


def _watch_newcomers(at: datetime) -> Iterator[PromotionAlert]:
    """A public code that suddenly only people use who never bought before stands on some site of coupons."""
    for leak in _leaking(at):
        yield from _raise(
            Promotion.objects.get(pk=leak.promotion_id),
            at,
            kind=Kind.NEWCOMER,
            coupon_id=leak.coupon_id,
            redemptions=leak.redemptions,
            usual=leak.usual,
        )


def _leaking(at: datetime) -> list[Speed]:
    """Return the public codes of the last hour of which most uses, and more than usual, are of newcomers.

    `usual` of what is returned is the number of newcomers.
    """
    public = Redemption.objects.standing().filter(
        coupon__public=True,
        promotion__trigger=Promotion.Trigger.COUPON,
        promotion__status=Promotion.Status.ACTIVE,
    )
    public = public.exclude(promotion__conditions__contains={"first_order_only": True})
    recent = _by_newcomers(public.filter(redeemed_at__gte=at - HOUR, redeemed_at__lte=at))
    found = []
    for (promotion, coupon), (count, new) in recent.items():
        if new < settings.UNUSUAL_NEWCOMERS_AN_HOUR or new < MOSTLY * count:
            continue
        until = at - HOUR
        before = public.filter(coupon=coupon, redeemed_at__gte=until - BASELINE, redeemed_at__lt=until)
        earlier, earlier_new = _by_newcomers(before).get((promotion, coupon), (0, 0))
        if earlier < ENOUGH or earlier_new < MOSTLY / 2 * earlier:
            found.append(Speed(promotion, coupon, count, new))
    return found


def _by_newcomers(redemptions: QuerySet[Redemption]) -> dict[tuple[int, int], tuple[int, int]]:
    """Return how many there are of each promotion and code, and how many by people without an older order."""
    earlier = Order.objects.filter(
        customer=OuterRef("customer"), ordered_at__lt=OuterRef("redeemed_at") - timedelta(days=1)
    )
    rows = redemptions.annotate(newcomer=~Exists(earlier)).order_by().values_list("promotion", "coupon")
    counted = rows.annotate(n=Count("pk"), new=Count("pk", filter=Q(newcomer=True)))
    return {(promotion, coupon): (n, new) for promotion, coupon, n, new in counted}


def _unusual(at: datetime) -> list[Speed]:
    """Return what was redeemed in the last hour at least so often, and so many times more than usual."""
    recent = Redemption.objects.standing().filter(
        redeemed_at__gte=at - HOUR,
        redeemed_at__lte=at,
        promotion__trigger=Promotion.Trigger.COUPON,
        promotion__status=Promotion.Status.ACTIVE,
    )
    public = Q(coupon__public=True)
    settled = Q(promotion__activated_at__lt=at - timedelta(days=1))
    counted = [
        *recent.filter(public).order_by().values_list("promotion", "coupon").annotate(n=Count("pk")),
        *(
            (promotion, None, n)
            for promotion, n in recent.filter(settled)
            .exclude(public)
            .order_by()
            .values_list("promotion")
            .annotate(n=Count("pk"))
        ),
    ]
    found = []
    for promotion, coupon, count in counted:
        if count < settings.UNUSUAL_REDEMPTIONS_AN_HOUR:
            continue
        usual = _usual(promotion, coupon, at)
        if count >= settings.UNUSUAL_TIMES_FASTER * max(usual, 1):
            found.append(Speed(promotion, coupon, count, round(usual)))
    return found


def _usual(promotion_id: int, coupon_id: int | None, at: datetime) -> float:
    """Return the redemptions in the busiest hour of the week before."""
    until = at - HOUR
    before = Redemption.objects.standing().filter(
        promotion=promotion_id, redeemed_at__gte=until - BASELINE, redeemed_at__lt=until
    )
    before = before.filter(coupon=coupon_id) if coupon_id else before.exclude(coupon__public=True)
    hours = before.order_by().values_list("redeemed_at__date", "redeemed_at__hour")
    return max((n for *_hour, n in hours.annotate(n=Count("pk"))), default=0)


def _raise(promotion: Promotion, at: datetime, **fields: object) -> Iterator[PromotionAlert]:
    """Write the alert with its event, unless another worker just did."""
    on = local_day(at, promotion.time_zone)
    alert = PromotionAlert(promotion=promotion, raised_on=on, raised_at=at, **fields)
    with transaction.atomic():
        written = PromotionAlert.objects.bulk_create([alert], ignore_conflicts=True)
        stored = PromotionAlert.objects.filter(promotion=promotion, raised_at=at, kind=alert.kind).filter(
            period=alert.period, threshold=alert.threshold, coupon=alert.coupon_id, host=alert.host
        )
        if not written or (alert := stored.select_related("coupon", "period__budget").first()) is None:
            return
        _tell(alert, at)
    yield alert


def _tell(alert: PromotionAlert, at: datetime) -> None:
    promotion = alert.promotion
    payload = {"promotion": promotion.code, "kind": alert.kind, "message": alert_in_words(alert)}
    if alert.kind == Kind.BUDGET:
        budget = alert.period.budget
        payload |= {
            "metric": budget.metric,
            "period": budget.period,
            "threshold": alert.threshold,
            "used": alert.period.used,
            "cap": alert.period.cap,
        }
        key = f"budget:{alert.period_id}:{alert.threshold}"
        record_event("budget.threshold_reached", external_id=key, occurred_at=at, payload=payload)
        return
    if alert.kind != Kind.SPEED:
        payload |= {"redemptions": alert.redemptions, "newcomers": alert.usual, "host": alert.host}
        key = f"promotion:{promotion.pk}:{alert.coupon_id or ''}:{alert.kind}:{alert.host}:{alert.raised_on}"
        record_event("promotion.leak_suspected", external_id=key, occurred_at=at, payload=payload)
        return
    payload |= {"redemptions": alert.redemptions, "usual": alert.usual}
    key = f"promotion:{promotion.pk}:{alert.coupon_id or ''}:speed:{alert.raised_on}"
    record_event("promotion.unusual_speed", external_id=key, occurred_at=at, payload=payload)


def _written(period: BudgetPeriod) -> tuple[str, str]:
    budget = period.budget
    if budget.counts_money:
        return money(period.used, budget.promotion.currency), money(period.cap, budget.promotion.currency)
    return number(period.used), number(period.cap)


def _mail_alert(pk: int, at: datetime) -> int:
    """Send one alert to its owners while its row is held, so that two workers never both do."""
    with transaction.atomic():
        waiting = PromotionAlert.objects.select_for_update(skip_locked=True, of=("self",))
        alert = waiting.select_related("promotion__created_by", "coupon", "period__budget__promotion")
        alert = alert.filter(pk=pk, mailed_at=None).first()
        if alert is None:
            return 0
        owners = owners_of(alert.promotion)
        for owner in owners:
            with translation.override(owner.language):
                _message(alert, owner).send()
        alert.mailed_at = at
        alert.save(update_fields=["mailed_at"])
    return len(owners)


def owners_of(promotion: Promotion) -> list[User]:
    """Return who is told: who wrote the promotion, else whoever may change it."""
    owner = promotion.created_by
    if owner is not None and owner.is_active and owner.email:
        return [owner]
    staff = User.objects.with_perm(
        "coupons.change_promotion",
        include_superusers=False,
        backend="django.contrib.auth.backends.ModelBackend",
    )
    return list(staff.filter(is_active=True, is_staff=True).exclude(email="").order_by("pk")[:MOST_OWNERS])


def _message(alert: PromotionAlert, owner: User) -> EmailMessage:
    sentence = alert_in_words(alert)
    url = settings.PUBLIC_URL + reverse("admin:coupons_promotion_change", args=[alert.promotion_id])
    if alert.kind in PromotionAlert.LEAKS:
        advice = _("If the code has leaked, stop the promotion on its page: one click.")
    elif alert.threshold >= 100:
        advice = _("Nothing more is given from it. Raise the budget on its page, or let it rest.")
    else:
        advice = _("Its page shows when it will be spent at this pace.")
    return EmailMessage(subject=sentence, body=f"{sentence}.\n\n{advice}\n{url}\n", to=[owner.email])
