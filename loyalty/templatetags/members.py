"""Template tags of members' pages: `{% load members %}`."""

from django import template

from loyalty.members.icons import icon

register = template.Library()
register.simple_tag(icon, name="member_icon")


@register.inclusion_tag("loyalty/member/action.html", takes_context=True)
def member_button(context, action: str, label: str, css: str = "", **fields: object) -> dict:
    """Draw a button that carries out an action of settings.MEMBER_ACTIONS.

    `fields` are sent with it, and a `key` that is the same however often this button is pressed.
    """
    told = ":".join(str(value) for value in fields.values())
    request = context.get("request")
    return {
        "action": action,
        "label": label,
        "css": css,
        "fields": fields,
        "key": f"{context['key']}:{told}" if told else str(context["key"]),
        "section": context["section"],
        "token": context["token"],
        "language": request.GET.get("lang", "") if request else "",
        "csrf_token": context.get("csrf_token"),
    }
