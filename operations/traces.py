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
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import Model
from django.utils import timezone
from django.utils.module_loading import import_string
from rest_framework.renderers import JSONRenderer

from operations.errors import Gone
from operations.models import Approval, IdempotencyKey, JobFile, JobRun, WebhookDelivery

REDACTED = "…"
# A number with fewer digits than this is also a price, a day or somebody else's id.
TELLING_DIGITS = 9
CHUNK, OVERLAP, ROWS = 1 << 20, 1 << 10, 100
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
    return rf"(?<![\w.+-]){_escaped(text)}(?![\w-])"


def is_common_number(text: str) -> bool:
    """Return whether a text is a number so short that it may be anything, and tells nobody by itself."""
    return bool(re.fullmatch(r"[\d\s./-]+", text)) and len(re.findall(r"\d", text)) < TELLING_DIGITS


def under_names(names: Iterable[str], text: str) -> str:
    """Return the expression of a text that is the whole value of one of these names, as JSON writes it."""
    either = "|".join(re.escape(name) for name in sorted(set(names)))
    return rf'"(?:{either})"\s*:\s*"?{_escaped(text)}(?:"|(?![\w.]))'


def digits_of(number: str) -> str:
    """Return the expression of a telephone number's national digits, however they are grouped and dialled."""
    return rf"(?<!\d)(?:(?:\+|00)?\d{{1,3}}[\s./-]*)?{_grouped(number)}(?!\d)"


def dialled_abroad(number: str) -> str:
    """Return the expression of a telephone number's digits, country included, as dialled from abroad."""
    return rf"(?:\+|(?<!\d)00)[\s./-]*{_grouped(number)}(?!\d)"


def _grouped(digits: str) -> str:
    return r"[\s./-]*".join(digits)


def _escaped(text: str) -> str:
    return re.sub(r"([^\w\s])", r"\\\1", text)


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


def forget_deliveries_about(trail: Trail) -> int:
    """Delete what webhooks were told, or were to be told, about this person."""
    return WebhookDelivery.objects.filter(subject__in=trail.public_ids).delete()[0]


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
    """Delete the files of jobs that name the person: uploads, error files, exports.

    The files themselves go when the transaction ends well: nothing could bring them back.
    """
    root = Path(settings.MEDIA_ROOT)
    pattern = re.compile(trail.keys.encode(), re.IGNORECASE)
    found = (
        [path for path in root.rglob("*") if path.is_file() and _names(path, pattern)]
        if root.exists()
        else []
    )
    JobFile.objects.filter(file__in=[str(path.relative_to(root)) for path in found]).delete()
    transaction.on_commit(lambda: _unlink(found), robust=True)
    return len(found)


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def redact(model: type[Model], columns: Sequence[str], trail: Trail) -> int:
    """Replace the person's words by an ellipsis wherever they stand in these columns, text or JSON."""
    pattern = re.compile(trail.words, re.IGNORECASE)
    where = " OR ".join(f'"{model._meta.get_field(name).column}"::text ~* %s' for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {connection.ops.quote_name(model._meta.pk.column)} FROM {_table(model)} WHERE {where}",
            [trail.words] * len(columns),
        )
        ids = [pk for (pk,) in cursor.fetchall()]
    changed = 0
    rows = model._base_manager.filter(pk__in=ids).order_by("pk").only(*columns).select_for_update()
    for row in rows.iterator(chunk_size=ROWS):
        before = {name: getattr(row, name) for name in columns}
        after = {name: without_words(value, pattern) for name, value in before.items()}
        if changes := {name: value for name, value in after.items() if value != before[name]}:
            changed += model._base_manager.filter(pk=row.pk).update(**changes)
    return changed


def without_words(value: Any, pattern: re.Pattern[str]) -> Any:
    """Return a text or a value read from JSON with an ellipsis for whatever the pattern finds in it."""
    if isinstance(value, dict):
        named = {pattern.sub(REDACTED, name): each for name, each in value.items()}
        return {name: _named_without_words(name, each, pattern) for name, each in named.items()}
    if isinstance(value, list):
        return [without_words(each, pattern) for each in value]
    if isinstance(value, str):
        return pattern.sub(REDACTED, value)
    if isinstance(value, int | float) and pattern.search(str(value)):
        return REDACTED
    return value


def _named_without_words(name: str, value: Any, pattern: re.Pattern[str]) -> Any:
    kept = without_words(value, pattern)
    if isinstance(kept, str | int | float) and pattern.search(f'"{name}": "{kept}"'):
        return REDACTED
    return kept


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
