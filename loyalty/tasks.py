"""The clock of the programme. Any of these may be lost, doubled or late: the rows say what is to be done."""

from celery import shared_task
from django.utils import timezone

from loyalty.services.badges import award_by_segments
from loyalty.services.cards import issue_missing_cards
from loyalty.services.drawings import close_due_contests, give_owed_prizes
from loyalty.services.leaderboards import count_leaderboards
from loyalty.services.member_mails import send_link_to
from loyalty.services.memberships import end_memberships
from loyalty.services.milestones import sweep_milestones
from loyalty.services.prolonging import prolong_by_activity
from loyalty.services.signs_of_life import tell_birthdays as birthdays
from loyalty.services.signs_of_life import tell_complete_profiles as complete_profiles
from loyalty.services.tier_reviews import review_tiers
from loyalty.services.wallet_news import note_changes, tell_telephones


@shared_task(name="loyalty.tasks.close_contests")
def close_contests() -> None:
    """Freeze the lists of contests whose last instant has passed, and give the prizes still owed."""
    at = timezone.now()
    close_due_contests(at=at)
    give_owed_prizes(at=at)


@shared_task(name="loyalty.tasks.award_badges")
def award_badges() -> None:
    """Give badges to who came into their segments."""
    award_by_segments(at=timezone.now())


@shared_task(name="loyalty.tasks.rank_members")
def rank_members() -> None:
    """Count the leaderboards anew."""
    count_leaderboards(at=timezone.now())


@shared_task(name="loyalty.tasks.review_tiers")
def review_everybody() -> None:
    """Let everybody rise to what they have reached, and decide about periods that are over."""
    review_tiers(at=timezone.now())


@shared_task(name="loyalty.tasks.end_memberships")
def close_memberships() -> None:
    """Close the memberships whose time is over; their benefits ended with it already."""
    end_memberships(at=timezone.now())


@shared_task(name="loyalty.tasks.keep_wallets")
def keep_wallets() -> None:
    """Let the passes on telephones say what is true now."""
    at = timezone.now()
    note_changes(at=at)
    tell_telephones(at=at)


@shared_task(name="loyalty.tasks.send_link")
def send_link(identity_id: int | None) -> None:
    """Send the link to their page to whoever has an address; None for an address that nobody has."""
    if identity_id is not None:
        send_link_to(identity_id, at=timezone.now())


@shared_task(name="loyalty.tasks.give_cards")
def give_cards() -> None:
    """Give a card to whoever has points and none."""
    issue_missing_cards(at=timezone.now())


@shared_task(name="loyalty.tasks.sweep_milestones")
def reach_milestones() -> None:
    """Note the milestones that were reached without an event, and try again what is owed."""
    sweep_milestones(at=timezone.now())


@shared_task(name="loyalty.tasks.tell_birthdays")
def tell_birthdays() -> None:
    """Tell of today's birthdays, where a rule rewards them."""
    birthdays(at=timezone.now())


@shared_task(name="loyalty.tasks.tell_complete_profiles")
def tell_complete_profiles() -> None:
    """Tell of profiles that became complete, where a rule rewards it."""
    complete_profiles(at=timezone.now())


@shared_task(name="loyalty.tasks.prolong_points")
def prolong_points() -> None:
    """Move the end of points that activity prolongs, for everybody whose end comes near."""
    prolong_by_activity(at=timezone.now())
