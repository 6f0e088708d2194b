"""How much may be given in apologies without asking: by one agent on a day, to one customer in 30 days."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Sum

from coupons.models import AgentAllowance, Apology
from coupons.rules import local_day, start_of_day
from customers.models import Customer
from operations.models import ApiClient, User

CUSTOMER_DAYS = 30


@dataclass(frozen=True)
class Allowance:
    """What an agent may give on one local day, and has given; minor units of the programme's currency."""

    daily_amount: int
    used_amount: int

    @property
    def remaining_amount(self) -> int:
        return max(0, self.daily_amount - self.used_amount)


@dataclass(frozen=True)
class CustomerAllowance:
    """What a customer may get in 30 days from anybody, and has got; minor units."""

    amount: int
    used_amount: int
    count: int

    @property
    def remaining_amount(self) -> int:
        return max(0, self.amount - self.used_amount)


def allowance_of(agent: User | None, *, client: ApiClient | None = None, at: datetime) -> Allowance:
    """Return the allowance of the local day: the person's own, else their groups' best, else the default."""
    day = local_day(at, settings.PROGRAMME_TIME_ZONE)
    since = start_of_day(day, settings.PROGRAMME_TIME_ZONE)
    until = start_of_day(day + timedelta(days=1), settings.PROGRAMME_TIME_ZONE)
    given = Apology.objects.filter(
        agent=agent, within_allowance=True, requested_at__gte=since, requested_at__lt=until
    )
    if agent is None:
        given = given.filter(client=client)
    used = given.aggregate(units=Sum("worth_amount"))["units"] or 0
    rule = _rule(agent)
    return Allowance(rule.daily_amount if rule else settings.APOLOGY_DAILY_AMOUNT, used)


def customer_allowance_of(customer: Customer, *, agent: User | None, at: datetime) -> CustomerAllowance:
    """Return what this customer may still get from the agent: everything issued in 30 days counts.

    Without a row that says otherwise it is never less than what the agent may give on a day.
    """
    given = Apology.objects.filter(
        customer=customer, status=Apology.Status.ISSUED, issued_at__gt=at - timedelta(days=CUSTOMER_DAYS)
    )
    rule = _rule(agent)
    if rule and rule.customer_amount is not None:
        amount = rule.customer_amount
    else:
        amount = max(settings.APOLOGY_CUSTOMER_AMOUNT, rule.daily_amount if rule else 0)
    worths = list(given.values_list("worth_amount", flat=True))
    return CustomerAllowance(amount, sum(worths), len(worths))


def _rule(agent: User | None) -> AgentAllowance | None:
    """Return the person's own row, else the best of their groups."""
    if agent is None:
        return None
    own = AgentAllowance.objects.filter(user=agent).first()
    groups = AgentAllowance.objects.filter(group__in=agent.groups.all())
    return own or groups.order_by("-daily_amount").first()
