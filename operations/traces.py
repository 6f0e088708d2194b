"""What gives a person away in places that have no key to them: stored answers, jobs, sessions, files.

settings.PERSONAL_TRACES names functions `(trail) -> int`, one per kind of place; an erasure calls them all in
its transaction. Each takes out what names the person and returns how many rows that were.
"""

import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.postgres.fields import ArrayField
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import BinaryField, Field, JSONField, Model
from django.utils import timezone
from django.utils.module_loading import import_string
from rest_framework.renderers import JSONRenderer

from operations.errors import Gone
from operations.models import Approval, IdempotencyKey, JobFile, JobRun

REDACTED = "…"
CHUNK, OVERLAP = 1 << 20, 1 << 10
# Nothing of anybody: matches no text.
NOTHING = r"\A(?!)"


@dataclass(frozen=True)
class Trail:
    """How one person is recognised in a text, as regular expressions that PostgreSQL and Python both read.

    `keys` are values that nobody else has: addresses, numbers, cards. `names` are words others may share:
    they are taken out where they stand, and never a reason to throw the rest away. `source_ids` are pairs
    of a source's code and its id of the person.
    """

    keys: str = NOTHING
    names: str = NOTHING
    public_ids: tuple[str, ...] = ()
    source_ids: tuple[tuple[str, str], ...] = ()

    @property
    def words(self) -> str:
        return "|".join(part for part in (self.keys, self.names) if part != NOTHING) or NOTHING


def any_of(patterns: Iterable[str]) -> str:
    """Return one expression for all of these; one that matches nothing for none."""
    return "|".join(sorted(set(patterns))) or NOTHING


def exactly(text: str) -> str:
    """Return the expression of a text that is not part of a longer word or address."""
    escaped = re.sub(r"([^\w\s])", r"\\\1", text)
    return rf"(?<![\w.+-]){escaped}(?![\w-])"


def digits_of(number: str) -> str:
    """Return the expression of a telephone number's national digits, however they are grouped and dialled."""
    grouped = r"[\s./-]*".join(number)
    return rf"(?<!\d)(?:(?:\+|00)?\d{{1,3}}[\s./-]*)?{grouped}(?!\d)"


def erase_traces(trail: Trail) -> int:
    """Take the person out of every place settings.PERSONAL_TRACES names; return how many rows that were."""
    return sum(import_string(path)(trail) for path in settings.PERSONAL_TRACES)


def forget_answers_about(trail: Trail) -> int:
    """Make a repeat of a request whose answer told of this person get 410 instead.

    A bulk's answer holds ids alone and tells of others, too: it stays unless it quotes something personal.
    """
    body = JSONRenderer().render({"key": Gone.key, "message": Gone.message, "details": [], "request_id": ""})
    text = "convert_from(body, 'UTF8')"
    return _execute(
        f"""
        UPDATE {_table(IdempotencyKey)} SET status = 410, body = %s
        WHERE {text} ~* %s OR (status <> 207 AND {text} ~* %s)
        """,
        [body, trail.keys, any_of(exactly(each) for each in trail.public_ids)],
    )


def redact_records(trail: Trail) -> int:
    """Take the person's words out of jobs, approvals and the console's log."""
    return (
        redact(JobRun, ["title", "step", "error", "parameters", "result"], trail)
        + redact(Approval, ["summary"], trail)
        + redact(JobFile, ["name"], trail)
        + redact(LogEntry, ["object_repr", "change_message"], trail)
    )


def forget_searches(trail: Trail) -> int:
    """Take the person's words out of the sessions of staff: what they searched for last."""
    pattern = re.compile(trail.words, re.IGNORECASE)
    changed = 0
    for session in Session.objects.filter(expire_date__gt=timezone.now()).select_for_update():
        data = session.get_decoded()
        named = [key for key, value in data.items() if isinstance(value, str) and pattern.search(value)]
        if not named:
            continue
        session.session_data = Session.get_session_store_class()().encode(
            {key: value for key, value in data.items() if key not in named}
        )
        session.save(update_fields=["session_data"])
        changed += 1
    return changed


def delete_files_about(trail: Trail) -> int:
    """Delete the files of jobs that name the person: uploads, error files, exports."""
    root = Path(settings.MEDIA_ROOT)
    pattern = re.compile(trail.keys.encode(), re.IGNORECASE)
    found = (
        [path for path in root.rglob("*") if path.is_file() and _names(path, pattern)]
        if root.exists()
        else []
    )
    for path in found:
        path.unlink(missing_ok=True)
    JobFile.objects.filter(file__in=[str(path.relative_to(root)) for path in found]).delete()
    return len(found)


def redact(model: type[Model], columns: Sequence[str], trail: Trail) -> int:
    """Replace the person's words by an ellipsis wherever they stand in these columns, text or JSON."""
    fields = [model._meta.get_field(name) for name in columns]
    changes = ", ".join(
        f"\"{field.column}\" = regexp_replace({text_of(field)}, %s, %s, 'gi'){_cast(field)}"
        for field in fields
    )
    where = " OR ".join(f"{text_of(field)} ~* %s" for field in fields)
    replacing = [trail.words, REDACTED] * len(fields)
    return _execute(
        f"UPDATE {_table(model)} SET {changes} WHERE {where}", [*replacing, *[trail.words] * len(fields)]
    )


def text_of(field: Field) -> str:
    """Return the SQL expression of a column's text."""
    column = f'"{field.column}"'
    if isinstance(field, BinaryField):
        return f"convert_from({column}, 'UTF8')"
    if isinstance(field, ArrayField):
        return f"array_to_string({column}, ' ')"
    return f"{column}::text"


def _cast(field: Field) -> str:
    return "::jsonb" if isinstance(field, JSONField) else ""


def _names(path: Path, pattern: re.Pattern[bytes]) -> bool:
    """Return whether a file, or a part of an archive, names the person."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return any(_reads(archive.open(name), pattern) for name in archive.namelist())
        with path.open("rb") as file:
            return _reads(file, pattern)
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return False


def _reads(file: Any, pattern: re.Pattern[bytes]) -> bool:
    before = b""
    while block := file.read(CHUNK):
        if pattern.search(before + block):
            return True
        before = block[-OVERLAP:]
    return False


def _table(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _execute(statement: str, parameters: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.rowcount
