"""What contradicts a fact recorded before is refused, and kept for a person to look at."""

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from customers.models import EventConflict, Source


def keep_conflicts(kind: str, contradictions: list[tuple[Source, str, Any]]) -> None:
    """Keep each `(source, external id, content)` once, however often it is sent."""
    if not contradictions:
        return
    rows = {
        (source.pk, name, json.dumps(payload, sort_keys=True)): EventConflict(
            source=source, kind=kind, external_id=name, payload=payload
        )
        for source, name, content in contradictions
        for payload in [plain(content)]
    }
    kept = EventConflict.objects.filter(kind=kind, external_id__in={name for _, name, _ in contradictions})
    for row in kept:
        rows.pop((row.source_id, row.external_id, json.dumps(row.payload, sort_keys=True)), None)
    EventConflict.objects.bulk_create(rows.values())


def plain(content: Any) -> Any:
    """Return the content as JSON would bring it back."""
    return json.loads(json.dumps(content, cls=DjangoJSONEncoder))
