"""What a client may do: a view names the scope, this checks it."""

from typing import TYPE_CHECKING

from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from operations.errors import NotFound

if TYPE_CHECKING:
    from rest_framework.views import APIView


class HasScope(BasePermission):
    """Allow a client that holds the view's `required_scope`.

    `required_scope` is one scope, or a dict by HTTP method; `"any"` allows every authenticated client. For a
    partner of the coalition a view exists only when it says `open_to_partners`; it then keeps to the
    partner's own customers and postings.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if request.auth is None:
            raise NotAuthenticated("Send `Authorization: Api-Key <prefix>.<secret>`.")
        if request.auth.partner_source and not getattr(view, "open_to_partners", False):
            raise NotFound
        required = view.required_scope
        scope = required.get(request.method) if isinstance(required, dict) else required
        if scope == "any" or (scope and request.auth.has_scope(scope)):
            return True
        raise PermissionDenied(f"This API key lacks the scope {scope}.")
