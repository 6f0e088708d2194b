"""The fields that campaigns gives to segment rules: who got which message, and who was held out."""

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign, Message
from campaigns.models.message import MessageState
from customers.models import Channel, Purpose
from customers.segments.fields import Column, Field, Happenings, Kind, Rows, by_code
from customers.segments.moments import Moment

CAMPAIGNS = _("Campaigns")


def _campaigns() -> dict[str, str]:
    return dict(Campaign.objects.order_by("name").values_list("code", "name"))


def _in_state(*states: str) -> QuerySet:
    return Message.objects.filter(state__in=states)


def _clicked(moment: Moment) -> QuerySet:
    return Message.objects.filter(clicked_at__lt=moment.until)


def _opened(moment: Moment) -> QuerySet:
    return Message.objects.filter(opened_at__lt=moment.until)


def _received(moment: Moment) -> QuerySet:
    return _in_state(MessageState.SENT).filter(sent_at__lt=moment.until)


_WHERE = by_code(
    [
        Field(
            "campaign",
            _("Campaign"),
            Kind.CHOICE,
            Column("campaign__code", nullable="campaign"),
            choices=_campaigns,
        ),
        Field("channel", _("Channel"), Kind.CHOICE, Column("channel"), choices=lambda: dict(Channel.choices)),
        Field("purpose", _("Purpose"), Kind.CHOICE, Column("purpose"), choices=lambda: dict(Purpose.choices)),
    ]
)

FIELDS = [
    Field(
        "campaign",
        _("Received the campaign"),
        Kind.CHOICE,
        Rows(_received, Column("campaign__code", nullable="campaign"), several=True),
        choices=_campaigns,
        group=CAMPAIGNS,
    ),
    Field(
        "campaign.clicked",
        _("Clicked in the campaign"),
        Kind.CHOICE,
        Rows(_clicked, Column("campaign__code", nullable="campaign"), several=True),
        choices=_campaigns,
        group=CAMPAIGNS,
    ),
    Field(
        "campaign.opened",
        _("Opened the campaign"),
        Kind.CHOICE,
        Rows(_opened, Column("campaign__code", nullable="campaign"), several=True),
        choices=_campaigns,
        group=CAMPAIGNS,
    ),
    Field(
        "event.message.clicked",
        _("Message clicked"),
        Kind.EVENT,
        Happenings(lambda: Message.objects.filter(clicked_at__isnull=False), "clicked_at"),
        where=_WHERE,
        group=CAMPAIGNS,
    ),
    Field(
        "event.message.opened",
        _("Message opened"),
        Kind.EVENT,
        Happenings(lambda: Message.objects.filter(opened_at__isnull=False), "opened_at"),
        where=_WHERE,
        group=CAMPAIGNS,
    ),
    Field(
        "campaign.holdout",
        _("Held out of the campaign"),
        Kind.CHOICE,
        Rows(
            lambda moment: _in_state(MessageState.HOLDOUT),
            Column("campaign__code", nullable="campaign"),
            several=True,
        ),
        choices=_campaigns,
        group=CAMPAIGNS,
    ),
    Field(
        "event.message.sent",
        _("Message received"),
        Kind.EVENT,
        Happenings(lambda: _in_state(MessageState.SENT), "sent_at"),
        where=_WHERE,
        group=CAMPAIGNS,
    ),
    Field(
        "event.message.failed",
        _("Message could not be delivered"),
        Kind.EVENT,
        Happenings(lambda: _in_state(MessageState.FAILED, MessageState.DEAD), "created_at"),
        where=_WHERE,
        group=CAMPAIGNS,
    ),
]
