"""Who may be the same person: pairs by blocks, weighed in SQL, set-based.

Comparing everybody with everybody is out of the question, so pairs come from blocks that a person's records
hardly ever all escape: the same number, the same key, the same birth date or postcode with similar names
(pg_trgm).
Every statement works on temporary tables of the caller's transaction.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from customers.models import Evidence, MatchWeight
from customers.models.duplicate import CONTRADICTIONS

# A block that many share says nothing, and its pairs grow with its square.
LARGEST_BLOCK = 50
LARGEST_MAILBOX_BLOCK = 5

TABLES = [
    "changed", "claimed", "mailbox", "person", "phone", "email", "tax", "claim", "hash", "block", "pair",
    "likely", "score",
]  # fmt: skip
CHANGED = """
CREATE TEMPORARY TABLE match_changed ON COMMIT DROP AS
SELECT customer_id AS id FROM customers_identity WHERE created_at >= %(since)s
UNION SELECT customer_id FROM customers_sourceprofile WHERE observed_at >= %(since)s
UNION SELECT id FROM customers_customer WHERE updated_at >= %(since)s
"""
PEOPLE = """
CREATE TEMPORARY TABLE match_person ON COMMIT DROP AS
SELECT id, changed, search_name AS name, fidelio_search_text(btrim(first_name)) AS first,
    fidelio_search_text(btrim(last_name)) AS last, birth_date, postcode, fidelio_search_text(city) AS city,
    fidelio_search_text(btrim(street)) AS street
FROM (
    SELECT customer.*, {changed} AS changed FROM customers_customer AS customer
    WHERE status IN ('ACTIVE', 'PROSPECT') AND merged_into_id IS NULL
) AS customer
WHERE {near}
"""
# Besides who changed, whoever could be in one block with them.
NEAR = """changed
    OR birth_date IN (SELECT birth_date FROM customers_customer JOIN match_changed USING (id))
    OR postcode IN (
        SELECT postcode FROM customers_customer JOIN match_changed USING (id) WHERE postcode <> ''
    )
    OR id IN (
        SELECT other.customer_id FROM customers_identity AS other
        JOIN customers_identity AS own USING (namespace, value)
        JOIN match_changed ON match_changed.id = own.customer_id
    )
    OR id IN (SELECT owner FROM match_claimed)
    OR id IN (SELECT owner FROM match_mailbox)
    OR (search_name, city) IN (
        SELECT search_name, city FROM customers_customer JOIN match_changed USING (id) WHERE city <> ''
    )"""
# What a source says of one customer and another customer has: the key was taken when it came.
CLAIMS = """
SELECT DISTINCT profile.customer_id AS id, owner.customer_id AS owner
FROM customers_sourceprofile AS profile
JOIN {people} AS people ON people.id = profile.customer_id
CROSS JOIN LATERAL (VALUES ('email', lower(btrim(profile.data ->> 'email'))),
    ('loyalty_card', upper(translate(profile.data ->> 'loyalty_card', ' -', ''))),
    ('tax_code', upper(translate(profile.data ->> 'tax_code', ' -', '')))
) AS claim (namespace, value)
JOIN customers_identity AS owner ON owner.namespace = claim.namespace AND owner.value = claim.value
    AND NOT owner.shared
WHERE owner.customer_id <> profile.customer_id
"""
NEIGHBOURS = f"""
CREATE TEMPORARY TABLE match_claimed ON COMMIT DROP AS {CLAIMS.format(people="match_changed")};
CREATE TEMPORARY TABLE match_mailbox ON COMMIT DROP AS
SELECT other.customer_id AS owner FROM customers_identity AS other
JOIN (
    SELECT split_part(value, '@', 1) AS mailbox FROM customers_identity
    JOIN match_changed ON match_changed.id = customer_id
    WHERE namespace = 'email' AND length(split_part(value, '@', 1)) >= 6
) AS own ON own.mailbox = split_part(other.value, '@', 1)
WHERE other.namespace = 'email'
"""

KEYS = f"""
CREATE TEMPORARY TABLE match_phone ON COMMIT DROP AS
SELECT customer_id AS id, value FROM customers_identity
JOIN match_person ON match_person.id = customer_id
WHERE namespace = 'phone' AND value IN (
    SELECT value FROM customers_identity WHERE namespace = 'phone' AND shared
    GROUP BY value HAVING count(*) <= %(people_per_phone)s
)
AND value NOT IN (SELECT value FROM customers_blockedvalue WHERE namespace = 'phone');
CREATE TEMPORARY TABLE match_email ON COMMIT DROP AS
SELECT customer_id AS id, value, split_part(value, '@', 1) AS mailbox FROM customers_identity
JOIN match_person ON match_person.id = customer_id
WHERE namespace = 'email';
CREATE TEMPORARY TABLE match_tax ON COMMIT DROP AS
SELECT customer_id AS id, array_agg(value) AS codes FROM customers_identity
JOIN match_person ON match_person.id = customer_id
WHERE namespace = 'tax_code' GROUP BY customer_id;
CREATE TEMPORARY TABLE match_claim ON COMMIT DROP AS {CLAIMS.format(people="match_person")};
CREATE TEMPORARY TABLE match_hash ON COMMIT DROP AS
SELECT hashed.customer_id AS id, email.id AS owner FROM customers_identity AS hashed
JOIN match_email AS email ON encode(sha256(convert_to(email.value, 'UTF8')), 'hex') = hashed.value
WHERE hashed.namespace = 'email_sha256' AND hashed.customer_id <> email.id;
ANALYZE match_person; ANALYZE match_phone; ANALYZE match_email
"""

# People with one of these in common are compared. As numbers, because sorting texts by the million is slow.
BLOCKS = """
CREATE TEMPORARY TABLE match_block ON COMMIT DROP AS
SELECT id, changed, name, key FROM (
    SELECT id, changed, name, key, count(*) OVER (PARTITION BY key) AS people
    FROM match_person
    CROSS JOIN LATERAL (VALUES
        (CASE WHEN birth_date IS NOT NULL AND last <> '' THEN 'b' || birth_date || left(last, 2) END),
        (CASE WHEN birth_date IS NOT NULL AND first <> '' THEN 'b' || birth_date || left(first, 2) END),
        (CASE WHEN postcode <> '' AND street <> '' THEN 's' || postcode || '|' || street END),
        (CASE WHEN postcode <> '' AND last <> '' THEN 'l' || postcode || '|' || left(last, 4)
            || left(first, 1) END),
        (CASE WHEN postcode <> '' AND first <> '' THEN 'f' || postcode || '|' || first || left(last, 1) END),
        (CASE WHEN city <> '' AND first <> '' AND last <> '' THEN 'n' || city || '|' || name END)
    ) AS block (text)
    CROSS JOIN LATERAL (SELECT hashtextextended(text, 0) AS key) AS hashed
    WHERE text IS NOT NULL
) AS counted
WHERE people BETWEEN 2 AND %(largest_block)s;
ANALYZE match_block
"""
PAIRS = """
CREATE TEMPORARY TABLE match_pair ON COMMIT DROP AS
SELECT least(one, other) AS first, greatest(one, other) AS second, bool_or(phone) AS phone,
    bool_or(claim) AS claim, bool_or(hash) AS hash, bool_or(mailbox) AS mailbox
FROM (
    SELECT one.id AS one, other.id AS other, true AS phone, false AS claim, false AS hash, false AS mailbox
    FROM match_phone AS one JOIN match_phone AS other ON one.value = other.value AND one.id < other.id
    UNION ALL SELECT id, owner, false, true, false, false FROM match_claim
    UNION ALL SELECT id, owner, false, false, true, false FROM match_hash
    UNION ALL
    SELECT one.id, other.id, false, false, false, true FROM match_email AS one
    JOIN match_email AS other ON one.mailbox = other.mailbox AND one.id < other.id
        AND one.value <> other.value
    WHERE length(one.mailbox) >= 6 AND one.mailbox IN (
        SELECT mailbox FROM match_email GROUP BY mailbox HAVING count(*) <= %(largest_mailbox_block)s
    )
    UNION ALL
    SELECT one.id, other.id, false, false, false, false
    FROM match_block AS one JOIN match_block AS other ON one.key = other.key AND one.id < other.id
    WHERE (one.changed OR other.changed) AND similarity(one.name, other.name) >= 0.45
) AS pair
GROUP BY 1, 2;
DELETE FROM match_pair USING match_person AS one, match_person AS other
WHERE one.id = match_pair.first AND other.id = match_pair.second AND NOT (one.changed OR other.changed);
ANALYZE match_pair
"""

# Two dates differ by one slip of the hand: day and month swapped, or one of the eight figures.
ONE_SLIP = """(
    to_char(one.birth_date, 'YYYYDDMM') = to_char(other.birth_date, 'YYYYMMDD')
    OR (SELECT count(*) FROM generate_series(1, 8) AS place
        WHERE substr(to_char(one.birth_date, 'YYYYMMDD'), place, 1)
            <> substr(to_char(other.birth_date, 'YYYYMMDD'), place, 1)) = 1
)"""
COMPARED = """SELECT
    one.first <> '' AND one.first = other.last AND one.last = other.first AS swapped,
    one.last <> '' AND other.last <> '' AS both_last,
    one.first <> '' AND other.first <> '' AS both_first,
    one.birth_date IS NOT NULL AND other.birth_date IS NOT NULL AS both_born,
    one.last = other.last AS same_last,
    similarity(one.last, other.last) >= 0.5 AS like_last,
    one.first = other.first AS same_first,
    similarity(one.first, other.first) >= 0.6 OR starts_with(one.first, rtrim(other.first, '.'))
        OR starts_with(other.first, rtrim(one.first, '.')) AS like_first,
    one.birth_date = other.birth_date AS same_birth"""
EVIDENCE = {
    Evidence.KEY_CLAIMED: "pair.claim",
    Evidence.EMAIL_HASH: "pair.hash",
    Evidence.MAILBOX: "pair.mailbox",
    Evidence.PHONE: "pair.phone",
    Evidence.LAST_NAME_RARITY: "both_last AND (same_last OR swapped)",
    Evidence.LAST_NAME_SIMILAR: "both_last AND NOT same_last AND NOT swapped AND like_last",
    Evidence.FIRST_NAME: "both_first AND (same_first OR swapped)",
    Evidence.FIRST_NAME_SIMILAR: "both_first AND NOT same_first AND NOT swapped AND like_first",
    Evidence.BIRTH_DATE: "both_born AND same_birth",
    Evidence.BIRTH_DATE_SIMILAR: f"both_born AND NOT same_birth AND {ONE_SLIP}",
    Evidence.STREET: "one.street <> '' AND one.street = other.street AND one.city = other.city",
    Evidence.POSTCODE: "one.postcode <> '' AND one.postcode = other.postcode",
    Evidence.CITY: "one.city <> '' AND one.city = other.city",
    Evidence.LAST_NAME_DIFFERS: "both_last AND NOT same_last AND NOT swapped AND NOT like_last",
    Evidence.FIRST_NAME_DIFFERS: "both_first AND NOT same_first AND NOT swapped AND NOT like_first",
    Evidence.BIRTH_DATE_DIFFERS: f"both_born AND NOT same_birth AND NOT {ONE_SLIP}",
    Evidence.TAX_CODE_DIFFERS: "NOT one_tax.codes && other_tax.codes",
}
# The rarity of a name in bits; as if ten thousand people more were known, lest a small shop call all rare.
RARITY = "(ln((%(people)s + 10000)::float8 / greatest(surname.people, 1)) / ln(2))::numeric"


def _numbered(evidence: dict[Evidence, str]) -> str:
    return ", ".join(
        f"({place}, '{code}', {condition})"
        for place, (code, condition) in enumerate(evidence.items(), start=1)
    )


# Everything a pair is judged by, under the names that EVIDENCE uses.
COMPARISON = f"""
FROM {{pairs}} AS pair
JOIN match_person AS one ON one.id = pair.first
JOIN match_person AS other ON other.id = pair.second
LEFT JOIN match_tax AS one_tax ON one_tax.id = pair.first
LEFT JOIN match_tax AS other_tax ON other_tax.id = pair.second
LEFT JOIN customers_surnamecount AS surname ON surname.name = one.last
CROSS JOIN LATERAL ({COMPARED}) AS compared
"""
# What takes long to judge is left to the second look, at the few pairs that could still weigh enough.
TAKES_LONG = {Evidence.BIRTH_DATE_SIMILAR, Evidence.BIRTH_DATE_DIFFERS}
LIKELY = """
CREATE TEMPORARY TABLE match_likely ON COMMIT DROP AS
SELECT pair.* {comparison}
WHERE {bound} >= %(review_from)s
"""
SCORES = f"""
CREATE TEMPORARY TABLE match_score ON COMMIT DROP AS
SELECT pair.first, pair.second, told.weight, told.explanation, pair.claim AS strong, told.contradicted
{COMPARISON.format(pairs="match_likely")}
CROSS JOIN LATERAL (
    SELECT sum(counted.weight) AS weight, bool_or(counted.code = ANY(%(contradictions)s)) AS contradicted,
        jsonb_agg(jsonb_build_array(counted.code, counted.weight) ORDER BY counted.place) AS explanation
    FROM (
        SELECT place, evidence.code, CASE evidence.code
            WHEN '{Evidence.LAST_NAME_RARITY}' THEN
                round(least(rule.at_most, rule.weight * {RARITY}), 2)
            ELSE rule.weight END AS weight
        FROM (VALUES {_numbered(EVIDENCE)}) AS evidence (place, code, holds)
        JOIN customers_matchweight AS rule ON rule.code = evidence.code
        WHERE evidence.holds
    ) AS counted
) AS told
WHERE told.weight >= %(review_from)s
"""
SURNAMES = """
TRUNCATE customers_surnamecount;
INSERT INTO customers_surnamecount (name, people)
SELECT last, count(*) FROM match_person WHERE last <> '' GROUP BY last
"""
KEEP = """
INSERT INTO customers_duplicatecandidate
    (first_id, second_id, weight, explanation, strong, contradicted, status, found_at)
SELECT first, second, weight, explanation, strong, contradicted, 'OPEN', %(at)s
FROM match_score AS score
WHERE NOT EXISTS (
    SELECT FROM customers_donotmerge AS apart
    WHERE apart.first_id = score.first AND apart.second_id = score.second
)
ON CONFLICT (first_id, second_id) DO UPDATE SET weight = excluded.weight,
    explanation = excluded.explanation, strong = excluded.strong, contradicted = excluded.contradicted
WHERE customers_duplicatecandidate.status = 'OPEN'
    AND (customers_duplicatecandidate.weight, customers_duplicatecandidate.explanation)
        IS DISTINCT FROM (excluded.weight, excluded.explanation)
"""
# What was a candidate and is none any more, among those whom this search looked at.
FORGET = """
DELETE FROM customers_duplicatecandidate AS candidate
WHERE status = 'OPEN' AND NOT EXISTS (
    SELECT FROM match_score WHERE first = candidate.first_id AND second = candidate.second_id
) AND (
    %(whole)s OR EXISTS (
        SELECT FROM match_person WHERE changed AND id IN (candidate.first_id, candidate.second_id)
    ) OR NOT EXISTS (
        SELECT FROM customers_customer AS one, customers_customer AS other
        WHERE one.id = candidate.first_id AND other.id = candidate.second_id
            AND one.status IN ('ACTIVE', 'PROSPECT') AND other.status IN ('ACTIVE', 'PROSPECT')
    )
)
"""


@dataclass(frozen=True)
class Matches:
    """What a comparison came to: pairs looked at, and those that were written down or changed."""

    compared: int
    kept: int


def match_customers(
    *, since: datetime | None, people_per_phone: int, review_from: Decimal, at: datetime
) -> Matches:
    """Compare who changed since an instant with everybody (None: everybody with everybody); keep candidates.

    Works in the caller's transaction, set-based: minutes for a million customers, seconds for a day's news.
    """
    values = {
        "since": since,
        "people_per_phone": people_per_phone,
        "largest_block": LARGEST_BLOCK,
        "largest_mailbox_block": LARGEST_MAILBOX_BLOCK,
        "contradictions": [str(code) for code in CONTRADICTIONS],
        "review_from": review_from,
        "whole": since is None,
        "at": at,
    }
    with connection.cursor() as cursor:
        if not _gather(cursor, values):
            return Matches(compared=0, kept=0)
        _run(cursor, KEYS, values)
        _run(cursor, BLOCKS, values)
        _run(cursor, PAIRS, values)
        if since is None:
            _run(cursor, SURNAMES, values)
        values["people"] = _number(cursor, "SELECT coalesce(sum(people), 0) FROM customers_surnamecount")
        _run(cursor, LIKELY.format(comparison=COMPARISON.format(pairs="match_pair"), bound=_bound()), values)
        _run(cursor, SCORES, values)
        _run(cursor, FORGET, values)
        cursor.execute(KEEP, values)
        kept = cursor.rowcount
        return Matches(compared=_number(cursor, "SELECT count(*) FROM match_pair"), kept=kept)


def _bound() -> str:
    """Return the most a pair can weigh, judged by what is judged quickly."""
    weights = {weight.code: weight for weight in MatchWeight.objects.all()}
    parts = [f"CASE WHEN both_born AND NOT same_birth THEN {_most(weights)} ELSE 0 END"]
    for code, condition in EVIDENCE.items():
        if code in TAKES_LONG or code not in weights:
            continue
        weight = str(weights[code].weight)
        if code == Evidence.LAST_NAME_RARITY:
            weight = f"least({weights[code].at_most or 'NULL'}, {weight} * {RARITY})"
        parts.append(f"CASE WHEN {condition} THEN {weight} ELSE 0 END")
    return " + ".join(parts)


def _most(weights: dict[str, MatchWeight]) -> Decimal:
    return max((weights[code].weight for code in TAKES_LONG if code in weights), default=Decimal(0))


def _gather(cursor: CursorWrapper, values: dict[str, Any]) -> bool:
    """Lay out the people to compare: everybody, or who changed and whoever could be in a block with them.

    Returns whether there is anybody to compare.
    """
    cursor.execute("DROP TABLE IF EXISTS " + ", ".join(f"match_{table}" for table in TABLES))
    if values["whole"]:
        _run(cursor, PEOPLE.format(changed="true", near="true"), values)
        return True
    _run(cursor, CHANGED, values)
    if not _number(cursor, "SELECT count(*) FROM (SELECT FROM match_changed LIMIT 1) AS changed"):
        return False
    _run(cursor, NEIGHBOURS, values)
    _run(cursor, PEOPLE.format(changed="id IN (SELECT id FROM match_changed)", near=NEAR), values)
    return True


def _run(cursor: CursorWrapper, statements: str, values: dict[str, Any]) -> None:
    """Carry out statements one by one: a parameter cannot go with several at once."""
    for statement in statements.split(";"):
        cursor.execute(statement, values)


def _number(cursor: CursorWrapper, query: str) -> int:
    cursor.execute(query)
    return int(cursor.fetchone()[0])
