"""Pairs of customers that may be one person: how sure we are, why, and what was decided."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Evidence(models.TextChoices):
    """What speaks for or against two records being one person, in the order in which it is told."""

    KEY_CLAIMED = "key_claimed", _("One claims the other's address, card or tax code")
    EMAIL_HASH = "email_hash", _("The hash of the e-mail address agrees")
    MAILBOX = "mailbox", _("The same mailbox name at another provider")
    PHONE = "phone", _("The same telephone number")
    LAST_NAME_RARITY = "last_name_rarity", _("The same last name")
    LAST_NAME_SIMILAR = "last_name_similar", _("Similar last names")
    FIRST_NAME = "first_name", _("The same first name")
    FIRST_NAME_SIMILAR = "first_name_similar", _("Similar first names")
    BIRTH_DATE = "birth_date", _("The same birth date")
    BIRTH_DATE_SIMILAR = "birth_date_similar", _("Birth dates that differ by one slip")
    STREET = "street", _("The same street")
    POSTCODE = "postcode", _("The same postcode")
    CITY = "city", _("The same city")
    LAST_NAME_DIFFERS = "last_name_differs", _("Different last names")
    FIRST_NAME_DIFFERS = "first_name_differs", _("Different first names")
    BIRTH_DATE_DIFFERS = "birth_date_differs", _("Different birth dates")
    TAX_CODE_DIFFERS = "tax_code_differs", _("Different tax codes")


CONTRADICTIONS = [
    Evidence.LAST_NAME_DIFFERS,
    Evidence.FIRST_NAME_DIFFERS,
    Evidence.BIRTH_DATE_DIFFERS,
    Evidence.TAX_CODE_DIFFERS,
]


class MatchWeight(models.Model):
    """How much one piece of evidence counts; the weights of a pair add up.

    A weight is the binary logarithm of how much likelier the evidence is in two records of one person than in
    those of two people. That of the last name counts for each bit of its rarity, up to `at_most` in all.
    """

    code = models.CharField(_("evidence"), max_length=24, choices=Evidence, primary_key=True)
    weight = models.DecimalField(_("weight"), max_digits=5, decimal_places=2)
    at_most = models.DecimalField(_("at most"), max_digits=5, decimal_places=2, null=True, blank=True)

    class Meta:
        verbose_name = _("match weight")
        verbose_name_plural = _("match weights")
        ordering = ["-weight", "code"]

    def __str__(self) -> str:
        return self.get_code_display()


class DuplicateCandidateQuerySet(models.QuerySet["DuplicateCandidate"]):
    def open(self) -> "DuplicateCandidateQuerySet":
        """Return the pairs that wait for a decision, both still customers of their own."""
        return self.filter(
            status=DuplicateCandidate.Status.OPEN,
            first__merged_into=None,
            second__merged_into=None,
        ).exclude(models.Q(first__status="ERASED") | models.Q(second__status="ERASED"))

    def of(self, customer_id: int) -> "DuplicateCandidateQuerySet":
        return self.filter(models.Q(first=customer_id) | models.Q(second=customer_id))


class DuplicateCandidate(models.Model):
    """Two customers that look like one person. `first` has the smaller key.

    `explanation` is a list of `[evidence, weight]`; what the records say is read from the customers, so that
    nothing personal is kept here.
    """

    class Status(models.TextChoices):
        OPEN = "OPEN", _("To be decided")
        MERGED = "MERGED", _("Merged")
        DISMISSED = "DISMISSED", _("Not the same person")

    first = models.ForeignKey(
        "customers.Customer", on_delete=models.CASCADE, related_name="+", verbose_name=_("first")
    )
    second = models.ForeignKey(
        "customers.Customer", on_delete=models.CASCADE, related_name="+", verbose_name=_("second")
    )
    weight = models.DecimalField(_("weight"), max_digits=6, decimal_places=2)
    explanation = models.JSONField(_("explanation"), default=list)
    strong = models.BooleanField(_("a strong key agrees"), default=False)
    contradicted = models.BooleanField(_("something contradicts"), default=False)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.OPEN)
    found_at = models.DateTimeField(_("found at"))
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decided_client = models.ForeignKey(
        "operations.ApiClient",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by client"),
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by"),
    )

    objects = DuplicateCandidateQuerySet.as_manager()

    class Meta:
        verbose_name = _("possible duplicate")
        verbose_name_plural = _("possible duplicates")
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="a_pair_is_a_candidate_once"),
            models.CheckConstraint(
                condition=models.Q(first__lt=models.F("second")), name="a_candidate_has_two_in_order"
            ),
        ]
        indexes = [models.Index(fields=["status", "-weight"], name="candidate_queue")]

    def __str__(self) -> str:
        return f"{self.first} · {self.second}"


class DuplicateSearch(models.Model):
    """One search for duplicates: among whom, and what it found."""

    whole = models.BooleanField(_("everybody"), default=False)
    started_at = models.DateTimeField(_("started at"))
    finished_at = models.DateTimeField(_("finished at"))
    compared = models.PositiveBigIntegerField(_("pairs compared"))
    found = models.PositiveIntegerField(_("candidates"))
    merged = models.PositiveIntegerField(_("merged by themselves"), default=0)

    class Meta:
        verbose_name = _("search for duplicates")
        verbose_name_plural = _("searches for duplicates")
        indexes = [models.Index(fields=["-started_at"], name="duplicate_search_latest")]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}"


class SurnameCount(models.Model):
    """How many customers have a last name (without case and accents), counted by the last whole search."""

    name = models.CharField(max_length=120, primary_key=True)
    people = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("last name")
        verbose_name_plural = _("last names")

    def __str__(self) -> str:
        return self.name
