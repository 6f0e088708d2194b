"""What fixes the ledger day by day: digests over the last entries of accounts, published."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class LedgerAnchor(models.Model):
    """One day's digest over every account that changed since the day before; a trigger refuses to change it.

    `root` is the Merkle root over the heads of those accounts, `digest` binds it to the digest before
    (coupons.chains); both in hex. `last_entry` is the highest id there was: it only bounds a search.
    """

    day = models.DateField(_("day"), unique=True)
    previous = models.CharField(_("digest before"), max_length=64, blank=True)
    root = models.CharField(_("root"), max_length=64)
    digest = models.CharField(_("digest"), max_length=64, unique=True)
    accounts = models.PositiveIntegerField(_("accounts changed"))
    last_entry = models.BigIntegerField(_("last entry"))
    anchored_at = models.DateTimeField(_("anchored at"))

    class Meta:
        verbose_name = _("anchor of the ledger")
        verbose_name_plural = _("anchors of the ledger")
        ordering = ["-day"]

    def __str__(self) -> str:
        return f"{self.day} {self.digest[:12]}"


class AnchoredHead(models.Model):
    """The last entry of an account when an anchor was made; an entry is a head once.

    `follows` is the account's head before it: everything after that, up to here, this anchor fixes. `leaf` is
    what stands for the account in the tree, kept so that a difference can be laid at an account's door.
    """

    entry = models.OneToOneField(
        "coupons.LedgerEntry", on_delete=models.PROTECT, primary_key=True, related_name="anchored"
    )
    follows = models.ForeignKey(
        "coupons.LedgerEntry",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )
    leaf = models.BinaryField(editable=False)
    anchor = models.ForeignKey(LedgerAnchor, on_delete=models.PROTECT, related_name="heads")

    class Meta:
        verbose_name = _("anchored head")
        verbose_name_plural = _("anchored heads")

    def __str__(self) -> str:
        return str(self.entry_id)
