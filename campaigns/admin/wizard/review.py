"""Step 6: everything that will happen and what it costs; from here it is started, or asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView, View
from unfold.views import UnfoldModelAdminViewMixin

from campaigns import services
from campaigns.admin.recipients import find_recipient
from campaigns.admin.sentences import trigger_sentence
from campaigns.admin.wizard.base import CampaignPage, StepForm, WizardStep, page_of, step_url
from campaigns.admin.wizard.content_key import ContentKey, has_coupon, offer_of
from campaigns.admin.wizard.trigger_part import local_zone
from campaigns.drafts import content_drafts
from campaigns.forecast import Forecast, forecast, quiet_hours
from campaigns.models import MAIN, CampaignVersion, FrequencyCap, MessageReason
from campaigns.services.approvals import APPROVE
from campaigns.services.campaigns import unwritten_contents
from campaigns.triggers import CalendarRule, Recurring, parse_trigger
from customers.models import Channel
from operations.errors import FidelioError
from operations.figures import Cell, Column, Table
from operations.formats import money, number, percent
from operations.models import Approval

MAY_START = "campaigns.start_campaign"
MAY_ACTIVATE = "coupons.change_promotion"
NEXT_SHOWN = 5


class ReviewForm(StepForm):
    """Nothing to fill in: the review only leads back, out, or to the start."""

    def __init__(self, *args: Any, version: CampaignVersion, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)

    def changes(self) -> dict[str, Any]:
        return {}


class ReviewStep(WizardStep):
    step = "review"
    form_class = ReviewForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            **kwargs,
            **review_context(self.version, at=timezone.now()),
            may_start=self.request.user.has_perm(MAY_START),
        )


class VersionReviewView(UnfoldModelAdminViewMixin, TemplateView):
    """One version with everything that a start would do: what somebody sees who has to agree to it."""

    title = gettext_lazy("Review")
    template_name = "campaigns/wizard/version.html"

    def has_permission(self) -> bool:
        user = self.request.user
        return user.has_perm("campaigns.view_campaign") or user.has_perm(APPROVE)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        version = get_object_or_404(
            CampaignVersion.objects.select_related("campaign", "segment", "promotion"), pk=self.kwargs["pk"]
        )
        self.title = version.campaign.name
        return super().get_context_data(
            **kwargs,
            campaign=version.campaign,
            version=version,
            outdated=version.campaign.version.pk != version.pk,
            **review_context(version, at=timezone.now()),
        )


class StartForm(forms.Form):
    version = forms.IntegerField()
    activate = forms.BooleanField(required=False)


class StartView(CampaignPage, View):
    """Start what was reviewed, or ask another person to; what changed since is reviewed again first."""

    permission_required = MAY_START
    http_method_names = ["post"]
    title = ""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign, form = self.campaign(), StartForm(request.POST)
        if form.is_valid() and form.cleaned_data["version"] != campaign.version.number:
            messages.warning(request, _("The campaign has changed since you looked at it. Look once more."))
            return redirect(step_url(campaign, "review"))
        try:
            done = services.start_or_ask(
                campaign,
                at=timezone.now(),
                by=request.user,
                activate_promotions=form.is_valid()
                and form.cleaned_data["activate"]
                and request.user.has_perm(MAY_ACTIVATE),
            )
        except FidelioError as error:
            details = " ".join(str(mistake.message) for mistake in error.details)
            messages.error(request, details or str(error.message))
            return redirect(step_url(campaign, "review"))
        if isinstance(done, Approval):
            messages.info(request, _("Another person was asked to agree; then it starts by itself."))
        else:
            messages.success(request, _("The campaign was started."))
        return redirect(page_of(campaign))


@dataclass(frozen=True)
class Notice:
    """Something to know or to do before the start."""

    tone: str
    text: str
    step: str = ""


def review_context(version: CampaignVersion, *, at: datetime) -> dict[str, Any]:
    """Return everything that the review shows."""
    seen = forecast(version, at=at)
    inactive = services.draft_promotions(version)
    needs_two = services.needs_approval(version)
    return {
        "forecast": seen,
        "people": people_table(seen),
        "costs": cost_table(version, seen),
        "occasions": next_occasions(version, at=at),
        "sentence": trigger_sentence(version),
        "quiet": quiet_hours(version),
        "quiet_sentences": [
            {"channel": Channel(channel).label, "from": hours.starts_at, "to": hours.ends_at}
            for channel, hours in quiet_hours(version).items()
        ],
        "caps": list(FrequencyCap.objects.filter(channel__in=["", *version.channels])),
        "draft_promotions": inactive,
        "needs_approval": needs_two,
        "waiting": services.waiting_approval(version),
        "notices": list(_notices(version, seen)),
        "previews": previews(version, at=at),
    }


def people_table(seen: Forecast) -> Table:
    """Return what becomes of everybody in the audience; the rows add up to it."""
    rows = [(str(Channel(one.channel).label), one.messages, "good") for one in seen.by_channel]
    if seen.held_out:
        rows.append((_("Held out by lot"), seen.held_out, ""))
    rows += [(str(MessageReason(reason).label), count, "") for reason, count in seen.left_out.items()]
    return Table(
        [
            Column(_("What becomes of them")),
            Column(_("People"), numeric=True),
            Column(_("Share"), numeric=True),
        ],
        [[Cell(label, tone=tone), number(count), percent(count / seen.asked)] for label, count, tone in rows],
        caption=_("Everybody in the audience"),
        empty_title=_("Nobody is in the audience"),
        empty_icon="group",
    )


def cost_table(version: CampaignVersion, seen: Forecast) -> Table:
    """Return what messages and codes cost: expected, and at most."""
    rows = [
        [
            Cell(_("%(channel)s messages") % {"channel": Channel(one.channel).label}),
            number(one.messages),
            money(int(one.cost.to_integral_value())),
            money(int(one.cost.to_integral_value())),
        ]
        for one in seen.by_channel
    ]
    for one in seen.offers:
        rows.append(
            [
                Cell(str(one.promotion)),
                number(one.coupons),
                money(one.expected_amount),
                _("no bound") if one.most_amount is None else money(one.most_amount),
            ]
        )
    if rows:
        most = seen.most_amount
        total = [Cell(_("Together")), "", money(seen.expected_amount)]
        rows.append([*total, _("no bound") if most is None else money(most)])
    columns = [_("What"), _("How many"), _("Expected"), _("At most")]
    return Table(
        [Column(columns[0]), *(Column(title, numeric=True) for title in columns[1:])],
        rows,
        caption=_("What it costs"),
        empty_title=_("Nothing"),
        empty_icon="payments",
    )


def next_occasions(version: CampaignVersion, *, at: datetime) -> list[str | date | datetime]:
    """Return when it would go out next, as far as the calendar can tell."""
    begins = max(at, version.starts_at) if version.starts_at else at
    if version.trigger == CampaignVersion.Trigger.ONE_OFF:
        return [begins] if version.starts_at and version.starts_at > at else []
    try:
        rule = parse_trigger(version.trigger, version.trigger_rule)
    except FidelioError:
        return []
    zone = local_zone()
    if isinstance(rule, Recurring):
        waves = rule.due(begins, begins + timedelta(days=35), zone=str(zone))
        return [wave.at for wave in waves[:NEXT_SHOWN]]
    if isinstance(rule, CalendarRule) and rule.of == "holidays":
        found = rule.next_holidays(begins.astimezone(zone).date(), NEXT_SHOWN)
        return [day - timedelta(days=rule.days_before) for day, _name in found]
    return []


def previews(version: CampaignVersion, *, at: datetime) -> list[dict[str, Any]]:
    """Return every content as the first of the audience would see it."""
    customer = find_recipient("", version.segment)
    shown = []
    for draft in content_drafts(version)[:8]:
        key = ContentKey.of(draft)
        try:
            message = services.preview_draft(
                draft,
                promotion=offer_of(version, draft.variant),
                customer=customer,
                campaign_name=version.campaign.name,
                purpose=version.purpose,
                at=at,
            )
        except FidelioError as error:
            shown.append({"key": key, "error": error})
        else:
            shown.append({"key": key, "preview": message})
    return shown


def contents_without_code(version: CampaignVersion) -> list[str]:
    """Return the labels of the contents that say nothing of the code their recipients get."""
    if not has_coupon(version):
        return []
    steps = {step["id"] for step in version.steps if step.get("coupon")} if version.steps else {MAIN}
    return [
        ContentKey.of(one).label
        for one in content_drafts(version)
        if one.step in steps and one.channel != Channel.WEBHOOK and "coupon." not in one.subject + one.body
    ]


def _notices(version: CampaignVersion, seen: Forecast) -> Iterator[Notice]:
    if not seen.messages and version.trigger in ("ONE_OFF", "RECURRING"):
        yield Notice("bad", _("Nobody can be written to: look at the audience and the channels."), "audience")
    languages = {one.language for one in version.contents.all()}
    if languages and "" not in languages:
        yield Notice(
            "warn", _("There is no content for all languages; some get one that is not theirs."), "content"
        )
    for content in unwritten_contents(version):
        subject = {"subject": content.subject}
        yield Notice("bad", _("“%(subject)s” still says the text that it began with.") % subject, "content")
    for label in contents_without_code(version):
        words = {"content": label, "message": _("No coupon")}
        yield Notice("warn", _("%(content)s: %(message)s") % words, "content")
    for offer in seen.offers:
        left = [bar for bar in offer.budgets if bar.percent >= 100]
        if left:
            yield Notice(
                "bad", _("The budget of “%(name)s” is used up.") % {"name": offer.promotion}, "offer"
            )
        elif offer.most_amount is None:
            yield Notice(
                "warn", _("Nothing bounds what “%(name)s” may cost.") % {"name": offer.promotion}, "offer"
            )
    if not version.holdout_percent:
        yield Notice(
            "info",
            _("Without a holdout nobody can tell what the campaign brought."),
            "experiment",
        )
