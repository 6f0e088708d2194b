"""A friend comes with somebody's code."""

from collections.abc import Mapping
from datetime import datetime

from django.db import IntegrityError, transaction

from customers.models import Customer, Store
from customers.services import find_customer
from customers.services.locks import lock_live_customers
from loyalty.models import Employee
from referrals.errors import (
    AlreadyReferred,
    ExistingCustomer,
    ProgrammeStopped,
    ReferralCodeNotFound,
    SelfReferral,
)
from referrals.fraud import Assessment, assess, needs_review
from referrals.models import Referral, ReferralCode
from referrals.rules import canonical_code
from referrals.services.evidence import evidence_about, has_bought, is_self, note_fingerprints
from referrals.services.journal import tell
from referrals.services.leaderboard import lock_codes, recount_codes

Status, Review = Referral.Status, Referral.Review


def register_referral(
    code: str,
    *,
    referee: dict[str, str],
    phone: str = "",
    fingerprints: Mapping[str, str] | None = None,
    employee: Employee | None = None,
    store: Store | None = None,
    at: datetime,
) -> tuple[Referral, bool]:
    """Record that a friend came with a code; return the referral and whether it is new.

    `referee` names the friend as everywhere ({id}, {source, source_id} or {email}); somebody unknown becomes
    a prospect. `phone` and `fingerprints` ({payment, device, address}) help to see that the friend is
    somebody else. `employee` and `store` took the friend in; without a store it is the employee's.
    What looks like fraud without being certain waits for a person (`Referral.review`).

    Raises ReferralCodeNotFound, ProgrammeStopped, SelfReferral, ExistingCustomer, AlreadyReferred; then
    nothing was written.
    """
    shared = _code_in_use(code)
    with transaction.atomic():
        friend = _lock_both(shared, find_customer(referee, create_prospect=True, at=at))
        if is_self(shared.customer, email=referee.get("email", ""), phone=phone):
            raise SelfReferral
        note_fingerprints(friend, fingerprints or {}, at=at)
        # Friends who come at once are counted one after the other.
        lock_codes(shared)
        assessment = assess(evidence_about(shared, friend, at=at))
        if assessment.is_certain:  # The same customer, too.
            raise SelfReferral
        if known := _known_referral(shared, friend):
            return known, False
        return _register(shared, friend, assessment, at, employee=employee, store=store), True


def _code_in_use(code: str) -> ReferralCode:
    known = ReferralCode.objects.select_related("programme", "customer")
    shared = known.filter(code=canonical_code(code)).first()
    if shared is None:
        raise ReferralCodeNotFound
    if not shared.programme.active:
        raise ProgrammeStopped
    return shared


def _lock_both(shared: ReferralCode, friend: Customer) -> Customer:
    """Lock both sides at once, in the order in which a merge and a rewarded order take them."""
    people = lock_live_customers([shared.customer_id, friend.pk], shared=True)
    shared.customer = people[shared.customer_id]
    return people[friend.pk]


def _known_referral(shared: ReferralCode, friend: Customer) -> Referral | None:
    """Return the friend's referral by this code; refuse who came with another or was a customer before."""
    known = Referral.objects.filter(referee=friend).exclude(status=Status.REJECTED).first()
    if known is None and has_bought(friend):
        raise ExistingCustomer
    if known is not None and known.code_id != shared.pk:
        raise AlreadyReferred
    return known


def _register(
    shared: ReferralCode,
    friend: Customer,
    assessment: Assessment,
    at: datetime,
    *,
    employee: Employee | None,
    store: Store | None,
) -> Referral:
    waits = needs_review(assessment, from_score=shared.programme.review_score)
    try:
        with transaction.atomic():
            referral = Referral.objects.create(
                programme=shared.programme,
                code=shared,
                referrer=shared.customer,
                referee=friend,
                registered_at=at,
                employee=employee,
                store=store or (employee.store if employee else None),
                review=Review.WAITING if waits else "",
                risk_score=assessment.score,
                risk_signals=assessment.codes,
            )
    except IntegrityError as error:
        raise AlreadyReferred from error
    recount_codes([shared.pk])
    tell("referral.registered", referral, friend, at=at)
    return referral
