"""One row per recipient: the queue from which messages are sent, and the ledger of what became of them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.models.campaign import MAIN, Lane
from customers.models import Channel, Purpose


class MessageState(models.TextChoices):
    PENDING = "PENDING", _("Waiting")
    CLAIMED = "CLAIMED", _("Claimed")
    SENDING = "SENDING", _("Being sent")
    SENT = "SENT", _("Sent")
    SUPPRESSED = "SUPPRESSED", _("Left out")
    CANCELLED = "CANCELLED", _("Cancelled")
    EXPIRED = "EXPIRED", _("Expired")
    FAILED = "FAILED", _("Refused")
    DEAD = "DEAD", _("Given up")
    HOLDOUT = "HOLDOUT", _("Held out")
    UNKNOWN = "UNKNOWN", _("Unknown")


S = MessageState
MOVES: dict[MessageState, set[MessageState]] = {
    S.PENDING: {S.CLAIMED, S.CANCELLED, S.EXPIRED},
    S.CLAIMED: {S.PENDING, S.SENDING, S.SUPPRESSED, S.CANCELLED, S.EXPIRED},
    # Back to PENDING only on proof that nothing was accepted; UNKNOWN is never sent again by itself.
    S.SENDING: {S.SENT, S.PENDING, S.FAILED, S.DEAD, S.UNKNOWN},
    S.SENT: set(),
    S.SUPPRESSED: set(),
    S.CANCELLED: set(),
    S.EXPIRED: set(),
    S.FAILED: set(),
    S.DEAD: set(),
    S.HOLDOUT: set(),
    # The sender was only slow, or the provider tells what happened.
    S.UNKNOWN: {S.SENT, S.FAILED},
}
WAITING = [S.PENDING, S.CLAIMED]
OPEN = [S.PENDING, S.CLAIMED, S.SENDING]
# Holding a mailbox: no second message of the same run and step may go there.
LIVE = [S.PENDING, S.CLAIMED, S.SENDING, S.SENT, S.UNKNOWN]


class MessageReason(models.TextChoices):
    """Why a message is where it is; empty where nothing needs explaining."""

    NO_ADDRESS = "NO_ADDRESS", _("No address")
    NO_CONSENT = "NO_CONSENT", _("No consent")
    ON_SUPPRESSION_LIST = "ON_SUPPRESSION_LIST", _("On the suppression list")
    DUPLICATE_ADDRESS = "DUPLICATE_ADDRESS", _("Another recipient has the same address")
    CAPPED = "CAPPED", _("Had as many messages as one person may get")
    HOUSEHOLD = "HOUSEHOLD", _("Somebody of the same household was written to lately")
    NO_OFFER = "NO_OFFER", _("No personal offer")
    GLOBAL_HOLDOUT = "GLOBAL_HOLDOUT", _("Kept out of all campaigns by lot")
    MERGED = "MERGED", _("The recipient was merged with another one")
    STOPPED = "STOPPED", _("The campaign was stopped")
    GOAL_REACHED = "GOAL_REACHED", _("Reached the goal of the journey before")
    TOO_LATE = "TOO_LATE", _("Its time has passed")
    HARD_BOUNCE = "HARD_BOUNCE", _("The mailbox does not exist")
    REFUSED = "REFUSED", _("The provider refused it")
    TEMPORARY = "TEMPORARY", _("The provider could not take it just now")
    UNREACHABLE = "UNREACHABLE", _("The provider could not be reached")
    RETRIES_USED_UP = "RETRIES_USED_UP", _("Every retry failed")
    BAD_CONTENT = "BAD_CONTENT", _("Its content could not be made safely")
    NO_ANSWER = "NO_ANSWER", _("No answer after the message had been handed over")
    SENDER_DIED = "SENDER_DIED", _("The sending process died in the middle")


class MessageQuerySet(models.QuerySet["Message"]):
    def with_recipient(self) -> "MessageQuerySet":
        """Return messages with what rendering and reporting them needs, in one query."""
        return self.select_related("customer", "campaign", "publication__coupon__promotion")

    def waiting(self) -> "MessageQuerySet":
        """Return messages of which no byte has left."""
        return self.filter(state__in=WAITING)


class Message(models.Model):
    """What one recipient gets, or why they get nothing. Its moves stand in MOVES.

    `token` names the message on public pages; it cannot be guessed. The lease and its `owner` say which
    process holds it. Messages of a campaign have `run` and `version`; a published coupon's has neither.
    """

    GIFT_CARD = "gift_card"  # The step that brings a gift card; its occurrence is gift_card:ID:VERSION.

    Lane = Lane

    run = models.ForeignKey(
        "campaigns.CampaignRun",
        on_delete=models.PROTECT,
        null=True,
        related_name="messages",
        verbose_name=_("run"),
        db_index=False,
    )
    campaign = models.ForeignKey(
        "campaigns.Campaign",
        on_delete=models.PROTECT,
        null=True,
        related_name="messages",
        verbose_name=_("campaign"),
        db_index=False,
    )
    version = models.ForeignKey(
        "campaigns.CampaignVersion", on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    step = models.CharField(_("step"), max_length=32, default=MAIN)
    variant = models.CharField(_("variant"), max_length=8, blank=True, db_default="")
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        related_name="messages",
        verbose_name=_("customer"),
    )
    channel = models.CharField(_("channel"), max_length=8, choices=Channel)
    occurrence = models.CharField(_("occurrence"), max_length=64)
    purpose = models.CharField(_("purpose"), max_length=16, choices=Purpose)
    lane = models.CharField(_("lane"), max_length=4, choices=Lane)
    address = models.CharField(_("address"), max_length=254, blank=True)
    address_hash = models.CharField(max_length=64, blank=True)
    token = models.UUIDField(unique=True, editable=False)
    publication = models.ForeignKey(
        "coupons.Publication",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("coupon"),
    )
    state = models.CharField(_("state"), max_length=16, choices=MessageState, default=MessageState.PENDING)
    reason = models.CharField(_("reason"), max_length=24, choices=MessageReason, blank=True)
    detail = models.CharField(_("answer of the provider"), max_length=300, blank=True)
    # What the provider calls it: its reports name the message so where they do not know our reference.
    provider_id = models.CharField(max_length=128, blank=True, default="", db_default="", editable=False)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    not_before = models.DateTimeField(_("not before"))
    expires_at = models.DateTimeField(_("good until"), null=True)
    owner = models.CharField(_("held by"), max_length=64, blank=True)
    # Whether the lot decided between this message and the holdout: it stays on its side whatever comes later.
    drawn = models.BooleanField(default=False, db_default=False, editable=False)
    lease_until = models.DateTimeField(_("held until"), null=True)
    taken_at = models.DateTimeField(_("last attempt"), null=True, editable=False)
    sent_at = models.DateTimeField(_("sent at"), null=True)
    # The first time that a person did so, as far as can be told from a scanner (campaigns.tracking).
    opened_at = models.DateTimeField(_("opened at"), null=True, editable=False)
    clicked_at = models.DateTimeField(_("clicked at"), null=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "step", "customer", "channel", "occurrence"],
                name="one_message_per_occurrence",
            ),
            models.UniqueConstraint(
                fields=["run", "step", "channel", "address_hash", "occurrence"],
                condition=models.Q(state__in=LIVE),
                name="one_live_message_per_address",
            ),
            models.UniqueConstraint(
                fields=["publication", "step", "channel"],
                condition=models.Q(publication__isnull=False),
                name="one_message_per_publication",
            ),
            models.UniqueConstraint(
                fields=["occurrence", "channel"],
                condition=models.Q(step__in=["confirmation", "gift_card"]),
                name="one_message_per_confirmation",
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=["CLAIMED", "SENDING"])
                | (models.Q(lease_until__isnull=False) & ~models.Q(owner="")),
                name="a_held_message_has_a_lease",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="SENT") | models.Q(sent_at__isnull=False),
                name="a_sent_message_has_a_time",
            ),
            models.CheckConstraint(
                condition=models.Q(run__isnull=True)
                | models.Q(campaign__isnull=False, version__isnull=False),
                name="a_message_of_a_run_has_its_campaign",
            ),
        ]
        indexes = [
            models.Index(
                fields=["lane", "run", "not_before", "id"],
                condition=models.Q(state="PENDING"),
                name="message_due",
            ),
            models.Index(
                fields=["lease_until"],
                condition=models.Q(state__in=["CLAIMED", "SENDING"]),
                name="message_held",
            ),
            models.Index(fields=["run", "state"], name="message_run_state"),
            models.Index(
                fields=["provider_id"], condition=~models.Q(provider_id=""), name="message_provider_id"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()} · {self.get_state_display()}"

    @property
    def coupon_code(self) -> str:
        """Return the coupon's code the recipient was given; empty without one, and when it was taken back."""
        publication = self.publication
        return publication.coupon.code if publication and publication.status == "PUBLISHED" else ""

    @property
    def gift_card(self) -> tuple[int, int] | None:
        """Return the gift card that the message brings and the version of its code; None for any other."""
        if self.step != self.GIFT_CARD:
            return None
        _step, card, version = self.occurrence.split(":")
        return int(card), int(version)
