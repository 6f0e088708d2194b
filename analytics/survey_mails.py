"""What surveys give to campaigns: a link for each recipient, and a mail that asks them."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from analytics.models import Survey
from analytics.services.survey_links import survey_url
from campaigns.content.contributed import Starter
from campaigns.content.starters import STYLE
from customers.models import Customer
from operations.languages import in_language

STEP_STYLE = (
    "display:inline-block;min-width:26px;margin:2px;padding:10px 4px;border:1px solid #0f766e;"
    "border-radius:6px;color:#0f766e;font-weight:bold;text-align:center;text-decoration:none"
)


class Links(Mapping[str, Mapping[str, str]]):
    """The link to each survey by its code; made when a template asks for it."""

    def __init__(self, customer: Customer | None, at: datetime | None) -> None:
        self._customer, self._at = customer, at

    def __getitem__(self, code: str) -> Mapping[str, str]:
        survey = Survey.objects.filter(code=code).first()
        if survey is None:
            raise KeyError(code)
        if self._customer is None or self._at is None:
            return {"url": f"{settings.PUBLIC_URL}/s/preview"}
        return {"url": survey_url(survey, self._customer, at=self._at)}

    def __iter__(self) -> Iterator[str]:
        return iter(Survey.objects.values_list("code", flat=True))

    def __len__(self) -> int:
        return Survey.objects.count()


class SurveyContent:
    """The `ContentSource` of surveys."""

    root = "survey"

    def offered(self) -> dict[str, str | Promise]:
        asked = Survey.objects.exclude(status=Survey.Status.CLOSED)
        return {
            f"survey.{survey.code}.url": _("The recipient's own link to the survey “%(name)s”")
            % {"name": survey.name}
            for survey in asked
        }

    def values(self, customer: Customer | None, *, at: datetime | None) -> Mapping[str, Mapping[str, str]]:
        return Links(customer, at)

    def starters(self) -> list[Starter]:
        return [starter_for(survey) for survey in Survey.objects.exclude(status=Survey.Status.CLOSED)]


def starter_for(survey: Survey) -> Starter:
    """Return the mail that asks the recipient, in their language; of an NPS survey with its eleven steps."""
    scores = survey.questions.filter(kind="RECOMMEND").first()
    texts = scores.text if scores else survey.title
    italian, english = (_plain(in_language(texts, language)) for language in ("it", "en"))
    url = f"{{{{ survey.{survey.code}.url }}}}"
    return Starter(
        code=f"survey-{survey.code}",
        name=survey.name,
        subject=_either(italian, english),
        body=STYLE
        + f"""<div class="card">
  <p>{_either("Ciao {{ customer.first_name }},", "Hello {{ customer.first_name }},")}</p>
  <p>{_either(italian, english)}</p>
{_steps(url) if scores else _button(url)}
  <p>{_either("Ci vuole mezzo minuto. Grazie!", "It takes half a minute. Thank you!")}</p>
  <p>{{{{ programme.name }}}}</p>
</div>
""",
    )


def _steps(url: str) -> str:
    link = f'<a href="{url}?score={{{{ step }}}}" style="{STEP_STYLE}">{{{{ step }}}}</a>'
    return f'  <p style="text-align:center">{{% for step in (0..10) %}}{link}{{% endfor %}}</p>'


def _button(url: str) -> str:
    style = STEP_STYLE.replace("10px 4px", "12px 24px")
    words = _either("Rispondi", "Answer")
    return f'  <p style="text-align:center"><a href="{url}" style="{style}">{words}</a></p>'


def _either(italian: str, english: str) -> str:
    return f'{{% if customer.language == "it" %}}{italian}{{% else %}}{english}{{% endif %}}'


def _plain(text: str) -> str:
    """Return a text of the merchant's that neither Liquid nor HTML takes for its own."""
    for character in "{}<>&":
        text = text.replace(character, " ")
    return " ".join(text.split())


SOURCE = SurveyContent()
