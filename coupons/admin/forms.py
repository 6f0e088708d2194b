"""What the forms of incentives share, and the small ones; they only gather what the services check."""

from datetime import datetime, timedelta

from django import forms

from coupons.models import Promotion
from coupons.rules import end_of_local_day
from operations.date_fields import DayField
from operations.errors import FidelioError


class RefusalForm(forms.Form):
    """A form that shows a service's refusal beside the fields it is about."""

    # Where the service points to -> the field that was filled in.
    POINTERS: dict[str, str] = {}

    def show(self, error: FidelioError) -> None:
        for mistake in error.details:
            if not self._beside_row(mistake.pointer.strip("/").split("/"), str(mistake.message)):
                self.add_error(self._field_of(mistake.pointer), str(mistake.message))
        if not error.details:
            self.add_error(None, str(error.message))

    def _beside_row(self, path: list[str], message: str) -> bool:
        """Put a mistake beside one of the form's rows; False where it is about none of them."""
        return False

    def _field_of(self, pointer: str) -> str | None:
        path = pointer.strip("/")
        while path:
            name = self.POINTERS.get(path, path)
            if name in self.fields:
                return name
            path = path.rpartition("/")[0]
        return None


class StopForm(forms.Form):
    mode = forms.ChoiceField(choices=Promotion.StopMode.choices)
    reason = forms.CharField(max_length=300, required=False)


class SwitchForm(forms.Form):
    reason = forms.CharField(max_length=300, required=False)


class ExtendForm(SwitchForm):
    """Until the end of which day a code is to be good."""

    until = DayField()

    def end_in(self, promotion: Promotion) -> datetime:
        """Return the end of that day, or the promotion's where it ends within it."""
        end = end_of_local_day(self.cleaned_data["until"], promotion.time_zone)
        ends_within = promotion.ends_at and end - timedelta(days=1) < promotion.ends_at < end
        return promotion.ends_at if ends_within else end
