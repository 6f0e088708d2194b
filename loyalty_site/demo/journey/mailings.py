"""The chain's 27 mailings as finished campaigns: a booklet of vouchers per recipient, and what was spent.

The data say who got which mailing, and which voucher was redeemed by whom on which day. A booklet is one
personal coupon; its vouchers are its uses. The order is the household's of that day, the one with the most
manufacturers' discount if there are several; the discount is what all that day's orders had of it, in equal
parts. What no order explains is kept without one, at no discount.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time

import pandas as pd
from django.conf import settings
from django.db import transaction

from campaigns.models import Campaign
from campaigns.services.history import PastRecipient, import_campaign
from coupons.models import Coupon, Promotion
from coupons.services.history import (
    PastPurchase,
    PastUse,
    import_promotion,
    import_publications,
    import_redemptions,
)
from customers.models import Channel, Consent, Customer, Order, Purpose, Segment, SourceProfile
from customers.services import create_segment, replace_members
from loyalty_site.demo.journey.calendar import Calendar
from loyalty_site.demo.journey.dataset import Dataset
from loyalty_site.demo.journey.loading import SOURCE

MAILING_LIST = "journey-mailing-list"
VOUCHERS = 16
SUBJECT = "Il tuo libretto di buoni"
BODY = """Ciao {{ customer.first_name }},

in questo libretto trovi i buoni scelti per te. Mostra in cassa il codice {{ coupon.code }}.

{{ programme.name }}
"""


@dataclass(frozen=True)
class Mailings:
    """What was written."""

    campaigns: int
    messages: int
    redemptions: int


def is_loaded() -> bool:
    return Campaign.objects.filter(code=_code(1)).exists()


@transaction.atomic
def load_mailings(dataset: Dataset, *, calendar: Calendar, at: datetime) -> Mailings:
    """Write campaigns, messages, coupons and redemptions of the data set, whose facts are loaded already."""
    customers = dict(_integers(SourceProfile.objects.filter(source__code=SOURCE)))
    recipients = dataset.recipients.assign(customer=dataset.recipients["household_id"].map(customers))
    segment = _write_mailing_list(recipients["customer"].unique().tolist(), at)
    addresses = dict(
        Consent.objects.granted(Channel.POST, Purpose.MARKETING).values_list("customer_id", "address")
    )
    spent = Counter(zip(dataset.redemptions["campaign_id"], dataset.redemptions["household_id"], strict=True))
    booklets: dict[tuple[int, int], Coupon] = {}
    for mailing in dataset.campaigns.sort_values("start_date", kind="stable").itertuples():
        number = int(mailing.campaign_id)
        promotion = _write_promotion(mailing, calendar, at)
        sent_at = calendar.instant(datetime.combine(mailing.start_date, time(10)))
        own = recipients[recipients["campaign_id"] == number]
        publications = import_publications(
            promotion,
            max_uses={
                row.customer: max(VOUCHERS, spent[number, row.household_id]) for row in own.itertuples()
            },
            channel=Channel.POST,
            published_at=sent_at,
        )
        for row in own.itertuples():
            booklets[number, row.household_id] = publications[row.customer].coupon
        import_campaign(
            _code(number),
            name=_name(mailing),
            segment=segment,
            channel=Channel.POST,
            subject=SUBJECT,
            body=BODY,
            sent_at=sent_at,
            recipients=[
                PastRecipient(pk, addresses[pk], publication) for pk, publication in publications.items()
            ],
            promotion=promotion,
        )
    purchases = list(_purchases(dataset, customers, booklets, calendar))
    return Mailings(
        campaigns=len(dataset.campaigns),
        messages=len(recipients),
        redemptions=import_redemptions(purchases, currency=settings.PROGRAMME_CURRENCY),
    )


def _integers(profiles) -> Iterator[tuple[int, int]]:
    for household, customer in profiles.values_list("external_id", "customer_id"):
        yield int(household), customer


def _write_mailing_list(customers: list[int], at: datetime) -> Segment:
    segment = create_segment(
        code=MAILING_LIST, name="Complete Journey: mailing list", kind=Segment.Kind.MANUAL
    )
    replace_members(segment, Customer.objects.filter(pk__in=customers), at=at)
    return segment


def _write_promotion(mailing, calendar: Calendar, at: datetime) -> Promotion:
    last_moment = datetime.combine(mailing.end_date + pd.Timedelta(days=1), time(0))
    return import_promotion(
        _code(int(mailing.campaign_id)),
        name=f"{_name(mailing)}: vouchers",
        effect={"kind": "AMOUNT", "amount": 100, "target": "ORDER"},
        conditions={"holder_only": True},
        pattern=f"J{mailing.campaign_id:02d}-##########",
        starts_at=calendar.instant(datetime.combine(mailing.start_date, time(0))),
        ends_at=calendar.instant(last_moment),
        at=at,
    )


def _purchases(
    dataset: Dataset,
    customers: dict[int, int],
    booklets: dict[tuple[int, int], Coupon],
    calendar: Calendar,
) -> Iterator[PastPurchase]:
    days = _days_of_purchases(dataset)
    orders = {
        order.external_id: order
        for order in Order.objects.select_related("source").filter(
            source__code=SOURCE, external_id__in=[str(basket) for basket in days["basket_id"]]
        )
    }
    days = days.set_index(["household_id", "day"])
    grouped = dataset.redemptions.groupby(["household_id", "redemption_date"], sort=True)
    for (household, day), vouchers in grouped:
        known = days.loc[(household, day)] if (household, day) in days.index else None
        order = orders[str(int(known["basket_id"]))] if known is not None else None
        discount = round(known["coupon_disc"] * 100) if known is not None else 0
        noon = calendar.instant(datetime.combine(day, time(12)))
        yield PastPurchase(
            customer_id=customers[household],
            redeemed_at=order.ordered_at if order else noon,
            uses=[
                PastUse(booklets[int(campaign), household], part)
                for campaign, part in zip(
                    vouchers["campaign_id"], _equal_parts(discount, len(vouchers)), strict=True
                )
            ],
            order=order,
            metadata={"coupon_upcs": [int(upc) for upc in vouchers["coupon_upc"]]},
        )


def _days_of_purchases(dataset: Dataset) -> pd.DataFrame:
    """Return per household and day one basket and the day's manufacturers' discount."""
    lines = dataset.transactions[["household_id", "basket_id", "transaction_timestamp", "coupon_disc"]]
    lines = lines.assign(day=lines["transaction_timestamp"].dt.normalize())
    asked = dataset.redemptions[["household_id", "redemption_date"]].drop_duplicates()
    lines = lines.merge(asked, left_on=["household_id", "day"], right_on=["household_id", "redemption_date"])
    baskets = lines.groupby(["household_id", "day", "basket_id"], as_index=False)["coupon_disc"].sum()
    baskets = baskets.sort_values(["coupon_disc", "basket_id"], ascending=[False, True])
    return baskets.groupby(["household_id", "day"], as_index=False).agg(
        basket_id=("basket_id", "first"), coupon_disc=("coupon_disc", "sum")
    )


def _equal_parts(amount: int, count: int) -> list[int]:
    """Return the amount in `count` parts that differ by one cent at most, the larger first."""
    part, rest = divmod(amount, count)
    return [part + (place < rest) for place in range(count)]


def _name(mailing) -> str:
    return f"Mailing {mailing.campaign_id} ({mailing.campaign_type.replace('T', 't', 1)})"


def _code(number: int) -> str:
    return f"journey-{number:02d}"
