"""Contests as files: the public list that anybody can check, and the whole for the notary."""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

from django.utils import timezone

from loyalty.models import Draw, DrawEntry, DrawPlay, DrawWinner
from operations.cells import inert

README = """{name} ({code})

contest.json   dates, commitment, digest, seed, public number, prizes
list.csv       the frozen list: receipt;entries, by receipt (the digest is SHA-256 of these lines
               without the heading, each with a line feed at its end)
entries.csv    every entry with its cause and its instant, also those taken back
winners.csv    winners and substitutes in the order drawn
plays.csv      every play of an instant win
regulation-*.txt

manage.py verify_draw --file FILE.zip works everything out again from these files alone; docs/games.md has
the same in twenty lines of Python that need nothing of ours.
"""


def public_list(draw: Draw) -> Iterator[str]:
    """Yield the frozen list line by line, exactly as the digest takes it: nothing in it tells of a person."""
    rows = draw.lines.order_by("receipt").values_list("receipt", "entries")
    return (f"{receipt};{entries}\n" for receipt, entries in rows.iterator(chunk_size=5000))


def public_plays(draw: Draw) -> Iterator[str]:
    """Yield every play of an instant win: receipt, number, position of the outcome, 1 where given."""
    plays = DrawPlay.objects.filter(draw=draw).order_by("pk").select_related("prize")
    return (
        f"{play.receipt};{play.number};{play.prize.position};{int(play.won)}\n"
        for play in plays.iterator(chunk_size=2000)
    )


def contest_facts(draw: Draw) -> dict[str, Any]:
    """Return what is published of a contest, the seed once it is over."""
    return {
        "code": draw.code,
        "kind": draw.kind,
        "status": draw.status,
        "title": draw.title,
        "opens_at": draw.opens_at.isoformat(),
        "closes_at": draw.closes_at.isoformat(),
        "commitment": draw.commitment,
        "committed_at": draw.committed_at.isoformat() if draw.committed_at else None,
        "digest": draw.digest or None,
        "people": draw.lines_count,
        "entries": draw.entries_count,
        "public_number": {"source": draw.beacon_source, "value": draw.beacon} if draw.beacon_source else None,
        "seed": draw.seed or None,
        "substitutes": draw.substitutes,
        "prizes": [
            {
                "position": prize.position,
                "reward": prize.reward.name if prize.reward else None,
                "quantity": prize.quantity,
                "probability": f"{prize.probability:f}" if prize.probability is not None else None,
            }
            for prize in draw.prizes.select_related("reward").order_by("position")
        ],
        "winners": [
            {
                "rank": winner.rank,
                "receipt": winner.line.receipt,
                "status": winner.status,
                "prize": winner.prize.position if winner.prize else None,
            }
            for winner in draw.winners.whole()
        ],
    }


def notary_file(draw: Draw) -> bytes:
    """Return the whole contest as a ZIP: for the notary, with customers' numbers and winners' names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", README.format(name=draw.name, code=draw.code))
        archive.writestr("contest.json", json.dumps(contest_facts(draw), indent=2, ensure_ascii=False))
        archive.writestr("list.csv", "receipt;entries\n" + "".join(public_list(draw)))
        archive.writestr("entries.csv", _sheet(_entries(draw)))
        archive.writestr("winners.csv", _sheet(_winners(draw)))
        archive.writestr("plays.csv", _sheet(_plays(draw)))
        for language, text in draw.regulation.items():
            if text:
                archive.writestr(f"regulation-{language}.txt", text)
    return buffer.getvalue()


def _entries(draw: Draw) -> Iterator[list[Any]]:
    yield ["customer", "entries", "cause", "reason", "at", "taken_back_at"]
    rows = DrawEntry.objects.filter(draw=draw).select_related("customer").order_by("pk")
    for entry in rows.iterator(chunk_size=2000):
        yield [
            entry.customer.public_id,
            entry.entries,
            entry.source_key,
            entry.reason,
            _instant(entry.occurred_at),
            _instant(entry.withdrawn_at),
        ]


def _winners(draw: Draw) -> Iterator[list[Any]]:
    yield ["rank", "receipt", "customer", "first_name", "last_name", "status", "prize", "reason"]
    for winner in DrawWinner.objects.filter(draw=draw).whole():
        yield [
            winner.rank,
            winner.line.receipt,
            winner.customer.public_id,
            winner.customer.first_name,
            winner.customer.last_name,
            winner.status,
            winner.prize.reward.name if winner.prize else "",
            winner.reason,
        ]


def _plays(draw: Draw) -> Iterator[list[Any]]:
    yield ["receipt", "number", "customer", "outcome", "position", "given", "at"]
    rows = DrawPlay.objects.filter(draw=draw).select_related("customer", "prize__reward").order_by("pk")
    for play in rows.iterator(chunk_size=2000):
        yield [
            play.receipt,
            play.number,
            play.customer.public_id,
            play.prize.reward.name if play.prize.reward else "",
            play.prize.position,
            int(play.won),
            _instant(play.played_at),
        ]


def _sheet(rows: Iterable[list[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\n")
    for row in rows:
        writer.writerow([inert(str(cell)) for cell in row])
    return text.getvalue()


def _instant(at: Any) -> str:
    return timezone.localtime(at).isoformat() if at else ""
