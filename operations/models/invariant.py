"""When the books were checked, and what was found."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class InvariantRun(models.Model):
    """One check of the invariants. `broken` is how many did not hold; null while it runs."""

    started_at = models.DateTimeField(_("started at"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    held = models.PositiveIntegerField(_("held"), default=0)
    broken = models.PositiveIntegerField(_("broken"), null=True, blank=True)

    class Meta:
        verbose_name = _("check of the books")
        verbose_name_plural = _("checks of the books")
        ordering = ["-id"]
        permissions = [("check_invariants", "Can check the books")]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}"


class InvariantResult(models.Model):
    """What a run found about one invariant: the first row that breaks it, if any."""

    run = models.ForeignKey(InvariantRun, on_delete=models.CASCADE, related_name="results", db_index=False)
    key = models.CharField(_("invariant"), max_length=100)
    difference = models.JSONField(_("first difference"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=200, blank=True)
    duration_ms = models.PositiveIntegerField(_("took, ms"))

    class Meta:
        verbose_name = _("result of a check")
        verbose_name_plural = _("results of checks")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["run", "key"], name="one_result_per_run_and_invariant"),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def holds(self) -> bool:
        return self.difference is None and not self.error
