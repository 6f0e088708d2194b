"""The editor of a journey: a form per step, and buttons that add, move and remove them on the server."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView

from campaigns import services
from campaigns.admin.journey_names import names_in
from campaigns.admin.pages import MAY_WRITE, CampaignPage
from campaigns.admin.wizard.content_key import ContentKey, content_url, has_coupon
from campaigns.admin.wizard.trigger_happenings import event_choices
from campaigns.content.starters import starter_blocks
from campaigns.drafts import ContentDraft, VersionTerms, content_drafts
from campaigns.journeys import END, StepKind, Unit
from campaigns.journeys.sentences import say_step
from campaigns.journeys.steps import MOST_SHARES, read_step
from campaigns.models import MAIN, CampaignVersion
from coupons.models import Promotion
from customers.models import Segment
from operations.errors import FidelioError, InvalidInput

# The fields that a step of each kind has, besides its name and what comes next.
FIELDS = {
    StepKind.MESSAGE: ("subject", "body", "coupon"),
    StepKind.WAIT: ("amount", "unit", "at", "until", "event", "otherwise"),
    StepKind.BRANCH: ("segment", "event", "within_days", "percent", "otherwise"),
    StepKind.GIVE: ("promotion", "points", "expires_days"),
    StepKind.TAG: ("add", "remove"),
    StepKind.EXIT: (),
}
CONTENT = ("subject", "body")
NOTHING = ("", "–")
FIRST = {"id": MAIN, "kind": str(StepKind.MESSAGE)}
NEW = {StepKind.WAIT: {"amount": 1, "unit": "DAYS"}, StepKind.BRANCH: {"otherwise": "END"}}


class StepForm(forms.Form):
    """One step; only the fields of its kind are shown and read. A lot of more than two has a row for each."""

    id = forms.CharField(widget=forms.HiddenInput)
    kind = forms.ChoiceField(choices=StepKind, widget=forms.HiddenInput)
    parts = forms.IntegerField(widget=forms.HiddenInput, required=False)
    name = forms.CharField(label=gettext_lazy("Name"), required=False, max_length=80)
    subject = forms.CharField(label=gettext_lazy("Subject"), required=False, strip=False)
    body = forms.CharField(
        label=gettext_lazy("Content"), required=False, strip=False, widget=forms.Textarea(attrs={"rows": 6})
    )
    coupon = forms.BooleanField(label=gettext_lazy("With a coupon of the campaign"), required=False)
    amount = forms.IntegerField(label=gettext_lazy("How long"), required=False)
    unit = forms.ChoiceField(label=gettext_lazy("Unit"), choices=Unit, required=False)
    at = forms.CharField(
        label=gettext_lazy("Then until the time"), required=False, help_text=gettext_lazy("Such as 09:00.")
    )
    until = forms.CharField(
        label=gettext_lazy("Or until the day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    segment = forms.CharField(
        label=gettext_lazy("Who is in the segment"), required=False, widget=forms.Select
    )
    event = forms.CharField(label=gettext_lazy("Event"), required=False, widget=forms.Select)
    within_days = forms.IntegerField(label=gettext_lazy("In the last days"), required=False)
    percent = forms.IntegerField(label=gettext_lazy("Or by lot, percent"), required=False)
    otherwise = forms.CharField(label=gettext_lazy("Otherwise go to"), required=False, widget=forms.Select)
    promotion = forms.CharField(
        label=gettext_lazy("Coupon of the promotion"), required=False, widget=forms.Select
    )
    points = forms.IntegerField(label=gettext_lazy("Or points"), required=False)
    expires_days = forms.IntegerField(label=gettext_lazy("Good for days"), required=False)
    add = forms.CharField(label=gettext_lazy("Put on the list"), required=False, widget=forms.Select)
    remove = forms.CharField(label=gettext_lazy("Or take off the list"), required=False, widget=forms.Select)
    next = forms.CharField(label=gettext_lazy("Then go to"), required=False, widget=forms.Select)

    # Where the content is made of blocks, it is written on the wizard's step instead.
    content_url = ""
    # What the step does as it was saved, in words.
    saved_as = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        told = str(self["parts"].value() or "")
        self.shares = range(min(int(told), MOST_SHARES) if told.isascii() and told.isdigit() else 0)
        for number in self.shares:
            letter = chr(ord("A") + number)
            self.fields[f"percent_{number}"] = forms.IntegerField(label=f"{letter} %", required=False)
            self.fields[f"way_{number}"] = forms.CharField(
                label=letter + " · " + _("Then go to"), required=False, widget=forms.Select
            )

    @property
    def parts_field(self) -> forms.BoundField:
        return self["parts"]

    @property
    def title(self) -> str:
        """Return what the step is called: its name, else what it does."""
        return str(self["name"].value() or "") or self.saved_as or self.kind_label

    @property
    def kind_label(self) -> str:
        """Return what the step does, in words."""
        return str(StepKind(self["kind"].value()).label)

    def offer(self, choices: dict[str, list[tuple[str, str]]]) -> None:
        """Let one choose among what there is; what was chosen before stays, even where it is gone."""
        for name, known in choices.items():
            value = self[name].value() or ""
            gone = [(value, value)] if value not in {code for code, _words in known} else []
            self.fields[name].widget.choices = [*known, *gone]

    def shown(self) -> list[forms.BoundField]:
        """Return the fields of this kind of step that stand side by side."""
        if self.shares:
            rows = [self[f"{name}_{number}"] for number in self.shares for name in ("percent", "way")]
            return [self["name"], *rows]
        own = [name for name in FIELDS[StepKind(self["kind"].value())] if name not in (*CONTENT, "coupon")]
        last = () if self["kind"].value() == StepKind.EXIT else ("next",)
        return [self[name] for name in ("name", *own, *last)]

    def place(self, names: list[str], message: str) -> None:
        """Show a mistake beside the field that a pointer names, or above the step."""
        name = {"shares": "percent", "rules": "segment"}.get(names[0], names[0]) if names else ""
        if name == "percent" and self.shares:
            name = f"{'way' if names[-1] == 'next' else 'percent'}_{names[1] if len(names) > 1 else 0}"
        shown = {field.name for field in self.shown()} | {"subject", "body", "coupon"}
        self.add_error(name if name in shown & self.fields.keys() else None, message)

    def step(self, known: dict[str, Any] | None) -> dict[str, Any]:
        """Return the step as a version keeps it; what the form cannot show of a known one stays."""
        given = self.cleaned_data
        kind = StepKind(given["kind"])
        names = {"id", "kind", "name", "next", *FIELDS[kind]} - set(CONTENT) - {"event", "percent"}
        step = {name: given[name] for name in names if given[name] not in ("", None, False)}
        known = known or {}
        if given["event"] and "event" in FIELDS[kind]:
            before = known.get("event") or {}
            step["event"] = before if before.get("type") == given["event"] else {"type": given["event"]}
        if "until" in step or kind != StepKind.WAIT:
            step.pop("unit", None)
        if self.shares and kind == StepKind.BRANCH:
            step = {name: step[name] for name in ("id", "kind", "name") if name in step}
            step["shares"] = [
                {"percent": given[f"percent_{number}"] or 0, "next": given[f"way_{number}"]}
                for number in self.shares
            ]
        elif given["percent"] and kind == StepKind.BRANCH:
            ways = (step.pop("next", ""), step.pop("otherwise", ""))
            shares = (given["percent"], 100 - given["percent"])
            step["shares"] = [
                {"percent": share, "next": way} for share, way in zip(shares, ways, strict=True)
            ]
        elif not {"segment", "event"} & step.keys() and known.get("rules"):
            step["rules"] = known["rules"]
        return step


class JourneyEditView(CampaignPage, TemplateView):
    """Edit the steps, texts and goal of a journey; saving makes a new version of the campaign."""

    permission_required = MAY_WRITE
    template_name = "campaigns/journey_form.html"
    title = gettext_lazy("Edit the journey")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        version = self.campaign().version
        steps = list(version.steps) or [FIRST | {"coupon": has_coupon(version)}]
        goal = version.goal or {}
        context = {
            "campaign": version.campaign,
            "kinds": StepKind.choices,
            "goal_event": (goal.get("event") or {}).get("type", ""),
            "goal_segment": goal.get("segment", ""),
            "version": version.number,
        } | kwargs
        shown = context.get("forms") or _forms([initial_of(step, version) for step in steps])
        self._furnish(shown, version)
        events = [NOTHING, *event_choices(context["goal_event"])]
        segments = named(Segment.objects.filter(active=True))
        return super().get_context_data(**context | {"forms": shown, "segments": segments, "events": events})

    def _furnish(self, shown: list[StepForm], version: CampaignVersion) -> None:
        """Let each step choose among what there is, and lead to the content where that is made of blocks."""
        saved = words_of(version)
        for form in shown:
            form.saved_as = saved.get(str(form["id"].value()), "")
        lists, ways = named(Segment.objects.filter(active=True, kind=Segment.Kind.MANUAL)), ways_of(shown)
        choices = {
            "segment": named(Segment.objects.filter(active=True)),
            "promotion": named(Promotion.objects.filter(trigger=Promotion.Trigger.COUPON)),
            "add": lists,
            "remove": lists,
            "next": ways,
            "otherwise": ways,
        }
        for form in shown:
            rows = {f"way_{number}": ways for number in form.shares}
            form.offer(choices | rows | {"event": [NOTHING, *event_choices(form["event"].value() or "")]})
            own = [draft for draft in content_drafts(version) if draft.step == form["id"].value()]
            plain = next((draft for draft in own if _is_shown(draft, draft.step)), None)
            if own and (plain is None or plain.blocks):
                form.content_url = content_url(version.campaign, ContentKey(step=own[0].step))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        count = request.POST.get("count", "")
        total = min(int(count), 50) if count.isdecimal() else 0
        posted = [StepForm(request.POST, prefix=f"s{number}", label_suffix="") for number in range(total)]
        valid = not [form for form in posted if not form.is_valid()]
        values = [{name: form[name].value() for name in form.fields} for form in posted]
        errors: list[str] = [] if valid else [_("Look at the fields marked below.")]
        do, _colon, where = request.POST.get("do", "save").partition(":")
        if do != "save":
            posted = _forms(rearranged(values, do, where))
        elif valid:
            try:
                self._check_fresh()
                self._save(posted)
            except FidelioError as error:
                errors = list(self._place(error, posted))
            else:
                messages.success(request, _("The new version is saved."))
                return redirect(reverse("admin:campaigns_campaign_journey", args=[self.kwargs["pk"]]))
        context = self.get_context_data(
            forms=posted,
            errors=errors,
            goal_event=request.POST.get("goal_event", ""),
            goal_segment=request.POST.get("goal_segment", ""),
        )
        return render(request, self.template_name, context)

    def _check_fresh(self) -> None:
        seen = self.request.POST.get("version", "")
        if seen not in ("", str(self.campaign().version.number)):
            raise InvalidInput(_("Somebody has changed this campaign meanwhile. Save again to keep yours."))

    def _save(self, posted: list[StepForm]) -> None:
        campaign = self.campaign()
        version = campaign.version
        known = {step["id"]: step for step in version.steps}
        steps = [form.step(known.get(form.cleaned_data["id"])) for form in posted]
        event = self.request.POST.get("goal_event", "").strip()
        before = (version.goal or {}).get("event") or {}
        goal: dict[str, Any] = {}
        if event:
            goal["event"] = before if before.get("type") == event else {"type": event}
        if segment := self.request.POST.get("goal_segment", "").strip():
            goal["segment"] = segment
        services.revise_campaign(
            campaign,
            at=timezone.now(),
            by=self.request.user,
            contents=contents_of(posted, version),
            terms=replace(VersionTerms.of(version), steps=steps, goal=goal),
        )

    def _place(self, error: FidelioError, posted: list[StepForm]) -> Iterator[str]:
        """Put mistakes beside the fields they are about; yield those that are about none."""
        drafts = contents_of(posted, self.campaign().version)
        by_id = {form.cleaned_data["id"]: form for form in posted}
        for mistake in error.details:
            where, _slash, rest = mistake.pointer.removeprefix("/").partition("/")
            number, _slash, field = rest.partition("/")
            form = None
            if number.isdecimal() and where == "steps" and int(number) < len(posted):
                form = posted[int(number)]
            elif number.isdecimal() and where == "contents" and int(number) < len(drafts):
                form = by_id.get(drafts[int(number)].step)
            if form is not None:
                form.place(field.split("/"), str(mistake.message))
            else:
                yield str(mistake.message)
        yield _("Look at the fields marked below.") if error.details else str(error.message)


def initial_of(step: dict[str, Any], version: CampaignVersion) -> dict[str, Any]:
    """Return what the form shows of a step."""
    content = _content(version, step["id"])
    shown = {**step, "event": (step.get("event") or {}).get("type", "")}
    shares = step.get("shares") or []
    if len(shares) > 2:
        shown["parts"] = len(shares)
        for number, share in enumerate(shares):
            shown |= {f"percent_{number}": share["percent"], f"way_{number}": share.get("next", "")}
    elif shares:
        first, second = shares
        ways = {"next": first.get("next", ""), "otherwise": second.get("next", "")}
        shown |= ways | {"percent": first["percent"]}
    return shown | ({"subject": content.subject, "body": content.body} if content else {})


def contents_of(posted: list[StepForm], version: CampaignVersion) -> list[ContentDraft]:
    """Return the contents of the messages there are: what was not written here stays as it was."""
    written = {
        form.cleaned_data["id"]: form.cleaned_data
        for form in posted
        if form.cleaned_data["kind"] == StepKind.MESSAGE
    }
    kept = [draft for draft in content_drafts(version) if draft.step in written]
    for name, given in written.items():
        place = next((n for n, draft in enumerate(kept) if _is_shown(draft, name)), None)
        body = given["body"].replace("\r\n", "\n")
        if place is not None:
            old = kept[place]
            kept[place] = replace(old, subject=given["subject"], body=old.body if old.blocks else body)
        elif body:
            kept.append(ContentDraft(given["subject"], body, step=name))
        elif given["subject"] or name not in {draft.step for draft in kept}:
            blocks = starter_blocks(translation.get_language() or "en", with_coupon=given["coupon"])
            kept.append(ContentDraft(given["subject"] or version.campaign.name, "", step=name, blocks=blocks))
    return kept


def words_of(version: CampaignVersion) -> dict[str, str]:
    """Return what each step of a version does, in words."""
    steps = [step for step, _mistakes in (read_step(one, under="") for one in version.steps) if step]
    names = names_in(steps)
    return {step.id: say_step(step, names) for step in steps}


def named(found: QuerySet) -> list[tuple[str, str]]:
    """Return what there is to choose among, by name."""
    return [NOTHING, *((one.code, one.name) for one in found.order_by("name", "code"))]


def ways_of(shown: list[StepForm]) -> list[tuple[str, str]]:
    """Return where a step may lead."""
    steps = [(form["id"].value(), f"{number}. {form.title}") for number, form in enumerate(shown, 1)]
    return [("", _("The step below")), *steps, (END, _("The end"))]


def rearranged(values: list[dict[str, Any]], do: str, where: str) -> list[dict[str, Any]]:
    """Return the steps after a button: `add:KIND`, `up:1`, `down:1`, `remove:1`."""
    values = list(values)
    if do == "add" and where in StepKind.values:
        taken = {one["id"] for one in values}
        name = next(f"{where.lower()}-{n}" for n in range(1, 99) if f"{where.lower()}-{n}" not in taken)
        values.append({"id": name, "kind": where, **NEW.get(StepKind(where), {})})
    elif where.isdecimal() and int(where) < len(values):
        place = int(where)
        step = values.pop(place)
        if do != "remove":
            values.insert(max(0, place - 1) if do == "up" else place + 1, step)
    return values


def _forms(values: list[dict[str, Any]]) -> list[StepForm]:
    return [StepForm(initial=one, prefix=f"s{n}", label_suffix="") for n, one in enumerate(values)]


def _content(version: CampaignVersion, step: str) -> ContentDraft | None:
    return next((draft for draft in content_drafts(version) if _is_shown(draft, step)), None)


def _is_shown(draft: ContentDraft, step: str) -> bool:
    return (draft.step, draft.channel, draft.variant, draft.language) == (step, "email", "", "")
