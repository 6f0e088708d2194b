"""What a merge does to rows, each change written down so that it can be taken back exactly."""

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet, UniqueConstraint

from customers.models import Customer, MergedRow, MergeOperation

Kind = MergedRow.Kind


class Merge:
    """One loser on the way into the survivor; every change goes through here, into the journal.

    Rows are locked in the order of their keys before they change.
    """

    def __init__(self, operation: MergeOperation, survivor: Customer, loser: Customer) -> None:
        self.operation = operation
        self.survivor = survivor
        self.loser = loser

    def move(self, rows: QuerySet, field: str = "customer") -> list[int]:
        """Give these rows of the loser to the survivor and return their keys."""
        ids = self._lock(rows)
        if ids:
            MergedRow.objects.bulk_create(
                [self._entry(Kind.MOVED, rows.model, pk, field=field) for pk in ids], batch_size=5000
            )
            moved = rows.model._base_manager.filter(pk__in=ids, **{field: self.loser.pk})
            moved.update(**{field: self.survivor.pk})
        return ids

    def absorb(self, rows: QuerySet, field: str = "customer") -> None:
        """Give the loser's rows to the survivor, without those that a unique constraint allows only once.

        Of these the survivor's stay.
        """
        self.remove(_duplicates(rows, field, self.survivor.pk))
        self.move(rows, field)

    def remove(self, rows: QuerySet) -> None:
        """Delete rows, keeping in the journal all they held."""
        ids = self._lock(rows)
        if not ids:
            return
        columns = _columns(rows.model)
        for pk, before in _contents(rows.model, ids, columns):
            self._entry(Kind.REMOVED, rows.model, pk, before=before).save()
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {_table(rows.model)} WHERE {_key(rows.model)} = ANY(%s)", [ids])

    def change(self, row: Model, **values: Any) -> None:
        """Set columns of one row; `values` are named as the attributes (`customer_id`)."""
        model, columns = type(row), _columns_of(type(row), values)
        ((_, before),) = _contents(model, [row.pk], columns)
        model._base_manager.filter(pk=row.pk).update(**values)
        ((_, after),) = _contents(model, [row.pk], columns)
        if before != after:
            self._entry(Kind.CHANGED, model, row.pk, before=before, after=after).save()
        for name, value in values.items():
            setattr(row, name, value)

    def add(self, row: Model, **deltas: int) -> None:
        """Add to numbers of one row."""
        type(row)._base_manager.filter(pk=row.pk).update(
            **{name: F(name) + delta for name, delta in deltas.items()}
        )
        self._entry(Kind.ADDED, type(row), row.pk, after=deltas).save()

    def _lock(self, rows: QuerySet) -> list[int]:
        return list(rows.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))

    def _entry(self, kind: str, model: type[Model], pk: int, **more: Any) -> MergedRow:
        return MergedRow(
            operation=self.operation,
            kind=kind,
            label=model._meta.label,
            row_id=pk,
            from_customer=self.loser,
            **more,
        )


def take_back(operation: MergeOperation) -> None:
    """Undo what the journal of a merge tells, the last change first, and empty the journal.

    A value that was changed since stays as it is now; a number keeps what was added since.
    """
    from django.apps import apps

    rows = operation.rows.order_by("-pk")
    for (kind, label, field, owner), group in groupby(
        rows, key=lambda row: (row.kind, row.label, row.field, row.from_customer_id)
    ):
        model = apps.get_model(label)
        entries = list(group)
        if kind == Kind.MOVED:
            moved = model._base_manager.filter(
                pk__in=[entry.row_id for entry in entries], **{field: operation.survivor_id}
            )
            moved.update(**{field: owner})
        else:
            for entry in entries:
                _TAKE_BACK[kind](model, entry)
    operation.rows.all().delete()


def _put_back(model: type[Model], entry: MergedRow) -> None:
    names = ", ".join(_quoted(_columns(model)))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {_table(model)} ({names})"
            f" SELECT {names} FROM jsonb_populate_record(NULL::{_table(model)}, %s) ON CONFLICT DO NOTHING",
            [_json(entry.before)],
        )


def _change_back(model: type[Model], entry: MergedRow) -> None:
    columns = list(entry.before)
    current = _contents(model, [entry.row_id], columns)
    if not current or current[0][1] != entry.after:
        return
    names = ", ".join(_quoted(columns))
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {_table(model)} SET ({names}) ="
            f" (SELECT {names} FROM jsonb_populate_record(NULL::{_table(model)}, %s))"
            f" WHERE {_key(model)} = %s",
            [_json(entry.before), entry.row_id],
        )


def _subtract(model: type[Model], entry: MergedRow) -> None:
    row = model._base_manager.filter(pk=entry.row_id).first()
    if row is not None:
        # What was given back since may leave less than had been added.
        less = {name: max(0, getattr(row, name) - delta) for name, delta in entry.after.items()}
        model._base_manager.filter(pk=row.pk).update(**less)


_TAKE_BACK = {Kind.REMOVED: _put_back, Kind.CHANGED: _change_back, Kind.ADDED: _subtract}


def _duplicates(rows: QuerySet, field: str, survivor_id: int) -> QuerySet:
    """Return the rows that could not stand beside the survivor's."""
    model = rows.model
    clashes = Q(pk__in=[])
    if model._meta.get_field(field).unique:
        clashes |= Q(Exists(model._base_manager.filter(**{field: survivor_id})))
    for constraint in model._meta.constraints:
        if isinstance(constraint, UniqueConstraint) and field in constraint.fields:
            others = [name for name in constraint.fields if name != field]
            twins = model._base_manager.filter(
                **{field: survivor_id}, **{name: OuterRef(name) for name in others}
            )
            clash = Q(Exists(twins.filter(constraint.condition) if constraint.condition else twins))
            clashes |= clash & constraint.condition if constraint.condition else clash
    return rows.filter(clashes)


def _contents(
    model: type[Model], ids: Sequence[int], columns: Sequence[str]
) -> list[tuple[int, dict[str, Any]]]:
    pairs = ", ".join(f"'{column}', \"{column}\"" for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_key(model)}, jsonb_build_object({pairs})::text FROM {_table(model)}"
            f" WHERE {_key(model)} = ANY(%s) ORDER BY 1",
            [list(ids)],
        )
        return [(pk, json.loads(text)) for pk, text in cursor.fetchall()]


def _columns(model: type[Model]) -> list[str]:
    return [field.column for field in model._meta.concrete_fields if not field.generated]


def _columns_of(model: type[Model], names: Iterable[str]) -> list[str]:
    return [model._meta.get_field(name).column for name in names]


def _quoted(columns: Iterable[str]) -> list[str]:
    return [connection.ops.quote_name(column) for column in columns]


def _table(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _key(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.pk.column)


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, cls=DjangoJSONEncoder)
