"""From a draft's blocks to its body, with what the catalogue says of the products in them."""

from collections.abc import Iterable
from dataclasses import replace

from django.conf import settings
from django.utils.translation import gettext as _

from campaigns.content.block_kinds import Product as ShownProduct
from campaigns.content.blocks import check_liquid, read_blocks
from campaigns.drafts import ContentDraft
from campaigns.errors import ContentInvalid
from customers.models import Product
from operations.errors import Mistake
from operations.formats import money


def with_body(draft: ContentDraft, *, with_coupon: bool, place: str = "") -> ContentDraft:
    """Return a draft whose body is made of its blocks; one without blocks as it is.

    Raises ContentInvalid with a pointer under `place` for each mistake.
    """
    if not draft.blocks:
        return draft
    try:
        blocks = read_blocks(draft.blocks)
        check_liquid(blocks, with_coupon=with_coupon)
    except ContentInvalid as error:
        raise error.under(place) from error
    shown = shown_products(blocks.skus)
    missing = [sku for sku in blocks.skus if sku not in shown]
    if missing:
        raise ContentInvalid(
            details=[Mistake(f"{place}/blocks", _no_such_product(sku)) for sku in missing[:5]]
        )
    return replace(draft, body=blocks.mjml(shown), blocks=blocks.as_json())


def shown_products(skus: Iterable[str]) -> dict[str, ShownProduct]:
    """Return what mails show of these articles; those that do not exist are left out."""
    found = Product.objects.filter(sku__in=list(skus)).only("sku", "name", "unit_price_amount")
    return {
        one.sku: ShownProduct(
            one.name or one.sku,
            money(one.unit_price_amount, settings.PROGRAMME_CURRENCY) if one.unit_price_amount else "",
        )
        for one in found
    }


def _no_such_product(sku: str) -> str:
    return _("There is no product “%(sku)s”.") % {"sku": sku[:60]}
