"""The way from a list to its export."""

from typing import Any

from django import template
from django.urls import reverse

from operations.exports import may_export

register = template.Library()


@register.simple_tag(takes_context=True)
def export_url(context: dict[str, Any]) -> str:
    """Return where the list on this page is exported as it is filtered; empty for who may not."""
    change_list = context.get("cl")
    if change_list is None or context.get("is_popup"):
        return ""
    if not may_export(context["request"].user, change_list.model_admin):
        return ""
    opts = change_list.opts
    address = reverse("admin:operations_export", args=[opts.app_label, opts.model_name])
    query = change_list.get_query_string(remove=["p"])
    return address + (query if query != "?" else "")
