"""What somebody gets on top for the third friend, the tenth, ...: once each, while they have so many."""

from datetime import datetime

from django.db.models import Exists, OuterRef

from customers.models import Customer
from loyalty.services.grants import take_back_grant
from loyalty.services.rewards import grant_reward
from referrals.models import Referral, ReferralProgramme, RewardStep, StepReward


def rewarded_friends(customer: Customer, programme: ReferralProgramme) -> int:
    """Return how many friends somebody was rewarded for in a programme, with all their codes."""
    brought = Referral.objects.filter(referrer=customer, programme=programme)
    return brought.filter(status=Referral.Status.REWARDED).count()


def steps_reached(customer: Customer, programme: ReferralProgramme, *, more: int = 0) -> list[RewardStep]:
    """Return the steps reached, with `more` friends to come, whose reward somebody has not got yet."""
    friends = rewarded_friends(customer, programme) + more
    standing = StepReward.objects.filter(step=OuterRef("pk"), customer=customer, taken_back_at__isnull=True)
    steps = RewardStep.objects.filter(programme=programme, active=True, friends__lte=friends)
    return list(steps.exclude(Exists(standing)).select_related("reward").order_by("reward", "pk"))


def give_step(step: RewardStep, customer: Customer, *, at: datetime) -> StepReward:
    """Give the reward of a step; the caller holds the customer and their code.

    Whoever fell below a step and reaches it again gets it again. Raises what `grant_reward` raises.
    """
    before = StepReward.objects.filter(step=step, customer=customer).count()
    cause = f"referral-step:{step.pk}:{customer.public_id}:{before}"
    grant = grant_reward(customer, step.reward, source_key=cause, at=at)
    return StepReward.objects.create(step=step, customer=customer, grant=grant, reached_at=at)


def take_back_steps(
    customer: Customer, programme: ReferralProgramme, *, reason: str, at: datetime
) -> list[StepReward]:
    """Take back, as far as they can be, the rewards of steps for which somebody has too few friends now."""
    friends = rewarded_friends(customer, programme)
    lost = StepReward.objects.filter(
        step__programme=programme, step__friends__gt=friends, customer=customer, taken_back_at__isnull=True
    )
    rows = list(lost.select_related("grant").order_by("grant__reward", "pk"))
    for row in rows:
        take_back_grant(row.grant, reason=reason, at=at)
        row.taken_back_at = at
        row.save(update_fields=["taken_back_at"])
    return rows
