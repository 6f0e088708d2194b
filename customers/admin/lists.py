"""What the long lists share."""

import json

from django.core.paginator import Paginator
from django.db import connection
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin


class EstimatedPaginator(Paginator):
    """Take the planner's count where a great many rows are listed: counting a million is not worth it."""

    EXACT_BELOW = 50_000

    @cached_property
    def count(self) -> int:
        if not self.object_list.query.where:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT greatest(reltuples, (SELECT sum(part.reltuples) FROM pg_inherits "
                    "JOIN pg_class AS part ON part.oid = inhrelid WHERE inhparent = whole.oid))::bigint "
                    "FROM pg_class AS whole WHERE oid = %s::regclass",
                    [self.object_list.model._meta.db_table],
                )
                (estimate,) = cursor.fetchone()
            if estimate > self.EXACT_BELOW:
                return estimate
            return super().count
        rows = self.object_list.order_by()
        counted = rows[: self.EXACT_BELOW + 1].count()
        if counted <= self.EXACT_BELOW:
            return counted
        (planned,) = json.loads(rows.explain(format="json"))
        return max(counted, planned["Plan"]["Plan Rows"])


class FactAdmin(ModelAdmin):
    """Base of the lists of what happened: to be read, never to be changed here."""

    list_per_page = 25
    show_full_result_count = False
    paginator = EstimatedPaginator

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
