"""Finding what was changed in the ledger behind the services' backs: links of chains, and anchors."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection
from django.utils.translation import gettext as _

from coupons import chains
from coupons.models import AnchoredHead, LedgerAnchor
from coupons.services.anchors import heads_of


@dataclass(frozen=True)
class Break:
    """One place where the ledger is not what it was; `what` says it in words, without personal data."""

    what: str
    entry_id: int | None = None
    account_id: int | None = None
    day: date | None = None


def check_chain(
    *, since: datetime | None = None, published: Mapping[date, str] | None = None
) -> Iterator[Break]:
    """Yield every place where a chain does not hold, then every anchor that the rows contradict.

    `since` leaves out what was recorded before it, and anchors made before it. `published` are digests by day
    as somebody else kept them: what stands here has to be the same. Reads only.
    """
    yield from _broken_links(since)
    yield from _broken_anchors(since, published or {})


def _broken_links(since: datetime | None) -> Iterator[Break]:
    with connection.cursor() as cursor:
        cursor.execute(_LINKS, {"since": since})
        for entry, account, fits, chained in cursor.fetchall():
            if not chained and not fits:
                what = _(
                    "Entry %(entry)s of account %(account)s does not follow the one before it:"
                    " an entry was removed or put in before it, or its numbers were changed."
                )
            elif not chained:
                what = _(
                    "Entry %(entry)s of account %(account)s is not what was written:"
                    " it or the hash of the entry before it was changed."
                )
            else:
                what = _(
                    "Entry %(entry)s of account %(account)s: its balance is not that before and its change."
                )
            yield Break(what % {"entry": entry, "account": account}, entry, account)


def _broken_anchors(since: datetime | None, published: Mapping[date, str]) -> Iterator[Break]:
    previous = ""
    for anchor in LedgerAnchor.objects.order_by("day"):
        before, previous = previous, anchor.digest
        digest = published.get(anchor.day)
        if digest is not None and digest != anchor.digest:
            yield _of(anchor, _("The digest of %(day)s is not the one that was published."))
        if anchor.previous != before:
            yield _of(anchor, _("The digest of %(day)s does not follow the one before it."))
        if since is None or anchor.anchored_at >= since:
            yield from _broken_anchor(anchor)
    kept = set(LedgerAnchor.objects.filter(day__in=published).values_list("day", flat=True))
    for day in sorted(set(published) - kept):
        yield Break(_("The digest of %(day)s, which was published, is gone.") % {"day": day}, day=day)


def _broken_anchor(anchor: LedgerAnchor) -> Iterator[Break]:
    """Yield the accounts whose entries are not those of the day; without any, what the digest contradicts."""
    kept = dict(AnchoredHead.objects.filter(anchor=anchor).values_list("entry", "leaf"))
    heads = heads_of(anchor)
    for head in heads:
        if bytes(kept[head.entry_id]) != head.leaf:
            what = _("What account %(account)s had on %(day)s, up to entry %(entry)s, was changed.")
            told = {"account": head.account_id, "day": anchor.day, "entry": head.entry_id}
            yield Break(what % told, head.entry_id, head.account_id, anchor.day)
    root = chains.tree_root(bytes(kept[head.entry_id]) for head in heads)
    if len(heads) != anchor.accounts or root.hex() != anchor.root:
        yield _of(anchor, _("The accounts of %(day)s are not those its digest was made of."))
    if chains.digest(anchor.previous, anchor.day, bytes.fromhex(anchor.root)) != anchor.digest:
        yield _of(anchor, _("The digest of %(day)s was changed."))


def _of(anchor: LedgerAnchor, what: str) -> Break:
    return Break(what % {"day": anchor.day}, day=anchor.day)


_LINKS = """
SELECT entry.id, entry.account_id,
       entry.balance_after = coalesce(before.balance_after, 0) + entry.delta AS fits,
       entry.chain_hash = coupons_chain_hash(coalesce(before.chain_hash, ''::bytea), entry) AS chained
FROM coupons_ledgerentry entry
LEFT JOIN LATERAL (
    SELECT one.balance_after, one.chain_hash FROM coupons_ledgerentry one
    WHERE one.account_id = entry.account_id AND one.id < entry.id ORDER BY one.id DESC LIMIT 1
) AS before ON true
WHERE (%(since)s::timestamptz IS NULL OR entry.recorded_at >= %(since)s::timestamptz)
  AND (entry.balance_after <> coalesce(before.balance_after, 0) + entry.delta
       OR entry.chain_hash <> coupons_chain_hash(coalesce(before.chain_hash, ''::bytea), entry))
ORDER BY entry.id
"""
